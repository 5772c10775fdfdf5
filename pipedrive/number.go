package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// number is an integer in any of the shapes in which Pipedrive sends one: a number, a
// text, a flag, null, or an object that holds it as value or id (related records in
// version 1).
type number int64

// UnmarshalJSON reads any of the shapes; another one is an error.
func (n *number) UnmarshalJSON(raw []byte) error {
	value, err := integer(raw)
	*n = number(value)
	return err
}

var errNoInteger = errors.New("want an integer")

func integer(raw []byte) (int64, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null" || string(raw) == "false" || string(raw) == `""`:
		return 0, nil
	case string(raw) == "true":
		return 1, nil
	case raw[0] == '{':
		return integerOfObject(raw)
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return 0, errNoInteger
		}
		return decimal(strings.TrimSpace(s))
	}
	return decimal(string(raw))
}

func integerOfObject(raw []byte) (int64, error) {
	var o struct {
		Value json.RawMessage `json:"value"`
		ID    json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return 0, errNoInteger
	}
	if len(o.Value) > 0 && o.Value[0] != '{' {
		return integer(o.Value)
	}
	if len(o.ID) > 0 && o.ID[0] != '{' {
		return integer(o.ID)
	}
	return 0, errNoInteger
}

// decimal reads an integer, also one written as 712.0 or 7.12e2.
func decimal(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, errNoInteger
	}
	return int64(f), nil
}

// flag is a boolean: true and false, 1 and 0, also as texts.
type flag bool

// UnmarshalJSON reads any of the shapes; what is none of them is false.
func (f *flag) UnmarshalJSON(raw []byte) error {
	s := strings.Trim(string(bytes.TrimSpace(raw)), `"`)
	*f = s == "true" || s == "1" || s == "yes"
	return nil
}

// words is a text; a number and null are texts, too.
type words string

// UnmarshalJSON reads any scalar; other shapes are "".
func (w *words) UnmarshalJSON(raw []byte) error {
	*w = words(text(raw))
	return nil
}

// moment is a time in either version's spelling; what is none is the zero time.
type moment time.Time

// UnmarshalJSON reads a text.
func (m *moment) UnmarshalJSON(raw []byte) error {
	at, _ := ParseTime(text(raw))
	*m = moment(at)
	return nil
}

// ParseTime reads a time as version 2 writes it (RFC 3339), as version 1 does
// ("2026-11-19 13:42:07", in UTC), or in seconds since 1970, as users' events do.
func ParseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		return unix(n), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time of Pipedrive's", s)
}

// unix reads seconds, milliseconds or microseconds since 1970.
func unix(n int64) time.Time {
	const inMillis, inMicros = 1e11, 1e14
	switch {
	case n > inMicros:
		return time.UnixMicro(n).UTC()
	case n > inMillis:
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}

// text is a JSON scalar as text: a string's content, a number as it is written; ""
// for null and other shapes.
func text(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null" || raw[0] == '{' || raw[0] == '[':
		return ""
	case raw[0] == '"':
		var s string
		_ = json.Unmarshal(raw, &s) // not JSON: no text
		return s
	}
	return string(raw)
}

func isNull(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}

// headerCount reads a number of a header.
func headerCount(h http.Header, name string) (int64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64)
	if err != nil || !(f >= 0 && f < 1e15) {
		return 0, false
	}
	return int64(f), true
}
