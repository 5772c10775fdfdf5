package schemas

import (
	"bytes"
	"encoding/json"
	"sync"
)

// Member is one member of a JSON object: its value is JSON text, kept as it came.
type Member struct {
	Name string
	Raw  json.RawMessage
}

// Members are the fields of a command that DecodeCommand has read, in order: each name
// is there once, at every level, and each value is valid JSON. ok is false for fields
// that were not read but set; they are not known to be any of that. The members are
// parts of the value that was read: do not change them.
func (c *Command) Members() (members []Member, ok bool) {
	if len(c.members) == 0 || len(c.Fields) != len(c.split) || &c.Fields[0] != &c.split[0] {
		return nil, false
	}
	return c.members, true
}

// fieldScan reads a value as scanValue does, finds a key that comes twice in an object
// at any level, and takes the outermost object apart: all in one pass.
type fieldScan struct {
	b       []byte
	keys    []token // of the objects that are open, the innermost's last
	twice   string  // the first key that came twice
	doubled bool
	members []Member // of the outermost object
	room    [2 * commandFields]token
}

// commandFields is room for the fields of most commands.
const commandFields = 8

// read reads the value that starts at i.
func (s *fieldScan) read(i, depth int) (token, error) {
	if i >= len(s.b) || s.b[i] != '{' {
		return s.value(i, depth)
	}
	s.keys = s.room[:0]
	s.members = make([]Member, 0, commandFields)
	end, err := s.object(i, depth, func(key, value token) {
		s.members = append(s.members, Member{s.nameOf(key), s.b[value.start:value.end:value.end]})
	})
	return token{start: i, end: end, kind: '{'}, err
}

func (s *fieldScan) value(i, depth int) (t token, err error) {
	if i >= len(s.b) || s.b[i] != '{' && s.b[i] != '[' {
		return scanValue(s.b, i, depth)
	}
	t = token{start: i, kind: s.b[i]}
	if t.kind == '{' {
		t.end, err = s.object(i, depth, nil)
	} else {
		t.end, err = s.array(i, depth)
	}
	return t, err
}

func (s *fieldScan) array(i, depth int) (int, error) {
	if depth <= 0 {
		return i, &TextError{Fault: FaultDepth, Offset: i}
	}
	i = skipSpace(s.b, i+1)
	if i < len(s.b) && s.b[i] == ']' {
		return i + 1, nil
	}
	for {
		t, err := s.value(i, depth-1)
		if err != nil {
			return i, err
		}
		next, more, err := afterElement(s.b, t.end, ']')
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

// object reads an object; each, if any, is told of its members.
func (s *fieldScan) object(i, depth int, each func(key, value token)) (int, error) {
	if depth <= 0 {
		return i, &TextError{Fault: FaultDepth, Offset: i}
	}
	names := keySet{s: s, first: len(s.keys)}
	defer func() { s.keys = s.keys[:names.first] }()
	i = skipSpace(s.b, i+1)
	if i < len(s.b) && s.b[i] == '}' {
		return i + 1, nil
	}
	for {
		key, at, err := scanKey(s.b, i)
		if err != nil {
			return i, err
		}
		names.add(key)
		value, err := s.value(at, depth-1)
		if err != nil {
			return i, err
		}
		if each != nil {
			each(key, value)
		}
		next, more, err := afterElement(s.b, value.end, '}')
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

// keySet are the keys of one object: few are compared one by one.
type keySet struct {
	s     *fieldScan
	first int // of the object's among s.keys
	many  map[string]struct{}
}

// add notes a key, and in s whether it was there before.
func (k *keySet) add(key token) {
	if k.many == nil {
		for _, other := range k.s.keys[k.first:] {
			if k.s.same(key, other) {
				k.s.double(key)
				return
			}
		}
		k.s.keys = append(k.s.keys, key)
		if len(k.s.keys)-k.first > fewNames {
			k.spread()
		}
		return
	}
	name := string(unquote(nil, key.inner(k.s.b)))
	if _, ok := k.many[name]; ok {
		k.s.double(key)
	}
	k.many[name] = struct{}{}
}

func (k *keySet) spread() {
	k.many = make(map[string]struct{}, 4*fewNames)
	for _, key := range k.s.keys[k.first:] {
		k.many[string(unquote(nil, key.inner(k.s.b)))] = struct{}{}
	}
}

func (s *fieldScan) same(a, b token) bool {
	if !a.escaped && !b.escaped {
		return bytes.Equal(a.inner(s.b), b.inner(s.b))
	}
	return bytes.Equal(unquote(nil, a.inner(s.b)), unquote(nil, b.inner(s.b)))
}

func (s *fieldScan) double(key token) {
	if !s.doubled {
		s.doubled, s.twice = true, string(unquote(nil, key.inner(s.b)))
	}
}

// nameOf is a key's text, as encoding/json reads it. Documented names are not copied.
func (s *fieldScan) nameOf(key token) string {
	if key.escaped {
		var name string
		_ = json.Unmarshal(s.b[key.start:key.end], &name) // scanned before
		return name
	}
	return knownName(key.inner(s.b))
}

// knownNames are the documented names of objects and of their fields.
var knownNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, object := range Objects("planhat") {
		names[object] = object
		fields, _ := RecordFields("planhat", object) // a name that is missing costs a copy, no more
		for _, f := range fields {
			names[f.Name] = f.Name
		}
	}
	return names
})

// knownName is string(name) without a copy where the name is documented.
func knownName(name []byte) string {
	if known, ok := knownNames()[string(name)]; ok {
		return known
	}
	return string(name)
}
