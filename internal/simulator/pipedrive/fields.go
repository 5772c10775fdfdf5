package pipedrivesim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// option is one choice of an enum or set field.
type option struct {
	id    int64
	label string
}

// field is a custom field of an object.
type field struct {
	code    string // 40 hex digits
	name    string
	kind    string // field_type
	options []option
	added   string
	id      int64 // v1 has one
}

func (f *field) option(id int64) *option {
	for i := range f.options {
		if f.options[i].id == id {
			return &f.options[i]
		}
	}
	return nil
}

// catalogue is the custom fields of one object, in the order in which they were added.
type catalogue struct {
	fields  []*field
	byCode  map[string]*field
	version int // moves with every change: rows name all fields
}

func (c *catalogue) add(f *field) {
	if c.byCode == nil {
		c.byCode = map[string]*field{}
	}
	c.fields = append(c.fields, f)
	c.byCode[f.code] = f
	c.version++
}

func (c *catalogue) remove(code string) {
	delete(c.byCode, code)
	c.fields = slices.DeleteFunc(c.fields, func(f *field) bool { return f.code == code })
	c.version++
}

// fieldType is what the three encodings of a custom field's value are.
type fieldType struct {
	check   func(*field, any) (value any, problem string)
	webhook func(any) map[string]any // without its type
	v1      func(code string, value any, into map[string]any)
}

var creatableTypes = []string{"varchar", "varchar_auto", "text", "double", "monetary", "date", "daterange", "time", "timerange", "set", "enum", "phone", "address", "user", "org", "people"}

var fieldTypes = map[string]fieldType{
	"varchar":      textField(255),
	"varchar_auto": textField(255),
	"text":         textField(65535),
	"phone":        textField(255),
	"double":       {check: ofKind(kNumber, "number"), webhook: valueOnly, v1: plainV1},
	"date":         {check: ofKind(kDate, "date"), webhook: valueOnly, v1: plainV1},
	"monetary": {check: parts(map[string]part{"value": {must: true, ok: isNumber}, "currency": {must: true, ok: isKind(kCurrency)}}),
		webhook: partsAs("value", "value", "currency", "currency"), v1: partsV1("currency")},
	"daterange": {check: parts(map[string]part{"value": {must: true, ok: isKind(kDate)}, "until": {ok: isKind(kDate)}}),
		webhook: partsAs("value", "from", "until", "until"), v1: partsV1("until")},
	"time": {check: parts(map[string]part{"value": {must: true, ok: isTimeOfDay}, "timezone_id": {ok: isKind(kInt)}, "timezone_name": {ok: isKind(kText)}}),
		webhook: partsAs("value", "value", "timezone_id", "timezone_id"), v1: partsV1("timezone_id")},
	"timerange": {check: parts(map[string]part{"value": {must: true, ok: isTimeOfDay}, "until": {ok: isTimeOfDay}, "timezone_id": {ok: isKind(kInt)}, "timezone_name": {ok: isKind(kText)}}),
		webhook: partsAs("value", "from", "until", "until", "timezone_id", "timezone_id"), v1: partsV1("until", "timezone_id")},
	"enum":    {check: checkEnum, webhook: idOnly, v1: enumV1},
	"set":     {check: checkSet, webhook: setWebhook, v1: setV1},
	"user":    {check: ofKind(kInt, "number"), webhook: idOnly, v1: plainV1},
	"org":     {check: ofKind(kInt, "number"), webhook: idOnly, v1: plainV1},
	"people":  {check: ofKind(kInt, "number"), webhook: idOnly, v1: plainV1},
	"address": {check: ofKind(kAddress, "object"), webhook: wholeAddress, v1: addressV1},
}

func textField(longest int) fieldType {
	check := func(_ *field, v any) (any, string) {
		s, ok := v.(string)
		switch {
		case !ok:
			return nil, "Expected 'string' as value for text custom field"
		case len(s) > longest:
			return nil, "Value is longer than " + strconv.Itoa(longest) + " characters"
		}
		return s, ""
	}
	return fieldType{check: check, webhook: valueOnly, v1: plainV1}
}

func ofKind(k kind, word string) func(*field, any) (any, string) {
	return func(f *field, v any) (any, string) {
		if stored, ok := k.check(v); ok {
			return stored, ""
		}
		return nil, "Expected '" + word + "' as value for " + f.kind + " custom field"
	}
}

func isKind(k kind) func(any) bool {
	return func(v any) bool { _, ok := k.check(v); return ok }
}

func isTimeOfDay(v any) bool {
	s, _ := v.(string)
	clock := strings.Split(s, ":")
	return len(s) == len("09:00:00") && len(clock) == 3
}

// part is one of the values of a field that has several.
type part struct {
	must bool
	ok   func(any) bool
}

func parts(known map[string]part) func(*field, any) (any, string) {
	names := slices.Sorted(maps.Keys(known))
	return func(f *field, v any) (any, string) {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, "Expected 'object' as value for " + f.kind + " custom field"
		}
		for name := range m {
			if known[name].ok == nil {
				return nil, "Parameter '" + name + "' is not allowed for " + f.kind + " custom field"
			}
		}
		out := map[string]any{}
		for _, name := range names {
			value := m[name]
			switch {
			case value == nil && known[name].must:
				return nil, "Parameter '" + name + "' is required for " + f.kind + " custom field"
			case value == nil:
				out[name] = nil
			case !known[name].ok(value):
				return nil, "Parameter '" + name + "' of " + f.kind + " custom field is not valid"
			default:
				out[name] = value
			}
		}
		return out, ""
	}
}

func checkEnum(f *field, v any) (any, string) {
	id, ok := v.(int64)
	switch {
	case !ok:
		return nil, "Expected 'number' as value for single option custom field"
	case f.option(id) == nil:
		return nil, "Option " + strconv.FormatInt(id, 10) + " does not exist for single option custom field"
	}
	return id, ""
}

func checkSet(f *field, v any) (any, string) {
	list, ok := v.([]any)
	if !ok || !allInts(v) {
		return nil, "Expected 'array of numbers' as value for multiple options custom field"
	}
	if len(list) == 0 {
		return nil, "Array must contain at least 1 element(s) for multiple options custom field"
	}
	for _, item := range list {
		if id, _ := item.(int64); f.option(id) == nil {
			return nil, "Option " + strconv.FormatInt(id, 10) + " does not exist for multiple options custom field"
		}
	}
	return list, ""
}

func valueOnly(v any) map[string]any { return map[string]any{"value": v} }
func idOnly(v any) map[string]any    { return map[string]any{"id": v} }

// partsAs renames parts: pairs of their names in REST and in webhooks.
func partsAs(pairs ...string) func(any) map[string]any {
	return func(v any) map[string]any {
		m, _ := v.(map[string]any)
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i+1]] = m[pairs[i]]
		}
		return out
	}
}

func setWebhook(v any) map[string]any {
	list, _ := v.([]any)
	values := make([]any, len(list))
	for i, id := range list {
		values[i] = map[string]any{"id": id}
	}
	return map[string]any{"values": values}
}

func wholeAddress(v any) map[string]any {
	m, _ := v.(map[string]any)
	return maps.Clone(m)
}

func plainV1(code string, v any, into map[string]any) { into[code] = v }

func enumV1(code string, v any, into map[string]any) {
	id, _ := v.(int64)
	into[code] = strconv.FormatInt(id, 10)
}

func setV1(code string, v any, into map[string]any) {
	list, _ := v.([]any)
	texts := make([]string, len(list))
	for i, item := range list {
		id, _ := item.(int64)
		texts[i] = strconv.FormatInt(id, 10)
	}
	into[code] = strings.Join(texts, ",")
}

// partsV1 puts the value under the code, the others under code_part.
func partsV1(others ...string) func(string, any, map[string]any) {
	return func(code string, v any, into map[string]any) {
		m, _ := v.(map[string]any)
		into[code] = m["value"]
		for _, name := range others {
			into[code+"_"+name] = m[name]
		}
	}
}

func addressV1(code string, v any, into map[string]any) {
	m, _ := v.(map[string]any)
	into[code] = m["value"]
	for _, name := range addressParts {
		into[code+"_"+name] = m[name]
	}
}

// inWebhook is a custom value as payload v2 has it.
func (f *field) inWebhook(v any) any {
	if v == nil {
		return nil
	}
	out := fieldTypes[f.kind].webhook(v)
	out["type"] = f.kind
	return out
}

// labelled is a value of REST with the labels of its options.
func (f *field) labelled(v any) any {
	switch x := v.(type) {
	case int64:
		if o := f.option(x); o != nil {
			return map[string]any{"id": o.id, "label": o.label}
		}
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = f.labelled(item)
		}
		return out
	}
	return v
}
