package schemas

import (
	"errors"
	"fmt"

	"github.com/twmb/avro"
)

// maxSchemaBytes is the longest schema text that is read.
const maxSchemaBytes = 1 << 20

// avroReader reads data of a writer's schema into a struct of the reader's.
//
// Neither data nor writer's schema is trusted. The data is first walked along the
// writer's schema, with its lengths and the number of steps bounded by its size: the
// library checks lengths too, but spends time without limit on a schema whose records
// fan out without taking any bytes.
type avroReader struct {
	writer *node
	schema *avro.Schema
}

func newAvroReader(writer string, reader *avro.Schema) (*avroReader, error) {
	if len(writer) > maxSchemaBytes {
		return nil, fmt.Errorf("the schema has %d bytes, more than %d", len(writer), maxSchemaBytes)
	}
	tree, err := parseTree(writer)
	if err != nil {
		return nil, err
	}
	w, err := avro.Parse(writer)
	if err != nil {
		return nil, err
	}
	resolved, err := avro.Resolve(w, reader)
	if err != nil {
		return nil, err
	}
	return &avroReader{tree, resolved}, nil
}

// decode reads all of data into the struct that into points to.
func (r *avroReader) decode(data []byte, into any) error {
	walk := &wireReader{b: data}
	if err := walk.skip(r.writer, maxWireDepth); err != nil {
		return fmt.Errorf("at byte %d: %w", walk.pos, err)
	}
	rest, err := r.schema.Decode(data, into)
	if err == nil && len(rest)+walk.left() > 0 {
		err = errors.New("bytes follow the data")
	}
	return err
}
