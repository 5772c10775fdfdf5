package warehouse

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// warehouse is the database, and what it should hold.
type warehouse struct {
	address string                      // as psql takes it
	state   func(listing string) []byte // the vendor's rows, as a JSON array
}

// row is a row or a record by the names of its fields.
type row map[string]json.RawMessage

// rows reads a table by _id, after a statement that is taken back. It is nil where
// there is no such table.
func (w warehouse) rows(t *testing.T, first, table string) map[string]row {
	t.Helper()
	script := "begin;\n" + first + ";\nselect row_to_json(t) from \"" + table + "\" t;\nrollback;\n"
	cmd := exec.CommandContext(t.Context(), "psql", "-X", "-At", "-q", "-v", "ON_ERROR_STOP=1", w.address)
	cmd.Env = append(cmd.Environ(), "PGOPTIONS=-c timezone=UTC")
	cmd.Stdin = strings.NewReader(script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if strings.Contains(stderr.String(), `relation "`+table+`" does not exist`) {
		return nil
	}
	if err != nil {
		t.Fatalf("psql: %v: %s", err, stderr.String())
	}
	rows := map[string]row{}
	// Not line by line: a column of JSON keeps the line breaks that were sent.
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var r row
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatalf("read table %s: %v", table, err)
		}
		rows[text(t, r["_id"])] = r
	}
}

// records are the vendor's records of an object, by _id.
func (w warehouse) records(t *testing.T, spec planhat.Spec) map[string]row {
	t.Helper()
	var all []row
	decode(t, w.state(spec.Listing), &all)
	records := map[string]row{}
	for _, r := range all {
		kind := ""
		if spec.Shared() && !isNull(r["type"]) {
			kind = text(t, r["type"])
		}
		if spec.Holds(kind) {
			records[text(t, r["_id"])] = r
		}
	}
	return records
}

// deleteSome deletes a record of each object and gives its _id by object. Each object
// has more than that one.
func (w warehouse) deleteSome(t *testing.T, r *rig.Rig) map[string]string {
	t.Helper()
	deleted := map[string]string{}
	for _, spec := range planhat.Objects() {
		records := w.records(t, spec)
		if len(records) < 2 {
			t.Fatalf("%s: there are %d records, want one to delete and one to keep", spec.Object, len(records))
		}
		var id string
		for id = range records {
			break
		}
		deleted[string(spec.Object)] = id
		r.Stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
			// A company takes its own along: the record may be gone already.
			if tx.Get(spec.Listing, id) == nil {
				return
			}
			if err := tx.Delete(spec.Listing, id); err != nil {
				t.Error(err)
			}
		})
	}
	return deleted
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("decode %.200s: %v", raw, err)
	}
}

func text(t *testing.T, raw json.RawMessage) (s string) {
	t.Helper()
	decode(t, raw, &s)
	return s
}
