package emit

import (
	"context"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Codec writes and reads the events of one object on its topic.
type Codec struct {
	Events   *schemas.Codec
	SchemaID int
}

// Register makes the codec of an object, whose schema it registers or verifies.
func Register(ctx context.Context, r *schemas.Registrar, names kafka.Names, vendor, tenant, object string) (Codec, error) {
	events, err := schemas.NewCodec(vendor, object)
	if err != nil {
		return Codec{}, err
	}
	subject := names.Subject(names.Changes(vendor, tenant, object))
	id, err := r.Ensure(ctx, subject, events.EnvelopeSchema())
	if err != nil {
		return Codec{}, fmt.Errorf("schema of subject %s: %w", subject, err)
	}
	return Codec{Events: events, SchemaID: id}, nil
}

// Append encodes an event.
func (c Codec) Append(dst []byte, e *schemas.Envelope) ([]byte, error) {
	return c.Events.AppendEnvelope(dst, c.SchemaID, e)
}

// Decode reads an event that this version or an earlier one has written.
func (c Codec) Decode(ctx context.Context, value []byte, earlier schemas.Resolver) (schemas.Envelope, error) {
	if id, ok := schemas.WireID(value); ok && id == c.SchemaID {
		return c.Events.DecodeEnvelope(value)
	}
	return schemas.DecodeAnyEnvelope(ctx, value, earlier)
}
