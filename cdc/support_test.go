package cdc_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// id makes the n-th id.
func id(n int) cdc.ID {
	var made cdc.ID
	made[0] = 0x66
	binary.BigEndian.PutUint64(made[4:], uint64(n))
	return made
}

func ids(numbers ...int) []cdc.ID {
	var made []cdc.ID
	for _, n := range numbers {
		made = append(made, id(n))
	}
	return made
}

// decode is the oracle's reader: numbers as text, the last of equal names.
func decode(t testing.TB, raw []byte) any {
	t.Helper()
	var v any
	reader := json.NewDecoder(bytes.NewReader(raw))
	reader.UseNumber()
	if err := reader.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", raw, err)
	}
	return v
}

// respell writes v as no vendor would: names in descending order, each
// character as an escape, blanks everywhere.
func respell(v any) string {
	var out strings.Builder
	switch v := v.(type) {
	case map[string]any:
		out.WriteString("{ ")
		for i, name := range slices.Backward(slices.Sorted(mapsKeys(v))) {
			fmt.Fprintf(&out, "%s\t:\n%s", respell(name), respell(v[name]))
			if i > 0 {
				out.WriteString(" ,")
			}
		}
		out.WriteString("\r}")
	case []any:
		out.WriteString("[ ")
		for i, element := range v {
			if i > 0 {
				out.WriteString(" , ")
			}
			out.WriteString(respell(element))
		}
		out.WriteString(" ]")
	case string:
		out.WriteByte('"')
		for _, unit := range utf16.Encode([]rune(v)) {
			fmt.Fprintf(&out, `\u%04X`, unit)
		}
		out.WriteByte('"')
	case nil:
		out.WriteString("null")
	default:
		fmt.Fprint(&out, v)
	}
	return out.String()
}

func mapsKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

// company is a row of the usual size.
func company(n int) []byte {
	return fmt.Appendf(nil, `{"_id":"%s","name":"Fjordlight Energy %d","externalId":"acct-%d","owner":"66f0a1b2c3d4e5f600000101",`+
		`"coOwner":null,"phase":"Onboarding","phaseSince":"2026-02-01T08:00:00.000Z","status":"customer","description":"Grid balancing, caf\u00e9 and more",`+
		`"address":"Kaigata 4","city":"Bergen","zip":"5015","country":"Norway","phonePrimary":"+47 55 00 00 01","web":"https://fjordlight.example",`+
		`"domains":["fjordlight.example"],"tags":["Enterprise","Nordics"],"products":["Core"],"collaborators":[],"h":7,"mrr":4000,"arr":48000.50,`+
		`"renewalDaysFromNow":333,"autoRenews":true,"lastActive":"2026-03-04T15:21:09.412Z","updatedAt":"2026-03-04T15:21:09.412Z",`+
		`"shareable":{"enabled":false,"euIds":[],"team":{"fields":[]}},"licenses":[{"_id":"66f0a1b2c3d4e5f600000301","product":"Core subscription","value":48000}],`+
		`"custom":{"Customer Tier":"Enterprise","Go-live date":"2026-04-15T00:00:00.000Z","Days in Phase":%d,"Region":"Nordics","ARR band":"10-50k"}}`, id(n), n, n, n)
}
