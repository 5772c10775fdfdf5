package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// broker is the part that looks at the cluster.
type broker struct {
	part
	cl *kgo.Client
}

func (x *examiner) kafka(ctx context.Context) {
	b := broker{part: part{x: x, area: "kafka"}}
	options, err := kafka.FromConfig(x.Config.Kafka)
	if err != nil {
		b.failf("client", "mend what the message names; docs/configuration.md has every variable", "%v", err)
		return
	}
	options.ClientID = "planhatctl"
	if b.cl, err = options.NewClient(); err != nil {
		b.failf("client", "check the KAFKA_ variables", "%v", err)
		return
	}
	defer b.cl.Close()
	if !b.reach(ctx) {
		return
	}
	b.version(ctx)
	b.topics(ctx)
	b.groups(ctx)
	b.transactions(ctx)
	b.cluster(ctx)
}

func (b broker) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, b.x.Timeout, fmt.Errorf("no answer within %s", b.x.Timeout))
}

func (b broker) reach(ctx context.Context) bool {
	ctx, cancel := b.limited(ctx)
	defer cancel()
	seeds := strings.Join(b.x.Config.Kafka.Brokers, ",")
	err := b.cl.Ping(ctx)
	switch {
	case err == nil:
		b.okf("reachable", "%s answers %s", seeds, b.principal())
		return true
	case isAny(err, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState):
		b.failf("login", "check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, and that the user exists", "%s refuses the login: %v", seeds, err)
	default:
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		b.away("reachable", "check KAFKA_BOOTSTRAP_SERVERS, the network, and KAFKA_TLS_ENABLED and KAFKA_SASL_*, which must be what the listener wants",
			fmt.Errorf("%s: %w", seeds, err))
	}
	return false
}

// principal is the user as rights are granted to it.
func (b broker) principal() string { return principal(b.x.Config.Kafka) }

func principal(k config.Kafka) string {
	switch {
	case k.SASL.Mechanism == "OAUTHBEARER":
		return "User:" + placeholder("the subject of the token")
	case k.SASL.Mechanism != "":
		return "User:" + k.SASL.Username
	case k.TLS.CertFile != "":
		return "User:" + placeholder("the subject of the client certificate")
	}
	return "User:ANONYMOUS"
}

func placeholder(what string) string { return "<" + what + ">" }

// acl is a command line that grants rights to the user.
func (b broker) acl(ops []kmsg.ACLOperation, resources ...string) string {
	words := []string{"kafka-acls --bootstrap-server", strings.Join(b.x.Config.Kafka.Brokers, ","), "--add --allow-principal", "'" + b.principal() + "'"}
	for _, op := range ops {
		words = append(words, "--operation "+operation(op))
	}
	return strings.Join(append(words, resources...), " ")
}

// operation is the spelling of Kafka's tools.
func operation(op kmsg.ACLOperation) string {
	words := strings.Split(strings.ToLower(op.String()), "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func flags(flag string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = flag + " " + n
	}
	return out
}

func (b broker) version(ctx context.Context) {
	ctx, cancel := b.limited(ctx)
	defer cancel()
	v, err := kafka.InspectCluster(ctx, b.cl)
	switch {
	case err != nil:
		b.away("version", "every broker must be reachable under the address that it advertises (advertised.listeners)", err)
	case v.Lacks != nil:
		b.failf("version", "use Apache Kafka 2.8 or newer, or a service that speaks as much of its protocol",
			"%s%s, without %s", count(v.Brokers, "broker"), release(v.Version), strings.Join(v.Lacks, ", "))
	default:
		b.okf("version", "%s%s: transactions, topic ids and static members are there", count(v.Brokers, "broker"), release(v.Version))
	}
}

// release is the guess of a version, where it is one of a release.
func release(guess string) string {
	if strings.HasPrefix(guess, "v") || strings.HasPrefix(guess, "at least v") {
		return ", Kafka " + guess
	}
	return ""
}

// cluster tells what the user may do with the cluster as a whole. Nothing of it
// is needed by the services: a right to write to a topic is one to write there
// idempotently since Kafka 2.8.
func (b broker) cluster(ctx context.Context) {
	ctx, cancel := b.limited(ctx)
	defer cancel()
	rights, err := kafka.ClusterRights(ctx, b.cl)
	switch {
	case err != nil:
		b.warnf("cluster", "none is needed if the other checks are good", "rights on the cluster: %v", err)
	case !rights.Known:
		b.okf("cluster", "%s has, or is told of, no right on the cluster as a whole; IdempotentWrite is not needed since Kafka 2.8", b.principal())
	default:
		var may []string
		for _, op := range []kmsg.ACLOperation{kmsg.ACLOperationCreate, kmsg.ACLOperationIdempotentWrite} {
			if rights.May(op) {
				may = append(may, operation(op))
			}
		}
		b.okf("cluster", "rights on the cluster: Describe%s", strings.Join(append([]string{""}, may...), ", "))
	}
}
