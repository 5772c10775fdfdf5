package schemas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"
)

// Resolver finds the schema that a value was written with.
type Resolver interface {
	// SchemaByID gives the kind ("AVRO", "JSON", "PROTOBUF") and text of a schema.
	// The error wraps ErrSchemaNotFound if the registry answered that it has none
	// of this id; any other error means that nobody knows.
	SchemaByID(ctx context.Context, id int) (kind, text string, err error)
}

// ErrSchemaNotFound: the registry has no schema of this id.
var ErrSchemaNotFound = errors.New("no schema of this id")

const (
	kindAvro = "AVRO"
	kindJSON = "JSON"

	// maxResolved bounds the resolver's memory. A producer that makes up ids cannot
	// fill it, since only schemas that exist are kept.
	maxResolved = 1000
)

// NewResolver gives a Resolver that asks the registry once for each id, for as long as
// it is used. It also keeps what decoding made of a schema: use one for all values.
func NewResolver(client *sr.Client) Resolver {
	return &registryResolver{client: client, known: map[int]*resolved{}}
}

type registryResolver struct {
	client *sr.Client
	mu     sync.Mutex
	known  map[int]*resolved
}

type resolved struct {
	kind, text string
	made       map[string]any // what decoders made of the text, by purpose
}

func (r *registryResolver) SchemaByID(ctx context.Context, id int) (kind, text string, err error) {
	r.mu.Lock()
	s, ok := r.known[id]
	r.mu.Unlock()
	if ok {
		return s.kind, s.text, nil
	}
	schema, err := r.client.SchemaByID(ctx, id)
	if err != nil {
		var answer *sr.ResponseError
		if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
			return "", "", fmt.Errorf("fetch schema %d: %w", id, ErrSchemaNotFound)
		}
		return "", "", fmt.Errorf("fetch schema %d: %w", id, err)
	}
	s = &resolved{kind: schema.Type.String(), text: schema.Schema, made: map[string]any{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxResolved {
		clear(r.known)
	}
	r.known[id] = s
	return s.kind, s.text, nil
}

// Knows tells whether a Resolver has a schema at hand, so that nobody has to be asked.
func Knows(r Resolver, id int) bool {
	keeper, ok := r.(*registryResolver)
	if !ok {
		return true // it does not say
	}
	keeper.mu.Lock()
	defer keeper.mu.Unlock()
	return keeper.known[id] != nil
}

// memo gives what was made of schema id for a purpose, making it on first use. Errors are not kept.
func (r *registryResolver) memo(id int, purpose string, build func() (any, error)) (any, error) {
	r.mu.Lock()
	var made any
	if s, ok := r.known[id]; ok {
		made = s.made[purpose]
	}
	r.mu.Unlock()
	if made != nil {
		return made, nil
	}
	made, err := build()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.known[id]; ok {
		s.made[purpose] = made
	}
	return made, nil
}

// memoized builds something from a schema's text, once where the resolver can keep it.
func memoized[T any](r Resolver, id int, purpose string, build func() (T, error)) (T, error) {
	keeper, ok := r.(interface {
		memo(id int, purpose string, build func() (any, error)) (any, error)
	})
	if !ok {
		return build()
	}
	made, err := keeper.memo(id, purpose, func() (any, error) { return build() })
	if err != nil {
		var zero T
		return zero, err
	}
	t, _ := made.(T)
	return t, nil
}

// DecodeAnyEnvelope reads a change written by any version of the bridge: the schema is
// taken from the registry. See Codec.DecodeEnvelope.
func DecodeAnyEnvelope(ctx context.Context, value []byte, r Resolver) (Envelope, error) {
	id, text, err := avroText(ctx, value, r)
	if err != nil {
		return Envelope{}, fmt.Errorf("decode change: %w", err)
	}
	codec, err := memoized(r, id, "change", func() (*Codec, error) { return newCodec(text) })
	if err != nil {
		return Envelope{}, fmt.Errorf("decode change: schema %d: %w", id, err)
	}
	return codec.DecodeEnvelope(value)
}

// avroText gives the id and text of the Avro schema that a value names.
func avroText(ctx context.Context, value []byte, r Resolver) (int, string, error) {
	id, ok := WireID(value)
	if !ok {
		return 0, "", errors.New("the value does not start with a zero byte and a schema id")
	}
	kind, text, err := r.SchemaByID(ctx, id)
	if err != nil {
		return 0, "", err
	}
	if kind != kindAvro {
		return 0, "", fmt.Errorf("schema %d is of type %s, not AVRO", id, kind)
	}
	return id, text, nil
}
