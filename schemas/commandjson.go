package schemas

import (
	"slices"
	"time"
	"unicode/utf8"
)

// commandReader reads the members of a JSON command in a fixed order, so that the id
// is known when something else is wrong.
type commandReader struct {
	text    []byte
	members map[string]token
	problem *Problem // the first one
}

var (
	commandNames = []string{"id", "op", "object", "target", "fields", "ifUnchangedSince", "notAfter", "coalesce", "allowUnknownFields"}
	targetNames  = []string{"_id", "externalId", "sourceId", "email"}
)

func decodeCommandJSON(text []byte) (Command, *Problem) {
	members, order, twice, err := membersOf(text)
	if err != nil {
		p := problem(CodeUndecodable, "the value cannot be read as a JSON object: %v", err)
		p.Err = err
		return Command{}, p
	}
	r := &commandReader{text: text, members: members}
	var c Command
	c.ID = r.str("id")
	if p := c.checkID(); p != nil {
		r.fail(p)
	}
	if twice != "" {
		r.fail(problem(CodeInvalidCommand, "the command names %q twice", clip(twice)))
	}
	if t, ok := r.value("id"); ok && t.end-t.start == 2 {
		r.fail(problem(CodeInvalidCommand, "id is empty; leave it out to have one made"))
	}
	c.Op = r.str("op")
	c.Object = r.str("object")
	r.unknown(order)
	r.target(&c.Target)
	if t, ok := r.value("fields"); ok {
		c.Fields = slices.Clone(t.raw(text))
	}
	c.IfUnchangedSince = r.instant("ifUnchangedSince")
	c.NotAfter = r.instant("notAfter")
	c.Coalesce = r.flag("coalesce")
	if allow := r.flag("allowUnknownFields"); allow != nil {
		c.AllowUnknownFields = *allow
	}
	if r.problem == nil {
		r.problem = c.check()
	}
	return c, r.problem
}

// membersOf scans an object: its members by name, the names in order, and the first
// name that comes twice.
func membersOf(text []byte) (members map[string]token, order []string, twice string, err error) {
	members = map[string]token{}
	err = eachMember(text, MaxCommandDepth, func(key, value token) error {
		name := string(unquote(nil, key.inner(text)))
		if _, ok := members[name]; ok && twice == "" {
			twice = name
		} else if !ok {
			order = append(order, name)
			members[name] = value
		}
		return nil
	})
	return members, order, twice, err
}

func (r *commandReader) fail(p *Problem) {
	if r.problem == nil {
		r.problem = p
	}
}

// value gives a member that is there and not null.
func (r *commandReader) value(name string) (token, bool) {
	t, ok := r.members[name]
	return t, ok && t.kind != 'n'
}

// typed is value for one that must be of a kind; 't' stands for both booleans.
func (r *commandReader) typed(name string, kind byte) (token, bool) {
	t, ok := r.value(name)
	if !ok {
		return t, false
	}
	if t.kind == kind || kind == 't' && t.kind == 'f' {
		return t, true
	}
	r.fail(problem(CodeInvalidCommand, "%s must be %s, got %s", name, kindName(kind), kindName(t.kind)))
	return t, false
}

func (r *commandReader) str(name string) string {
	t, ok := r.typed(name, '"')
	if !ok {
		return ""
	}
	s := unquote(nil, t.inner(r.text))
	if !utf8.Valid(s) {
		r.fail(problem(CodeInvalidCommand, "%s holds half of a surrogate pair, which is no character", name))
		return ""
	}
	return string(s)
}

func (r *commandReader) flag(name string) *bool {
	t, ok := r.typed(name, 't')
	if !ok {
		return nil
	}
	v := t.kind == 't'
	return &v
}

func (r *commandReader) instant(name string) *time.Time {
	s := r.str(name)
	if s == "" {
		if _, ok := r.value(name); ok {
			r.fail(problem(CodeInvalidCommand, "%s is empty", name))
		}
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		r.fail(problem(CodeInvalidCommand, "%s must be a time like 2026-03-04T15:21:10.001Z, got %q", name, clip(s)))
		return nil
	}
	return &at
}

func (r *commandReader) unknown(order []string) {
	for _, name := range order {
		if !known(name, commandNames) {
			r.fail(problem(CodeInvalidCommand, "a command has no member %q%s", clip(name), didYouMean(name, commandNames)))
			return
		}
	}
}

func (r *commandReader) target(target *Target) {
	t, ok := r.typed("target", '{')
	if !ok {
		return
	}
	text := t.raw(r.text)
	members, order, twice, err := membersOf(text)
	if err != nil { // scanned before
		r.fail(problem(CodeUndecodable, "target: %v", err))
		return
	}
	if twice != "" {
		r.fail(problem(CodeInvalidCommand, "target names %q twice", clip(twice)))
	}
	inner := &commandReader{text: text, members: members}
	var given []string
	for _, name := range order {
		if !known(name, targetNames) {
			r.fail(problem(CodeInvalidCommand, "target has no key %q%s", clip(name), didYouMean(name, targetNames)))
			return
		}
		if _, ok := inner.value(name); ok {
			given = append(given, name)
		}
	}
	for _, k := range target.keys() {
		*k.value = inner.str(k.name)
	}
	if inner.problem != nil {
		inner.problem.Message = "target: " + inner.problem.Message
		r.fail(inner.problem)
	}
	if p := oneTarget(target, given); p != nil {
		r.fail(p)
	}
}
