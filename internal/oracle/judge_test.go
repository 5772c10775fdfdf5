package oracle

import (
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func TestJudgeAcceptsAGoodRun(t *testing.T) {
	r := Judge(goodRun(t).Evidence)
	for _, m := range r.Mismatches {
		t.Errorf("%s", m)
	}
	if got, want := r.Line(), "oracle: ok changes=9 commands=7 results=7 mismatches=0"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	r.Coverage.Faults = map[string]int{"500": 2, "503": 1, "429": 4, "timeout-after": 5}
	if got, want := r.CoverageLine(), "coverage: objects=1/1 ops=5/5 faults=429:4,5xx:3,timeout-after-effect:5,reset:0,truncated:0"; got != want {
		t.Errorf("coverage = %q, want %q", got, want)
	}
}

// fault spoils a story: the mismatch that the oracle must find.
type fault struct {
	name   string
	spoil  func(*story)
	topic  string
	offset int64
	id     string
	what   string
}

// findsEach holds the oracle to faults, each in a good story of its own.
func findsEach(t *testing.T, good func(testing.TB) *story, faults []fault) {
	t.Helper()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			s := good(t)
			f.spoil(s)
			r := Judge(s.Evidence)
			for _, m := range r.Mismatches {
				if m.Topic == f.topic && m.Offset == f.offset && m.ID == f.id && strings.Contains(m.What, f.what) {
					return
				}
			}
			t.Errorf("no mismatch at %s offset %d id %s with %q in:\n%v", f.topic, f.offset, f.id, f.what, r.Mismatches)
		})
	}
}

// TestJudgeFindsEachFault: the oracle is able to fail, and says where.
func TestJudgeFindsEachFault(t *testing.T) {
	const events, results, commands = changesTopic, resultsTopic, commandsTopic
	findsEach(t, goodRun, []fault{
		{"first event dropped", func(s *story) { s.without(0) }, events, 1, idA, "first event of the record is op u"},
		{"middle event dropped", func(s *story) { s.without(2) }, events, 9, idA, "before is not what the event at offset 0 left"},
		{"last event dropped", func(s *story) { s.without(10) }, events, 2, idA, "not the vendor's state: h is 2, at the vendor 3.0"},
		{"only events of a record dropped", func(s *story) { s.without(5); s.without(5) }, events, -1, idC, "the topic has no event of it"},
		{"create after delete dropped", func(s *story) { s.State()[idB] = s.change(1).After }, events, 4, idB, "ends with its delete"},
		{"delete event dropped", func(s *story) { s.without(3) }, events, 3, idB, "tombstone without a delete"},
		{"delete and tombstone dropped", func(s *story) { s.without(3); s.without(3) }, events, 1, idB, "the vendor does not have"},
		{"tombstone dropped", func(s *story) { s.without(4) }, events, 3, idB, "no tombstone"},
		{"event invented", func(s *story) { s.event("c", "66f0000000000000000000ff", "", `{"_id":"66f0000000000000000000ff"}`) }, events, 11, "66f0000000000000000000ff", "invented"},
		{"delete invented", func(s *story) {
			s.event("d", idA, `{"_id":"`+idA+`","name":"A","h":3.0}`, "")
		}, events, 11, idA, "a delete that the vendor never made"},
		{"events swapped", func(s *story) { s.swapped(0, 2) }, events, 0, idA, "first event of the record is op u"},
		{"events swapped, by sequence", func(s *story) { s.swapped(2, 10) }, events, 10, idA, "events are out of order"},
		{"event repeated", func(s *story) {
			c := *s.change(10)
			c.Offset, c.Sequence, c.Before = 11, 200, c.After
			s.Objects[0].Changes = append(s.Objects[0].Changes, c)
		}, events, 11, idA, "repeated"},
		{"sequence used twice", func(s *story) { s.change(5).Sequence = s.change(4).Sequence - 1 }, events, 5, idC, "was used at"},
		{"read twice", func(s *story) { s.change(2).Op = "r" }, events, 2, idA, "op r of a record that is live"},
		{"read after delete", func(s *story) { s.event("r", idB, "", `{"_id":"`+idB+`"}`); s.State()[idB] = s.change(11).After }, events, 11, idB, "where only c can be"},
		{"delete without before", func(s *story) { s.change(3).Before = nil }, events, 3, idB, "delete without before"},
		{"key of another record", func(s *story) { s.change(2).After["_id"] = idB }, events, 2, idA, "the key is not the _id"},
		{"number of other text", func(s *story) { s.State()[idA]["h"] = s.change(0).After["h"] }, events, 10, idA, "h is 3.0, at the vendor 1"},
		{"partition changed", func(s *story) { s.change(10).Partition = 1 }, events, 10, idA, "are on partition 0 too"},

		{"result missing", func(s *story) { s.Results = s.Results[:6] }, commands, 6, "c-6", "has no result"},
		{"result doubled", func(s *story) {
			r := s.Results[1]
			r.Offset = 7
			s.Results = append(s.Results, r)
		}, results, 7, "c-1", "another result"},
		{"result of no command", func(s *story) { s.result(6).Offset = 99 }, results, 6, "c-6", "a result without a command"},
		{"result of another id", func(s *story) { s.result(0).CommandID, s.Results[0].Key = "x", "x" }, results, 0, "x", `the command's is "c-0"`},
		{"id not derived", func(s *story) { s.Commands[6].Command.ID = "" }, results, 6, "c-6", "UUIDv5"},
		{"OK for undecodable", func(s *story) { s.Commands[0].Problem = "UNDECODABLE: x" }, results, 0, "c-0", "cannot be decoded"},
		{"rejected with effect", func(s *story) { s.result(6).Effect = schemas.EffectUpdated }, results, 6, "c-6", "has effect UPDATED"},
		{"result of another op", func(s *story) { s.result(5).Op = "update" }, results, 5, "c-5", "the result is of update company"},

		{"effect lost", func(s *story) { s.State()[idC]["name"] = "C" }, commands, 1, "c-1", `name of record ` + idC + ` is "C" at the vendor, commands left it "C2"`},
		{"custom effect lost", func(s *story) { delete(s.State()[idC]["custom"].(Row), "Tier") }, commands, 1, "c-1", "custom.Tier of record"},
		{"deleted record lives", func(s *story) { s.State()[idD] = row(s.t, `{"_id":"`+idD+`"}`) }, commands, 3, "c-3", "was deleted by command, but the vendor has it"},
		{"live record is gone", func(s *story) { delete(s.State(), idC) }, commands, 1, "c-1", "the vendor does not have record " + idC},
		{"create overwrote", func(s *story) {
			s.asked("company/cmd-1", "create", "", `{"externalId":"cmd-1"}`, "OK CREATED", "66f000000000000000000009")
		}, results, 7, "c-7", "live with the same key"},
		{"create with UPDATED", func(s *story) { s.result(0).Effect = schemas.EffectUpdated }, results, 0, "c-0", "has effect UPDATED"},
		{"upsert CREATED what was there", func(s *story) {
			s.asked("company/cmd-1", "upsert", "externalId=cmd-1", `{"name":"C2"}`, "OK CREATED", idC)
		}, results, 7, "c-7", "says CREATED, but record " + idC + " was live"},
		{"upsert UPDATED what was not there", func(s *story) { s.result(2).Effect = schemas.EffectUpdated }, results, 2, "c-2", "says UPDATED, but record " + idD + " did not exist"},
		{"update of the missing is OK", func(s *story) {
			s.asked("company/cmd-2", "update", "_id="+idD, `{"name":"x"}`, "OK UPDATED", idD)
		}, results, 7, "c-7", "did not exist"},
		{"update of the live is NOT_FOUND", func(s *story) {
			s.asked("company/cmd-1", "update", "externalId=cmd-1", `{"name":"C2"}`, "REJECTED NOT_FOUND", "")
		}, results, 7, "c-7", "refused as NOT_FOUND, but record " + idC},
		{"delete of the live is UNCHANGED", func(s *story) { s.result(3).Effect = schemas.EffectUnchanged }, results, 3, "c-3", "says UNCHANGED"},
		{"delete of the gone is DELETED", func(s *story) {
			s.asked("company/cmd-2", "delete", "_id="+idD, "", "OK DELETED", idD)
		}, results, 7, "c-7", "says DELETED"},
		{"delete of the live is NOT_FOUND", func(s *story) {
			s.asked("company/cmd-1", "delete", "_id="+idC, "", "REJECTED NOT_FOUND", "")
		}, results, 7, "c-7", "delete was refused as NOT_FOUND, but record " + idC},
		{"get of the gone is OK", func(s *story) {
			s.asked("company/cmd-2", "get", "_id="+idD, "", "OK READ", idD)
		}, results, 7, "c-7", "a get was OK"},
		{"ALREADY_EXISTS of what never was", func(s *story) {
			s.asked("company/cmd-9", "create", "", `{"externalId":"cmd-9"}`, "REJECTED ALREADY_EXISTS", "")
		}, results, 7, "c-7", "no record ever had its keys"},
		{"upsert UNCHANGED what was not there", func(s *story) {
			s.asked("company/cmd-5", "upsert", "externalId=cmd-5", `{"name":"F"}`, "OK UNCHANGED", "")
		}, results, 7, "c-7", "no record with externalId cmd-5 existed"},
		{"effect of a nameless upsert lost", func(s *story) {
			s.asked("company/cmd-5", "upsert", "externalId=cmd-5", `{"name":"F"}`, "OK UNCHANGED", "")
			s.result(7).Attempts = 2
			s.wrote("api", "upsert", "66f000000000000000000005", `{"name":"F","externalId":"cmd-5"}`)
			s.addRecord("66f000000000000000000005", `{"_id":"66f000000000000000000005","name":"E","externalId":"cmd-5"}`)
		}, commands, 7, "c-7", `is "E" at the vendor, commands left it "F"`},
		{"OK without record id", func(s *story) { s.result(1).RecordID = "" }, results, 1, "c-1", "names no record"},
		{"commands out of key order", func(s *story) {
			s.asked("company/cmd-1", "update", "externalId=cmd-1", `{"name":"C3"}`, "OK UPDATED", idC)
			s.wrote("api", "update", idC, `{"name":"C3"}`)
			s.wrote("api", "update", idC, `{"name":"C2"}`)
		}, commands, 7, "c-7", `is "C2" at the vendor, commands left it "C3"`},

		{"created twice", func(s *story) {
			s.wrote("api", "create", "66f00000000000000000000a", `{"custom":{"cmd":"m-1"}}`)
		}, commands, 0, "c-0", "created 2 times"},
		{"key shared", func(s *story) {
			s.State()["66f00000000000000000000b"] = row(s.t, `{"_id":"66f00000000000000000000b","externalId":"cmd-1"}`)
		}, events, -1, "66f00000000000000000000b", "share externalId cmd-1"},
	})
}

func (s *story) State() map[string]Row { return s.Objects[0].State }

// TestJudgeAcceptsWhatNothingDecides: outcomes that are honest although they
// look wrong.
func TestJudgeAcceptsWhatNothingDecides(t *testing.T) {
	tests := map[string]func(*story){
		"unknown update had no effect": func(s *story) {
			s.asked("company/cmd-1", "update", "externalId=cmd-1", `{"name":"C9"}`, "UNKNOWN OUTCOME_UNKNOWN", idC)
		},
		"unknown update had its effect": func(s *story) {
			s.asked("company/cmd-1", "update", "externalId=cmd-1", `{"name":"C9"}`, "UNKNOWN OUTCOME_UNKNOWN", idC)
			s.wrote("api", "update", idC, `{"name":"C9"}`)
			s.State()[idC]["name"] = "C9"
			s.change(6).After["name"] = "C9"
		},
		"unknown create had its effect, seen by a later upsert": func(s *story) {
			s.asked("company/cmd-7", "create", "", `{"name":"E","externalId":"cmd-7"}`, "UNKNOWN OUTCOME_UNKNOWN", "")
			s.wrote("api", "create", "66f000000000000000000007", `{"name":"E","externalId":"cmd-7"}`)
			s.asked("company/cmd-7", "upsert", "externalId=cmd-7", `{"name":"E2"}`, "OK UPDATED", "66f000000000000000000007")
			s.wrote("api", "upsert", "66f000000000000000000007", `{"name":"E2","externalId":"cmd-7"}`)
			s.addRecord("66f000000000000000000007", `{"_id":"66f000000000000000000007","name":"E2","externalId":"cmd-7"}`)
		},
		"writers of two keys at the same time": func(s *story) {
			s.asked("company/"+idC, "update", "_id="+idC, `{"name":"other"}`, "OK UPDATED", idC)
			s.asked("company/cmd-1", "update", "externalId=cmd-1", `{"name":"C2"}`, "OK UPDATED", idC)
			s.result(7).FinishedAt = s.result(8).FinishedAt.Add(1)
		},
		"upsert repeated after a crash": func(s *story) {
			s.result(2).Effect = schemas.EffectUpdated
			s.result(2).ReceivedAt = s.Journal[6].At.Add(1)
		},
		"upsert repeated after a lost answer": func(s *story) {
			s.result(2).Effect, s.result(2).Attempts = schemas.EffectUnchanged, 2
		},
		"upsert repeated after a lost answer, without an id": func(s *story) {
			s.asked("company/cmd-5", "upsert", "externalId=cmd-5", `{"name":"F"}`, "OK UNCHANGED", "")
			s.result(7).Attempts = 2
			s.wrote("api", "upsert", "66f000000000000000000005", `{"name":"F","externalId":"cmd-5"}`)
			s.asked("company/cmd-5", "update", "externalId=cmd-5", `{"name":"F2"}`, "OK UPDATED", "66f000000000000000000005")
			s.wrote("api", "update", "66f000000000000000000005", `{"name":"F2","externalId":"cmd-5"}`)
			s.addRecord("66f000000000000000000005", `{"_id":"66f000000000000000000005","name":"F2","externalId":"cmd-5"}`)
		},
		"delete of the live is forbidden": func(s *story) {
			s.asked("company/cmd-1", "delete", "_id="+idC, "", "REJECTED FORBIDDEN", "")
		},
		"cleared and absent":   func(s *story) { s.asked("company/cmd-1", "update", "_id="+idC, `{"city":null}`, "OK UNCHANGED", idC) },
		"written over by life": func(s *story) { s.overwrite() },
		"volatile fields differ": func(s *story) {
			s.State()[idA]["renewalDaysFromNow"] = "x"
		},
		"capital first letter": func(s *story) {
			s.asked("company/cmd-1", "update", "_id="+idC, `{"name":"c2"}`, "OK UPDATED", idC)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			s := goodRun(t)
			change(s)
			for _, m := range Judge(s.Evidence).Mismatches {
				t.Errorf("%s", m)
			}
		})
	}
}

func (s *story) addRecord(id, text string) {
	s.State()[id] = row(s.t, text)
	s.event("c", id, "", text)
}

func (s *story) overwrite() {
	s.asked("company/"+idA, "update", "_id="+idA, `{"phase":"x"}`, "OK UPDATED", idA)
	s.wrote("api", "update", idA, `{"phase":"x"}`)
	s.wrote("life", "update", idA, `{"phase":"y"}`)
	s.State()[idA]["phase"] = "y"
	s.change(10).After["phase"] = "y"
}

func TestHolds(t *testing.T) {
	tests := []struct {
		stored, sent string
		field        string
		want         bool
	}{
		{`null`, `null`, "name", true},
		{`"x"`, `null`, "name", false},
		{`5`, `5.0`, "csmScore", true},
		{`5`, `6`, "csmScore", false},
		{`"2026-01-02T00:00:00.000Z"`, `"2026-01-02"`, "lastTouch", true},
		{`"2026-01-02T00:00:00.000Z"`, `"2026-01-02"`, "name", false},
		{`["a","b"]`, `["b","a"]`, "tags", false},
		{`{"id":"1","name":"n"}`, `{"id":"1"}`, "custom", true},
		{`{"id":"1"}`, `{"id":"1","name":"n"}`, "custom", false},
	}
	spec := goodRun(t).Objects[0].Spec
	for _, tt := range tests {
		stored, _ := parse([]byte(tt.stored))
		sent, _ := parse([]byte(tt.sent))
		field, _ := spec.Field(tt.field)
		if got := holds(stored, sent, field); got != tt.want {
			t.Errorf("holds(%s, %s, %s) = %v, want %v", tt.stored, tt.sent, tt.field, got, tt.want)
		}
	}
}

// FuzzParse: what is read as JSON equals itself, and only itself.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1.0,null,{"b":"x"}]}`, `1e400`, `"\ud800"`, `[]`, `{} {}`, `-0`} {
		f.Add([]byte(seed), []byte(`{"a":1}`))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, err := parse(a)
		if err != nil {
			return
		}
		if !same(x, x) || !holds(x, x, planhat.Field{}) {
			t.Fatalf("%q is not itself", a)
		}
		if y, err := parse(b); err == nil && same(x, y) != same(y, x) {
			t.Fatalf("%q and %q are equal one way only", a, b)
		}
		show(x)
	})
}
