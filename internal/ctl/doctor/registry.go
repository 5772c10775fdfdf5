package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// registry is the part that looks at the schema registry.
type registry struct {
	part
	client *sr.Client
	known  []string // subjects that are there
}

func (x *examiner) registry(ctx context.Context) {
	r := registry{part: part{x: x, area: "registry"}}
	var err error
	if r.client, err = kafka.NewRegistry(x.Config.Registry); err != nil {
		r.failf("client", "mend what the message names", "%v", err)
		return
	}
	if r.reach(ctx) {
		r.subjects(ctx)
	}
}

func (r *registry) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.x.Timeout, fmt.Errorf("no answer within %s", r.x.Timeout))
}

func (r *registry) reach(ctx context.Context) bool {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	urls := strings.Join(r.x.Config.Registry.URLs, ",")
	known, err := r.client.Subjects(ctx)
	answer, answered := errors.AsType[*sr.ResponseError](err)
	switch {
	case err == nil:
		r.known = known
		r.okf("reachable", "%s answers, with %s", urls, count(len(known), "subject"))
		return true
	case answered && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		r.failf("login", "check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN, and what its owner may read",
			"%s refuses: %d %v", urls, answer.StatusCode, err)
	case answered:
		r.failf("reachable", "check the path of SCHEMA_REGISTRY_URL: it must be the root of a Confluent-compatible API", "%s answers with %d: %v", urls, answer.StatusCode, err)
	default:
		r.away("reachable", "check SCHEMA_REGISTRY_URL, SCHEMA_REGISTRY_CA_FILE and the network", fmt.Errorf("%s: %w", urls, err))
	}
	return false
}

// subjects looks for the schema of each topic, as the services do at their
// start, but registers none.
func (r *registry) subjects(ctx context.Context) {
	needs, err := r.x.topics()
	if err != nil {
		r.failf("subjects", "", "%v", err)
		return
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	registered, lookup := 0, schemas.NewRegistrar(r.client, false)
	var absent []string
	for _, n := range needs {
		if n.schema == "" {
			continue
		}
		subject := r.x.names().Subject(n.spec.Name)
		_, err := lookup.Ensure(ctx, subject, n.schema)
		switch _, missing := errors.AsType[*schemas.NotRegisteredError](err); {
		case err == nil:
			registered++
		case missing:
			if r.registrable(ctx, subject, n.schema) {
				absent = append(absent, subject)
			}
		default:
			r.refused(subject, err)
		}
	}
	r.sum(ctx, registered, absent)
}

// refused is a subject whose schema cannot be used.
func (r *registry) refused(subject string, err error) {
	if incompatible, ok := errors.AsType[*schemas.IncompatibleError](err); ok {
		r.failf("subject "+subject, "use a bridge of the version that wrote it or newer, or give this bridge another TOPIC_PREFIX",
			"the schema there (version %d) is not compatible with this bridge's: %v", incompatible.Version, incompatible.Err)
		return
	}
	r.failf("subject "+subject, "let the user read the subject", "%v", err)
}

// registrable tells whether the registry would take the schema as a new version
// of a subject, where it may be registered at all.
func (r *registry) registrable(ctx context.Context, subject, schema string) bool {
	if !r.x.Config.Registry.AutoRegister {
		r.failf("subject "+subject, "register the schema by POST /subjects/"+subject+"/versions; source --check and sink --check print it. Or set SCHEMA_AUTO_REGISTER=true",
			"is not registered, and SCHEMA_AUTO_REGISTER is off")
		return false
	}
	if !slices.Contains(r.known, subject) {
		return true
	}
	const allThatCount = -2 // of the versions that the subject's own level says
	verdict, err := r.client.CheckCompatibility(ctx, subject, allThatCount, sr.Schema{Schema: schema, Type: sr.TypeAvro})
	switch {
	case err != nil:
		r.warnf("subject "+subject, "none: the start will tell", "the new version is compatible for the bridge; the registry does not say what it thinks: %v", err)
	case !verdict.Is:
		r.failf("subject "+subject, "set the compatibility level of the subject to BACKWARD, which is what the bridge keeps",
			"the registry would refuse this bridge's schema: %s", cmp.Or(strings.Join(verdict.Messages, "; "), "it does not say why"))
	}
	return err != nil || verdict.Is
}

func (r *registry) sum(ctx context.Context, registered int, absent []string) {
	if len(absent) == 0 {
		r.okf("subjects", "%s registered", count(registered, "schema"))
		return
	}
	modes := r.client.Mode(ctx)
	if len(modes) == 1 && modes[0].Err == nil && modes[0].Mode != sr.ModeReadWrite {
		r.failf("mode", "set the registry's mode to READWRITE, or register them by hand and set SCHEMA_AUTO_REGISTER=false",
			"the registry is in mode %s and would not take %s", modes[0].Mode, some(absent))
		return
	}
	r.okf("subjects", "%s registered; the services register at their start, if their user may: %s", count(registered, "schema"), some(absent))
}
