package pipedrivesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// parseValue reads JSON from outside into what docs hold.
func parseValue(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return normal(v), nil
}

func normal(v any) any {
	switch x := v.(type) {
	case json.Number:
		return number(string(x))
	case []any:
		for i := range x {
			x[i] = normal(x[i])
		}
	case map[string]any:
		for name := range x {
			x[name] = normal(x[name])
		}
	}
	return v
}

func number(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return plainNumber(f)
}

// plainNumber stores whole numbers as such, so that 1.0 is 1.
func plainNumber(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

func same(a, b any) bool { return reflect.DeepEqual(a, b) }

// encode prints a value as JSON without escaping what HTML would need.
func encode(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("pipedrivesim: encode %T: %v", v, err)) // docs hold nothing that cannot be printed
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
