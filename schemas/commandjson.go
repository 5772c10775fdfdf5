package schemas

import (
	"time"
	"unicode/utf8"
)

// commandReader reads the members of a JSON command in a fixed order, so that the id
// is known when something else is wrong.
type commandReader struct {
	memberTable
	problem *Problem // the first one
}

var (
	commandNames = []string{"id", "op", "object", "target", "fields", "ifUnchangedSince", "notAfter", "coalesce", "allowUnknownFields"}
	targetNames  = []string{"_id", "externalId", "sourceId", "email"}
)

// Places in commandNames.
const (
	atID = iota
	atOp
	atObject
	atTarget
	atFields
	atSince
	atNotAfter
	atCoalesce
	atAllow
	commandMembers
)

func decodeCommandJSON(text []byte) (Command, *Problem) {
	fields := fieldScan{b: text}
	r := &commandReader{memberTable: memberTable{text: text, names: commandNames}}
	if err := r.read(func(place, at int) (token, error) {
		if place == atFields && r.tokens[atFields].kind == 0 {
			return fields.read(at, MaxCommandDepth-1)
		}
		return scanValue(text, at, MaxCommandDepth-1)
	}); err != nil {
		p := problem(CodeUndecodable, "the value cannot be read as a JSON object: %v", err)
		p.Err = err
		return Command{}, p
	}
	var c Command
	c.ID = r.str(atID)
	if p := c.checkID(); p != nil {
		r.fail(p)
	}
	if r.doubled {
		r.fail(problem(CodeInvalidCommand, "the command names %q twice", clip(r.twice)))
	}
	if t, ok := r.value(atID); ok && t.end-t.start == 2 {
		r.fail(problem(CodeInvalidCommand, "id is empty; leave it out to have one made"))
	}
	c.Op = r.str(atOp)
	c.Object = r.str(atObject)
	if name, ok := r.unknown(); ok {
		r.fail(problem(CodeInvalidCommand, "a command has no member %q%s", clip(name), didYouMean(name, commandNames)))
	}
	r.target(&c.Target)
	if t, ok := r.value(atFields); ok {
		c.Fields = t.raw(text)
	}
	c.IfUnchangedSince = r.instant(atSince)
	c.NotAfter = r.instant(atNotAfter)
	c.Coalesce = r.flag(atCoalesce)
	if allow := r.flag(atAllow); allow != nil {
		c.AllowUnknownFields = *allow
	}
	if r.problem == nil {
		r.problem = c.check()
	}
	if r.problem == nil && c.Fields != nil {
		r.problem = c.take(&fields, r.tokens[atFields])
	}
	return c, r.problem
}

// memberTable is a JSON object whose members have names from a list.
type memberTable struct {
	text    []byte
	names   []string
	tokens  [commandMembers]token // by place in names; kind 0: not there
	others  []string              // names that are not on the list
	twice   string                // the first name that comes twice
	doubled bool
}

// read scans the whole text as an object. scan reads the value that starts at an index;
// its place is that of its name, or -1.
func (m *memberTable) read(scan func(place, at int) (token, error)) error {
	i := skipSpace(m.text, 0)
	if i >= len(m.text) || m.text[i] != '{' {
		return &TextError{Fault: FaultNotObject, Offset: i}
	}
	i = skipSpace(m.text, i+1)
	if i < len(m.text) && m.text[i] == '}' {
		return onlySpace(m.text, i+1)
	}
	for {
		key, at, err := scanKey(m.text, i)
		if err != nil {
			return err
		}
		place := m.place(key)
		value, err := scan(place, at)
		if err != nil {
			return err
		}
		m.note(place, key, value)
		next, more, err := afterElement(m.text, value.end, '}')
		if err != nil {
			return err
		}
		if !more {
			return onlySpace(m.text, next)
		}
		i = next
	}
}

// place finds a key on the list.
func (m *memberTable) place(key token) int {
	name := key.inner(m.text)
	if key.escaped {
		name = unquote(nil, name)
	}
	for i, known := range m.names {
		if known == string(name) {
			return i
		}
	}
	return -1
}

func (m *memberTable) note(place int, key, value token) {
	name := func() string { return string(unquote(nil, key.inner(m.text))) }
	switch {
	case place < 0 && !known(name(), m.others):
		m.others = append(m.others, name())
	case place >= 0 && m.tokens[place].kind == 0:
		m.tokens[place] = value
	case !m.doubled:
		m.doubled, m.twice = true, name()
	}
}

// unknown is the first name that is not on the list.
func (m *memberTable) unknown() (string, bool) {
	if len(m.others) == 0 {
		return "", false
	}
	return m.others[0], true
}

// value gives a member that is there and not null.
func (m *memberTable) value(place int) (token, bool) {
	t := m.tokens[place]
	return t, t.kind != 0 && t.kind != 'n'
}

func (r *commandReader) fail(p *Problem) {
	if r.problem == nil {
		r.problem = p
	}
}

// typed is value for one that must be of a kind; 't' stands for both booleans.
func (r *commandReader) typed(place int, kind byte) (token, bool) {
	t, ok := r.value(place)
	if !ok {
		return t, false
	}
	if t.kind == kind || kind == 't' && t.kind == 'f' {
		return t, true
	}
	r.fail(problem(CodeInvalidCommand, "%s must be %s, got %s", r.names[place], kindName(kind), kindName(t.kind)))
	return t, false
}

func (r *commandReader) str(place int) string {
	t, ok := r.typed(place, '"')
	if !ok {
		return ""
	}
	if !t.escaped {
		return word(t.inner(r.text))
	}
	s := unquote(nil, t.inner(r.text))
	if !utf8.Valid(s) {
		r.fail(problem(CodeInvalidCommand, "%s holds half of a surrogate pair, which is no character", r.names[place]))
		return ""
	}
	return string(s)
}

// word is string(b) without a copy for what most commands have in common.
func word(b []byte) string {
	switch string(b) {
	case OpCreate:
		return OpCreate
	case OpUpdate:
		return OpUpdate
	case OpUpsert:
		return OpUpsert
	case OpDelete:
		return OpDelete
	case OpGet:
		return OpGet
	}
	return knownName(b)
}

func (r *commandReader) flag(place int) *bool {
	t, ok := r.typed(place, 't')
	if !ok {
		return nil
	}
	v := t.kind == 't'
	return &v
}

func (r *commandReader) instant(place int) *time.Time {
	s := r.str(place)
	if s == "" {
		if _, ok := r.value(place); ok {
			r.fail(problem(CodeInvalidCommand, "%s is empty", r.names[place]))
		}
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		r.fail(problem(CodeInvalidCommand, "%s must be a time like 2026-03-04T15:21:10.001Z, got %q", r.names[place], clip(s)))
		return nil
	}
	return &at
}

func (r *commandReader) target(target *Target) {
	t, ok := r.typed(atTarget, '{')
	if !ok {
		return
	}
	inner := &commandReader{memberTable: memberTable{text: t.raw(r.text), names: targetNames}}
	if err := inner.read(func(_, at int) (token, error) { return scanValue(inner.text, at, MaxCommandDepth) }); err != nil { // scanned before
		r.fail(problem(CodeUndecodable, "target: %v", err))
		return
	}
	if inner.doubled {
		r.fail(problem(CodeInvalidCommand, "target names %q twice", clip(inner.twice)))
	}
	if name, ok := inner.unknown(); ok {
		r.fail(problem(CodeInvalidCommand, "target has no key %q%s", clip(name), didYouMean(name, targetNames)))
		return
	}
	given := 0
	first, second := -1, -1
	for place := range targetNames {
		if v, ok := inner.value(place); ok {
			given++
			switch {
			case first < 0 || v.start < inner.tokens[first].start:
				first, second = place, first
			case second < 0 || v.start < inner.tokens[second].start:
				second = place
			}
		}
	}
	values := [...]*string{&target.ID, &target.ExternalID, &target.SourceID, &target.Email}
	for place, value := range values {
		*value = inner.str(place)
	}
	if inner.problem != nil {
		inner.problem.Message = "target: " + inner.problem.Message
		r.fail(inner.problem)
	}
	names := make([]string, 0, 2)
	for _, place := range []int{first, second}[:min(given, 2)] {
		names = append(names, targetNames[place])
	}
	if p := oneTarget(target, names); p != nil {
		r.fail(p)
	}
}
