package planhatsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp is a time as the vendor writes it: UTC, milliseconds, Z.
func stamp(at time.Time) string { return at.UTC().Format(stampLayout) }

// dateLayouts are the spellings of dates that are accepted, after the vendor's own.
var dateLayouts = []string{
	stampLayout, time.RFC3339Nano, "2006-01-02T15:04:05.999Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", time.RFC1123,
}

// casts turn a value into its kind as Mongoose would; false where it refuses.
var casts = map[kind]func([]byte) ([]byte, bool){
	kindText:   castText,
	kindNumber: castNumber,
	kindBool:   castBool,
	kindDate:   castDate,
	kindID:     castID,
	kindIDs:    castIDs,
	kindList:   castList,
	kindObject: castObject,
}

var kindNames = map[kind]string{
	kindText: "string", kindNumber: "Number", kindBool: "Boolean", kindDate: "date", kindID: "ObjectId", kindIDs: "ObjectId", kindList: "array", kindObject: "object",
}

// cast gives the text to store for a value; null is kept as it is.
func cast(name string, k kind, raw []byte) ([]byte, *refusal) {
	if isNull(raw) {
		return []byte("null"), nil
	}
	if out, ok := casts[k](raw); ok {
		return out, nil
	}
	return nil, &refusal{status: 400, validation: true, message: fmt.Sprintf("Cast to %s failed for value %s at path %q", kindNames[k], clip(raw), name)}
}

func clip(raw []byte) string {
	if len(raw) > 80 {
		return string(raw[:80]) + "..."
	}
	return string(raw)
}

func castText(raw []byte) ([]byte, bool) {
	switch raw[0] {
	case '"':
		return raw, true
	case '{', '[':
		return nil, false
	}
	return quoted(string(raw)), true
}

func castNumber(raw []byte) ([]byte, bool) {
	s, isText := textOf(raw)
	if !isText {
		return raw, raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	}
	if s == "" {
		return []byte("null"), true
	}
	return []byte(s), isJSONNumber(s)
}

func isJSONNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

func castBool(raw []byte) ([]byte, bool) {
	switch string(bytes.Trim(raw, `"`)) {
	case "true", "1", "yes":
		return []byte("true"), true
	case "false", "0", "no":
		return []byte("false"), true
	}
	return nil, false
}

func castDate(raw []byte) ([]byte, bool) {
	s, isText := textOf(raw)
	if !isText {
		ms, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || math.Abs(ms) > 8.64e15 {
			return nil, false
		}
		return quoted(stamp(time.UnixMilli(int64(ms)))), true
	}
	if s == "" {
		return []byte("null"), true
	}
	for _, layout := range dateLayouts {
		if at, err := time.Parse(layout, s); err == nil {
			return quoted(stamp(at)), true
		}
	}
	return nil, false
}

func castID(raw []byte) ([]byte, bool) {
	s, ok := textOf(raw)
	return raw, ok && isObjectID(s)
}

func castIDs(raw []byte) ([]byte, bool) {
	list, ok := castList(raw)
	if !ok {
		return nil, false
	}
	for _, item := range splitArray(list) {
		if _, ok := castID(item); !ok {
			return nil, false
		}
	}
	return list, true
}

func castList(raw []byte) ([]byte, bool) {
	switch raw[0] {
	case '[':
		return raw, true
	case '{':
		return nil, false
	}
	return append(append([]byte{'['}, raw...), ']'), true
}

func castObject(raw []byte) ([]byte, bool) { return raw, raw[0] == '{' }
