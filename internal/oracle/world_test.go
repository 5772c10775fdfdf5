package oracle

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const (
	changesTopic  = "planhat.changes.acme.company"
	commandsTopic = "planhat.commands.acme"
	resultsTopic  = "planhat.results.acme"

	idA = "66f000000000000000000001" // seeded, changed by life
	idB = "66f000000000000000000002" // seeded, deleted by life
	idC = "66f000000000000000000003" // made by commands
	idD = "66f000000000000000000004" // made and deleted by commands
)

var began = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func row(t testing.TB, text string) Row {
	t.Helper()
	r, err := parseRow([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// story builds evidence of a run in which all is well.
type story struct {
	t testing.TB
	Evidence
	bodies []string // of the webhooks
}

func (s *story) event(op, id, before, after string) {
	o := &s.Objects[0]
	c := Change{Place: Place{o.Topic, 0, int64(len(o.Changes))}, Key: id, Op: op, Stream: o.Listing, Sequence: int64(len(o.Changes)) + 100}
	c.Tombstone = op == ""
	if before != "" {
		c.Before = row(s.t, before)
	}
	if after != "" {
		c.After = row(s.t, after)
	}
	o.Changes = append(o.Changes, c)
}

func (s *story) wrote(via, op, id, fields string) {
	e := Entry{Seq: int64(len(s.Journal)) + 1, At: began.Add(time.Duration(len(s.Journal)) * time.Second), Via: via, Op: op, Object: s.Objects[0].Object, ID: id,
		Keys: map[string]string{}, Call: int64(len(s.Journal)) + 1}
	if fields != "" {
		if err := json.Unmarshal([]byte(fields), &e.Fields); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range keyNames {
		var v string
		if json.Unmarshal(e.Fields[name], &v) == nil && v != "" {
			e.Keys[name] = v
		}
	}
	s.Journal = append(s.Journal, e)
}

// asked adds a command and its result: "OK CREATED", "REJECTED NOT_FOUND".
// The command is read and done in the second of the next journal entry.
func (s *story) asked(key, op, target, fields, outcome, recordID string) {
	n := int64(len(s.Commands))
	cmd := Command{Place: Place{commandsTopic, 0, n}, Key: key, Command: schemas.Command{ID: fmt.Sprintf("c-%d", n), Op: op, Object: "company"}}
	if fields != "" {
		cmd.Command.Fields = json.RawMessage(fields)
	}
	if name, value, ok := strings.Cut(target, "="); ok {
		*map[string]*string{"_id": &cmd.Command.Target.ID, "externalId": &cmd.Command.Target.ExternalID}[name] = value
	}
	s.Commands = append(s.Commands, cmd)
	at := began.Add(time.Duration(len(s.Journal)) * time.Second)
	status, rest, _ := strings.Cut(outcome, " ")
	res := Result{Place: Place{resultsTopic, 0, n}, Key: cmd.Command.ID, Result: schemas.Result{
		CommandID: cmd.Command.ID, Op: op, Object: "company", Status: schemas.Status(status), Effect: schemas.EffectNone, RecordID: recordID,
		Attempts: 1, Calls: 1, Topic: commandsTopic, Offset: n, ReceivedAt: at.Add(-time.Millisecond), FinishedAt: at.Add(time.Millisecond),
	}}
	if status == string(schemas.StatusOK) {
		res.Result.Effect = schemas.Effect(rest)
	} else {
		res.Result.Error = &schemas.ResultError{Code: schemas.Code(rest)}
	}
	if rest == string(schemas.EffectRead) {
		res.Result.Record = json.RawMessage(`{}`)
	}
	s.Results = append(s.Results, res)
}

func goodRun(t testing.TB) *story {
	t.Helper()
	spec, _ := planhat.Lookup(planhat.Company)
	s := &story{t: t, Evidence: Evidence{Objects: []ObjectEvidence{{Form: planhatForm(spec), Spec: spec, Topic: changesTopic, State: map[string]Row{}}}}}
	const a1, a2, a3 = `{"_id":"` + idA + `","name":"A","h":1}`, `{"_id":"` + idA + `","name":"A","h":2}`, `{"_id":"` + idA + `","name":"A","h":3.0}`
	const b = `{"_id":"` + idB + `","name":"B"}`
	const c1, c2 = `{"_id":"` + idC + `","name":"C","externalId":"cmd-1","custom":{"cmd":"m-1"}}`,
		`{"_id":"` + idC + `","name":"C2","externalId":"cmd-1","custom":{"cmd":"m-1","Tier":"gold"}}`
	const d = `{"_id":"` + idD + `","name":"D","externalId":"cmd-2"}`
	s.wrote("seed", "create", idA, "")
	s.wrote("seed", "create", idB, "")
	s.event("r", idA, "", a1)
	s.event("r", idB, "", b)
	s.wrote("life", "update", idA, `{"h":2}`)
	s.event("u", idA, a1, a2)
	s.wrote("life", "delete", idB, "")
	s.event("d", idB, b, "")
	s.event("", idB, "", "")
	s.asked("company/cmd-1", "create", "", `{"name":"C","externalId":"cmd-1","custom":{"cmd":"m-1"}}`, "OK CREATED", idC)
	s.wrote("api", "create", idC, `{"name":"C","externalId":"cmd-1","custom":{"cmd":"m-1"}}`)
	s.event("c", idC, "", c1)
	s.asked("company/cmd-1", "update", "externalId=cmd-1", `{"name":"C2","custom.Tier":"gold"}`, "OK UPDATED", idC)
	s.wrote("api", "update", idC, `{"name":"C2","custom":{"Tier":"gold"}}`)
	s.event("u", idC, "", c2)
	s.asked("company/cmd-2", "upsert", "externalId=cmd-2", `{"name":"D","externalId":"cmd-2"}`, "OK CREATED", idD)
	s.wrote("api", "upsert", idD, `{"name":"D","externalId":"cmd-2"}`)
	s.event("c", idD, "", d)
	s.asked("company/cmd-2", "delete", "externalId=cmd-2", "", "OK DELETED", idD)
	s.wrote("api", "delete", idD, "")
	s.event("d", idD, `{"_id":"`+idD+`"}`, "")
	s.event("", idD, "", "")
	s.asked("company/cmd-2", "get", "externalId=cmd-2", "", "REJECTED NOT_FOUND", "")
	s.asked("company/cmd-1", "get", "externalId=cmd-1", "", "OK READ", idC)
	s.asked("company/cmd-3", "update", "externalId=cmd-3", `{"nme":"x"}`, "REJECTED UNKNOWN_FIELD", "")
	s.wrote("life", "update", idA, `{"h":3}`)
	s.event("u", idA, a2, a3)
	s.Objects[0].State[idA] = row(t, a3)
	s.Objects[0].State[idC] = row(t, c2)
	return s
}

func (s *story) change(offset int) *Change         { return &s.Objects[0].Changes[offset] }
func (s *story) result(offset int) *schemas.Result { return &s.Results[offset].Result }

// without takes a change out and closes the gap, as a rewritten topic does.
func (s *story) without(offset int) {
	o := &s.Objects[0]
	o.Changes = append(append([]Change{}, o.Changes[:offset]...), o.Changes[offset+1:]...)
	for i := range o.Changes {
		o.Changes[i].Offset = int64(i)
	}
}

func (s *story) swapped(i, j int) {
	c := s.Objects[0].Changes
	c[i], c[j] = c[j], c[i]
	c[i].Offset, c[j].Offset = int64(i), int64(j)
}
