package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// composeEnvelope builds the text of an object's Envelope schema: envelope.avsc with
// the object's record in place of its first mention of Value.
func composeEnvelope(vendor, object string) (string, error) {
	value, err := loadRecord(path.Join(vendor, object+".avsc"))
	if err != nil {
		return "", err
	}
	envelope, err := loadRecord("envelope.avsc")
	if err != nil {
		return "", err
	}
	envelope.Namespace = value.Namespace
	// Debezium's transforms know an envelope by the end of this name.
	envelope.ConnectName = value.Namespace + ".Envelope"
	value.ConnectName = value.Namespace + ".Value"
	for i := range value.Fields {
		f := &value.Fields[i]
		f.Access, f.Required = "", nil
	}
	text, err := marshalSchema(value)
	if err != nil {
		return "", fmt.Errorf("compose envelope of %s %s: %w", vendor, object, err)
	}
	envelope.Fields[0].Type = bytes.Replace(envelope.Fields[0].Type, []byte(`"Value"`), []byte(text), 1)
	if text, err = marshalSchema(envelope); err != nil {
		return "", fmt.Errorf("compose envelope of %s %s: %w", vendor, object, err)
	}
	return text, nil
}

// schemaText gives a schema file as it is registered: on one line.
func schemaText(name string) (string, error) {
	raw, err := files.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read schema %q: %w", name, err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return "", fmt.Errorf("read schema %q: %w", name, err)
	}
	return out.String(), nil
}

func marshalSchema(rec *avscRecord) (string, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rec); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
