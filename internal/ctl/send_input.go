package ctl

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// read gives the commands of one call, all of them checked for shape: nothing
// is sent of a file that cannot be read to its end.
func (f *sendFlags) read(t *tool) ([]outgoing, error) {
	if f.file == "" {
		one, err := f.single(t.NewID)
		return []outgoing{one}, err
	}
	from, name := t.Stdin, "stdin"
	if f.file != "-" {
		file, err := os.Open(f.file)
		if err != nil {
			return nil, usage("read commands: %w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		from, name = file, f.file
	}
	var out []outgoing
	var err error
	if f.isCSV() {
		out, err = f.readCSV(from, t.NewID)
	} else {
		out, err = f.readLines(from, t.NewID)
	}
	if err != nil {
		return nil, &failure{codeUsage, fmt.Errorf("read commands from %s: %w", name, err)}
	}
	if len(out) == 0 {
		return nil, usage("read commands from %s: there are none", name)
	}
	return out, unique(out)
}

func unique(commands []outgoing) error {
	seen := map[string]bool{}
	for _, c := range commands {
		if seen[c.id] {
			return usage("two commands have the id %q: their results could not be told apart", c.id)
		}
		seen[c.id] = true
	}
	return nil
}

// readLines takes a JSON object a line as the command that it is; only an id is
// put in where there is none.
func (f *sendFlags) readLines(from io.Reader, newID func() string) ([]outgoing, error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 2*schemas.MaxCommandBytes)
	var out []outgoing
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		c, err := f.line(line, newID)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after command %d: %w", len(out), err)
	}
	return out, nil
}

func (f *sendFlags) line(line []byte, newID func() string) (outgoing, error) {
	var whole members
	if err := json.Unmarshal(line, &whole); err != nil {
		return outgoing{}, fmt.Errorf("not a JSON object: %w", err)
	}
	if whole == nil {
		return outgoing{}, errors.New("not a JSON object: null")
	}
	var c schemas.Command
	var fields members
	if err := whole.text("id", &c.ID); err != nil {
		return outgoing{}, err
	}
	// What else is wrong with the command is for its result to say.
	_ = whole.text("op", &c.Op)
	_ = whole.text("object", &c.Object)
	_ = json.Unmarshal(whole["target"], &c.Target)
	_ = json.Unmarshal(whole["fields"], &fields)
	value := slices.Clone(line)
	if c.ID == "" {
		c.ID = newID()
		id, err := encode(c.ID)
		if err != nil {
			return outgoing{}, err
		}
		whole["id"] = id
		if value, err = encode(whole); err != nil {
			return outgoing{}, err
		}
	}
	key := f.key
	if key == "" {
		key = defaultKey(c, fields)
	}
	return outgoing{id: c.ID, key: key, op: c.Op, object: c.Object, value: value}, nil
}

// text reads a member that has to be a string, if it is there.
func (m members) text(name string, into *string) error {
	if raw, ok := m[name]; ok && json.Unmarshal(raw, into) != nil {
		return fmt.Errorf("%s is not a text", name)
	}
	return nil
}

// readCSV makes a command of each row. An empty cell leaves its field alone.
func (f *sendFlags) readCSV(from io.Reader, newID func() string) ([]outgoing, error) {
	if f.object == "" || f.op == "" {
		return nil, errors.New("a CSV file needs --object and --op")
	}
	rows := csv.NewReader(from)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // as spreadsheets write it
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		return nil, fmt.Errorf("header: %q is one column: separate columns by commas", header[0])
	}
	var out []outgoing
	for n := 1; ; n++ {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		id := newID()
		if f.commandID != "" {
			id = f.commandID + "-" + strconv.Itoa(n)
		}
		c, err := f.row(header, cells, id)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", n, err)
		}
		out = append(out, c)
	}
}

// row: the first of the key columns that has a value names the record, unless
// it is to be made; everything else is a field.
func (f *sendFlags) row(header, cells []string, id string) (outgoing, error) {
	c, err := f.base()
	if err != nil {
		return outgoing{}, err
	}
	c.ID = id
	fields := members{}
	if err := f.assign(fields); err != nil {
		return outgoing{}, err
	}
	target := ""
	if f.op != schemas.OpCreate {
		target = targetColumn(header, cells)
	}
	for i, name := range header {
		switch name = strings.TrimSpace(name); {
		case cells[i] == "" || name == "":
		case name == target:
			aim(&c.Target, name, cells[i])
		default:
			if err := fields.set(name, valueOf(f.object, name, cells[i])); err != nil {
				return outgoing{}, err
			}
		}
	}
	return finish(c, fields, f.key)
}

func targetColumn(header, cells []string) string {
	for _, name := range []string{"_id", "externalId", "sourceId", "email"} {
		if i := slices.Index(header, name); i >= 0 && cells[i] != "" {
			return name
		}
	}
	return ""
}
