package schemas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"
)

// Registrar makes sure that the schemas the bridge writes with are in the registry.
type Registrar struct {
	client *sr.Client
	auto   bool

	mu  sync.Mutex
	ids map[subjectSchema]int
}

type subjectSchema struct{ subject, text string }

// NewRegistrar gives a Registrar. With auto it registers what is missing; without, it
// only says what is.
func NewRegistrar(client *sr.Client, auto bool) *Registrar {
	return &Registrar{client: client, auto: auto, ids: map[subjectSchema]int{}}
}

// IncompatibleError says that readers of the new schema could not read what was written
// with the latest of the subject.
type IncompatibleError struct {
	Subject string
	Version int // latest
	Err     error
}

func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("register schema under %q: not compatible with version %d: %v; "+
		"remedy: use a bridge of the version that wrote it or newer, or give this bridge another TOPIC_PREFIX",
		e.Subject, e.Version, e.Err)
}

func (e *IncompatibleError) Unwrap() error { return e.Err }

// NotRegisteredError says that the schema is missing and may not be registered by the
// bridge.
type NotRegisteredError struct {
	Subject string
	Schema  string // what to register
}

func (e *NotRegisteredError) Error() string {
	return fmt.Sprintf("look up schema under %q: not registered, and SCHEMA_AUTO_REGISTER is off; "+
		"remedy: register it with POST /subjects/%s/versions, schemaType AVRO, schema %s", e.Subject, e.Subject, e.Schema)
}

// Ensure gives the id of an Avro schema under a subject. A schema that the subject has
// in any version keeps its id. A new one must be able to read what the latest wrote
// (IncompatibleError otherwise), and is registered, or reported (NotRegisteredError).
// Errors of the registry are returned as they are and worth a later try.
func (r *Registrar) Ensure(ctx context.Context, subject, schemaText string) (int, error) {
	key := subjectSchema{subject, schemaText}
	r.mu.Lock()
	id, ok := r.ids[key]
	r.mu.Unlock()
	if ok {
		return id, nil
	}
	id, err := r.ensure(ctx, subject, schemaText)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	r.ids[key] = id
	r.mu.Unlock()
	return id, nil
}

func (r *Registrar) ensure(ctx context.Context, subject, text string) (int, error) {
	id, err := r.findOrRegister(ctx, subject, text)
	if answered(err, http.StatusConflict) {
		// To the later of two processes that register at a time, some registries say
		// what they say to an incompatible schema. What the other one did is there now.
		id, err = r.findOrRegister(ctx, subject, text)
	}
	return id, err
}

func (r *Registrar) findOrRegister(ctx context.Context, subject, text string) (int, error) {
	schema := sr.Schema{Schema: text, Type: sr.TypeAvro}
	found, err := r.client.LookupSchema(ctx, subject, schema)
	if err == nil {
		return found.ID, nil
	}
	if !answered(err, http.StatusNotFound) {
		return 0, fmt.Errorf("look up schema under %q: %w", subject, err)
	}
	version, err := r.compare(ctx, subject, text)
	if err != nil {
		return 0, err
	}
	if !r.auto {
		return 0, &NotRegisteredError{Subject: subject, Schema: text}
	}
	made, err := r.client.CreateSchema(ctx, subject, schema)
	switch {
	case answered(err, http.StatusConflict) && version > 0:
		return 0, &IncompatibleError{Subject: subject, Version: version, Err: err}
	case err != nil:
		return 0, fmt.Errorf("register schema under %q: %w", subject, err)
	}
	return made.ID, nil
}

// compare holds a schema against the latest of the subject and gives the latest's version, 0 for none.
func (r *Registrar) compare(ctx context.Context, subject, text string) (int, error) {
	const latestVersion = -1
	latest, err := r.client.SchemaByVersion(ctx, subject, latestVersion)
	switch {
	case answered(err, http.StatusNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("fetch latest schema of %q: %w", subject, err)
	case latest.Type != sr.TypeAvro:
		err = fmt.Errorf("it is of type %s, not AVRO", latest.Type)
	default:
		err = Compatible(text, latest.Schema.Schema)
	}
	if err != nil {
		return latest.Version, &IncompatibleError{Subject: subject, Version: latest.Version, Err: err}
	}
	return latest.Version, nil
}

func answered(err error, status int) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == status
}
