package webhook

import (
	"bytes"
	"encoding/json"
)

// meta is what a body says of itself. Its texts are parts of the body; what is
// not there, or is no plain word, is nil.
type meta struct {
	entity, id []byte // what happened to which record
	event      []byte // the id of the event: payload 2.0 alone has one
	version    []byte // of the payload: 1.0 or 2.0
}

// names tells whether a record is named.
func (m meta) names() bool { return m.entity != nil && m.id != nil }

var version1 = []byte("1.0")

// scan tells whether a body is one JSON value, as far as its brackets, strings and
// commas tell, and what its meta says. It takes more than the grammar allows, and
// refuses nothing that it does: the grammar is the affair of who reads the topic.
func scan(body []byte) (meta, bool) {
	var m meta
	s := scanner{b: body}
	s.space()
	var ok bool
	if s.at('{') {
		ok = s.members(func(name, value []byte) {
			if string(name) == "meta" && value[0] == '{' {
				m = readMeta(value)
			}
		})
	} else {
		ok = s.value()
	}
	s.space()
	return m, ok && s.i == len(s.b)
}

// readMeta reads the meta of both payloads: 2.0 calls record and event entity_id
// and id, 1.0 calls the record id and what it is object.
func readMeta(value []byte) (m meta) {
	var object, id, recordID, v []byte
	s := scanner{b: value}
	s.members(func(name, value []byte) { // that it is well formed is known
		switch string(name) {
		case "entity":
			m.entity = plain(value)
		case "object":
			object = plain(value)
		case "entity_id":
			recordID = plain(value)
		case "id":
			id = plain(value)
		case "version":
			m.version = plain(value)
		case "v":
			v = value
		}
	})
	if m.entity == nil && object != nil {
		m.entity, m.id, m.version = object, id, nil
		if string(v) == "1" {
			m.version = version1
		}
		return m
	}
	m.id, m.event = recordID, id
	if string(m.version) != "1.0" && string(m.version) != "2.0" {
		m.version = nil
	}
	return m
}

// longest is how long a word of meta may be: longer than any id.
const longest = 64

// plain is the word of a JSON string or the digits of a number; nil where it is
// empty, long or has anything else in it than letters, digits, dot, _ and -.
func plain(value []byte) []byte {
	switch {
	case value[0] == '"':
		value = value[1 : len(value)-1]
		if bytes.IndexByte(value, '\\') >= 0 {
			value = unescaped(value)
		}
	case value[0] < '0' || value[0] > '9': // null, true, false
		return nil
	}
	if len(value) == 0 || len(value) > longest {
		return nil
	}
	for _, c := range value {
		if c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return nil
		}
	}
	return value
}

// unescaped is the text of a string with backslashes, which no sender is known to
// write into meta.
func unescaped(text []byte) []byte {
	var out string
	if len(text) > 6*longest || json.Unmarshal(append(append([]byte{'"'}, text...), '"'), &out) != nil {
		return nil
	}
	return []byte(out)
}

// scanner goes through JSON once, from the front.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

// eat steps over a byte, if it is there.
func (s *scanner) eat(c byte) bool {
	if !s.at(c) {
		return false
	}
	s.i++
	return true
}

func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\r' || s.b[s.i] == '\t') {
		s.i++
	}
}

// members gives each member of the object that begins here, the name without
// its quotation marks and the value as it stands.
func (s *scanner) members(give func(name, value []byte)) bool {
	s.i++
	for s.space(); !s.eat('}'); s.space() {
		from := s.i
		if !s.text() {
			return false
		}
		name := s.b[from+1 : s.i-1]
		s.space()
		if !s.eat(':') {
			return false
		}
		s.space()
		if from = s.i; !s.value() {
			return false
		}
		give(name, s.b[from:s.i])
		s.space()
		if !s.eat(',') && !s.at('}') {
			return false
		}
	}
	return true
}

// value steps over a value of any kind.
func (s *scanner) value() bool {
	if s.i == len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '{', '[':
		return s.nested()
	case '"':
		return s.text()
	}
	from := s.i
	for s.i < len(s.b) && kinds[s.b[s.i]] == word {
		s.i++
	}
	return s.i > from
}

// text steps over a string. Quotation marks behind an odd number of backslashes
// do not end it.
func (s *scanner) text() bool {
	if !s.eat('"') {
		return false
	}
	for {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			return false
		}
		s.i += n
		slashes := 0
		for s.b[s.i-1-slashes] == '\\' { // ends at the opening mark at the latest
			slashes++
		}
		s.i++
		if slashes%2 == 0 {
			return true
		}
	}
}

// What a byte is outside of strings.
const (
	other   = iota // spaces, commas, colons
	word           // of a number, true, false or null
	quote          // begins a string
	opening        // of an object or an array
	closing
)

// kinds are the bytes of JSON.
var kinds = func() (k [256]byte) {
	for _, c := range "+-.0123456789aeflnrstuE" {
		k[c] = word
	}
	k['"'], k['{'], k['['], k['}'], k[']'] = quote, opening, opening, closing, closing
	return k
}()

// checked is the depth up to which each bracket is held to its own kind.
const checked = 64

// nested steps over an object or array with all that is in it.
func (s *scanner) nested() bool {
	var arrays uint64 // bit by depth: it is an array
	for depth := 0; s.i < len(s.b); {
		c := s.b[s.i]
		switch kinds[c] {
		case quote:
			if !s.text() {
				return false
			}
			continue
		case opening:
			if depth < checked {
				arrays &^= 1 << depth
				if c == '[' {
					arrays |= 1 << depth
				}
			}
			depth++
		case closing:
			depth--
			if depth < checked && (arrays>>depth&1 == 1) != (c == ']') {
				return false
			}
			if depth == 0 {
				s.i++
				return true
			}
		}
		s.i++
	}
	return false
}
