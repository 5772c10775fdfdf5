// Package confluent reads values in the Confluent wire format: a zero byte, the id of a
// schema as four bytes, and Avro data written with that schema.
package confluent

import (
	"context"
	"fmt"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// Decoder decodes values by the schemas of a registry, and asks it for each schema once.
// It is for one goroutine.
type Decoder struct {
	registry *sr.Client
	schemas  map[int]*avro.Schema
}

// NewDecoder returns a Decoder that asks the registry at url.
func NewDecoder(url string) (*Decoder, error) {
	registry, err := sr.NewClient(sr.URLs(url))
	if err != nil {
		return nil, fmt.Errorf("SCHEMA_REGISTRY_URL %q: %w", url, err)
	}
	return &Decoder{registry, map[int]*avro.Schema{}}, nil
}

// Decode decodes value into what into points to. Fields that it does not have are skipped.
func (d *Decoder) Decode(ctx context.Context, value []byte, into any) error {
	var header sr.ConfluentHeader
	id, data, err := header.DecodeID(value)
	if err != nil {
		return fmt.Errorf("the value has no schema id: %w", err)
	}
	schema, err := d.schema(ctx, id)
	if err != nil {
		return fmt.Errorf("schema %d of the registry, check SCHEMA_REGISTRY_URL: %w", id, err)
	}
	_, err = schema.Decode(data, into, avro.SkipUnknown())
	return err
}

func (d *Decoder) schema(ctx context.Context, id int) (*avro.Schema, error) {
	if schema := d.schemas[id]; schema != nil {
		return schema, nil
	}
	text, err := d.registry.SchemaByID(ctx, id)
	if err != nil {
		return nil, err
	}
	schema, err := avro.Parse(text.Schema)
	if err != nil {
		return nil, err
	}
	d.schemas[id] = schema
	return schema, nil
}
