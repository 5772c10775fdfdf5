package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Differences lists the fields that a record does not hold as they were sent,
// sorted: top-level names and "custom.<name>". None means that the record is
// as if the fields had just been written to it.
//
// The comparison forgives what the vendor is known to rewrite: the case and
// the outer space of text, the spelling of numbers and of times, a reference
// by key that became an _id, null for absent. An error means that the record
// is not a JSON object.
func Differences(record json.RawMessage, i Item) ([]string, error) {
	held, err := members(record)
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	keyed := map[string]bool{}
	for _, ref := range References(i.Spec, i.Fields) {
		keyed[ref.Field] = keyed[ref.Field] || ref.Target.Key != planhat.KeyID
	}
	var out []string
	value := Fields(held).values()
	for _, f := range i.Fields {
		if keyed[f.Name] {
			continue
		}
		got := value(f.Name)
		if f.Name == customField {
			out = append(out, customDifferences(f.Raw, got)...)
			continue
		}
		if !same(f.Raw, got) && !sameRecords(i.Spec, f, got) {
			out = append(out, f.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// sameRecords tells whether a field names the records that it was sent, if they were
// sent as objects and are held as ids, or the other way round.
func sameRecords(spec *planhat.Spec, f Field, got json.RawMessage) bool {
	sent, held := elements(f.Raw), elements(got)
	if tables[spec.Object].fields[f.Name].Ref == "" || len(sent) != len(held) || len(sent) == 0 {
		return false
	}
	for n := range sent {
		value, name := spelling(sent[n])
		other, otherName := spelling(held[n])
		if (name == "") == (otherName == "") || value == "" || !strings.EqualFold(value, other) {
			return false
		}
	}
	return true
}

func customDifferences(sent, got json.RawMessage) []string {
	want, _ := members(sent)
	have, _ := members(got)
	var out []string
	value := Fields(have).values()
	for _, f := range want {
		if !same(f.Raw, value(f.Name)) {
			out = append(out, customField+"."+f.Name)
		}
	}
	return out
}

// same compares two JSON values; an absent one is nil.
func same(sent, got json.RawMessage) bool {
	if bytes.Equal(sent, got) {
		return true
	}
	return sameValue(decode(sent), decode(got))
}

func decode(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

func sameValue(sent, got any) bool {
	switch s := sent.(type) {
	case json.Number:
		g, ok := got.(json.Number)
		return ok && sameNumber(string(s), string(g))
	case string:
		g, ok := got.(string)
		return ok && sameText(s, g)
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(s, g, sameValue)
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && sameMap(s, g)
	default:
		return reflect.DeepEqual(sent, got)
	}
}

// sameMap allows the record to hold more than was sent.
func sameMap(sent, got map[string]any) bool {
	for name, v := range sent {
		if !sameValue(v, got[name]) {
			return false
		}
	}
	return true
}

func sameText(a, b string) bool {
	if strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) {
		return true
	}
	at, ok := parseTime(a)
	if !ok {
		return false
	}
	bt, ok := parseTime(b)
	return ok && at.Truncate(time.Millisecond).Equal(bt.Truncate(time.Millisecond))
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", time.DateOnly}

func parseTime(s string) (time.Time, bool) {
	if len(s) < len(time.DateOnly) || s[0] < '0' || s[0] > '9' {
		return time.Time{}, false
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// sameNumber compares exactly where that is cheap, and as texts where an
// exponent would make it expensive.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > 64 || len(b) > 64 {
		return false
	}
	x, ok := number(a)
	if !ok {
		return false
	}
	y, ok := number(b)
	return ok && x.Cmp(y) == 0
}

func number(s string) (*big.Float, bool) {
	f, _, err := big.ParseFloat(s, 10, 512, big.ToNearestEven)
	return f, err == nil
}
