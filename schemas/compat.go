package schemas

import (
	"fmt"

	hamba "github.com/hamba/avro/v2"
)

// Compatible tells whether data written with the writer's schema can be read with the
// reader's; the error names the difference. It is as strict as the schema registry:
// a field added without a default is refused, even if it is nullable.
func Compatible(reader, writer string) error {
	r, err := parseAlone(reader)
	if err != nil {
		return fmt.Errorf("compare schemas: parse reader: %w", err)
	}
	w, err := parseAlone(writer)
	if err != nil {
		return fmt.Errorf("compare schemas: parse writer: %w", err)
	}
	if err := hamba.NewSchemaCompatibility().Compatible(r, w); err != nil {
		return fmt.Errorf("compare schemas: %w", err)
	}
	return nil
}

// parseAlone parses with a cache of its own: the library's default cache is global and
// would let names of one schema resolve in another.
func parseAlone(text string) (hamba.Schema, error) {
	return hamba.ParseWithCache(text, "", &hamba.SchemaCache{})
}
