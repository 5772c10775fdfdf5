package pipedrivesim

import (
	"slices"
	"strings"
	"time"
)

// doc is a record as it is stored: REST v2 names to nil, bool, int64, float64, string, []any and map[string]any.
// Below custom_fields are those that have a value. A stored doc is replaced, never changed.
type doc map[string]any

func (d doc) int(name string) int64 {
	n, _ := d[name].(int64)
	return n
}

func (d doc) text(name string) string {
	s, _ := d[name].(string)
	return s
}

func (d doc) flag(name string) bool {
	b, _ := d[name].(bool)
	return b
}

func (d doc) number(name string) float64 {
	switch n := d[name].(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

func (d doc) custom() map[string]any {
	m, _ := d["custom_fields"].(map[string]any)
	return m
}

// kind is what a value must be.
type kind int

const (
	kText kind = iota
	kInt
	kNumber
	kBool
	kFlag // v1: 0 or 1, or a bool
	kDate
	kTime
	kTimeV1 // 2006-01-02 15:04:05
	kInts
	kContacts
	kAddress
	kStatus
	kVisible
	kCurrency
	kFrequency
)

const (
	stampLayout = "2006-01-02T15:04:05Z"
	v1Layout    = "2006-01-02 15:04:05"
	dateLayout  = "2006-01-02"
)

var kindWords = map[kind]string{
	kText: "string", kInt: "integer", kNumber: "number", kBool: "boolean", kFlag: "0 or 1", kDate: "valid date", kTime: "valid datetime", kTimeV1: "valid datetime",
	kInts: "array of integers", kContacts: "array of objects with a value", kAddress: "object with a value", kStatus: "one of open, won, lost",
	kVisible: "one of 1, 3, 5, 7", kCurrency: "currency code", kFrequency: "one of one-time, annually, semi-annually, quarterly, monthly, weekly",
}

// check gives the value as it is stored; false where it is not of the kind.
func (k kind) check(v any) (any, bool) {
	switch k {
	case kText:
		_, ok := v.(string)
		return v, ok
	case kInt:
		_, ok := v.(int64)
		return v, ok
	case kNumber:
		return v, isNumber(v)
	case kBool:
		_, ok := v.(bool)
		return v, ok
	case kInts:
		return v, allInts(v)
	case kContacts:
		return contacts(v)
	case kAddress:
		return address(v)
	case kVisible:
		return v, slices.Contains([]any{int64(1), int64(3), int64(5), int64(7)}, v)
	case kFlag:
		return flagOf(v)
	default:
		return k.checkText(v)
	}
}

func (k kind) checkText(v any) (any, bool) {
	s, ok := v.(string)
	if !ok {
		return nil, false
	}
	switch k {
	case kDate:
		_, err := time.Parse(dateLayout, s)
		return s, err == nil
	case kTime, kTimeV1:
		return stampOf(s)
	case kStatus:
		return s, s == "open" || s == "won" || s == "lost"
	case kCurrency:
		return s, len(s) == 3 && strings.ToUpper(s) == s
	case kFrequency:
		return s, slices.Contains([]string{"one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly"}, s)
	default:
		return nil, false
	}
}

// stampOf reads both spellings of a time and stores that of v2; fractions of a second are refused.
func stampOf(s string) (any, bool) {
	for _, layout := range []string{time.RFC3339, v1Layout} {
		if at, err := time.Parse(layout, s); err == nil && !strings.Contains(s, ".") {
			return stamp(at), true
		}
	}
	return nil, false
}

func stamp(at time.Time) string { return at.UTC().Format(stampLayout) }

// v1Time prints a stored time as v1 does; nil stays nil.
func v1Time(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	return strings.TrimSuffix(strings.Replace(s, "T", " ", 1), "Z")
}

func flagOf(v any) (any, bool) {
	switch x := v.(type) {
	case bool:
		return x, true
	case int64:
		return x == 1, x == 0 || x == 1
	}
	return nil, false
}

// maxNumber keeps products of numbers finite.
const maxNumber = 1e15

func isNumber(v any) bool {
	switch n := v.(type) {
	case int64:
		return n >= -maxNumber && n <= maxNumber
	case float64:
		return n >= -maxNumber && n <= maxNumber
	}
	return false
}

func allInts(v any) bool {
	list, ok := v.([]any)
	if !ok {
		return false
	}
	for _, item := range list {
		if _, ok := item.(int64); !ok {
			return false
		}
	}
	return true
}

// contacts completes a list of e-mails or phones: label work, and one primary.
func contacts(v any) (any, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out, primary := make([]any, 0, len(list)), -1
	for i, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, false
		}
		value, ok := m["value"].(string)
		if !ok {
			return nil, false
		}
		if yes, _ := m["primary"].(bool); yes {
			if primary >= 0 {
				return nil, false
			}
			primary = i
		}
		label, _ := m["label"].(string)
		if label == "" {
			label = "work"
		}
		out = append(out, map[string]any{"value": value, "primary": false, "label": label})
	}
	if len(out) > 0 {
		out[max(primary, 0)].(map[string]any)["primary"] = true //nolint:forcetypeassert // made above
	}
	return out, true
}

var addressParts = []string{"street_number", "route", "subpremise", "sublocality", "locality", "admin_area_level_1", "admin_area_level_2", "country", "postal_code", "formatted_address"}

// address keeps the value and the parts that were sent; those that were not are null.
func address(v any) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	value, ok := m["value"].(string)
	if !ok {
		return nil, false
	}
	out := map[string]any{"value": value}
	for _, part := range addressParts {
		s, isText := m[part].(string)
		out[part] = nil
		if isText {
			out[part] = s
		}
	}
	for name := range m {
		if _, known := out[name]; !known {
			return nil, false
		}
	}
	return out, true
}
