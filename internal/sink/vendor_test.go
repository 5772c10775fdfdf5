package sink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// TestUndocumentedAnswers holds the results to the same words whatever a
// vendor answers where nothing public says what it does: each value of these
// switches is in one of the runs.
func TestUndocumentedAnswers(t *testing.T) {
	t.Parallel()
	values := planhatsim.SwitchValues()
	for run := 1; run <= 4; run++ {
		t.Run(fmt.Sprint("values ", run), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *planhatsim.Options) {
				empty(o)
				for _, name := range []string{
					"missing_get", "missing_put", "missing_delete", "delete_answer", "delete_conversation", "error_elements", "bulk_validation",
					"conflict_status", "create_status", "put_body_id", "put_company_prefix", "bulk_unknown_id", "bulk_duplicate_keys",
					"null_write", "name_case", "enduser_without_company", "ambiguous_email", "bulk_external_id_scope", "rate_headers",
				} {
					var err error
					value := values[name][min(run, len(values[name])-1)]
					if o.Switches, err = o.Switches.With(name, value); err != nil {
						t.Fatal(err)
					}
				}
			})
			undocumented(b)
		})
	}
}

func undocumented(b *bench) {
	t := b.t
	b.prepare()
	b.send(
		`a {"id":"create","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`,
		`a {"id":"again","op":"create","object":"company","fields":{"name":"Other","externalId":"A"}}`,
		`a {"id":"clear","op":"update","object":"company","target":{"externalId":"A"},"fields":{"phase":null}}`,
		`b {"id":"update missing","op":"update","object":"company","target":{"externalId":"B"},"fields":{"phase":"x"}}`,
		`c {"id":"update missing id","op":"update","object":"company","target":{"_id":"0123456789abcdef01234567"},"fields":{"phase":"x"}}`,
		`d {"id":"update missing id 2","op":"update","object":"company","target":{"_id":"0123456789abcdef01234568"},"fields":{"phase":"x"}}`,
		`e {"id":"get missing","op":"get","object":"company","target":{"externalId":"E"}}`,
		`f {"id":"delete missing","op":"delete","object":"company","target":{"_id":"0123456789abcdef01234569"}}`,
		`g {"id":"delete missing key","op":"delete","object":"company","target":{"externalId":"G"}}`,
		`h {"id":"bad","op":"upsert","object":"company","target":{"externalId":"H"},"fields":{"name":"Hue","csmScore":"many"}}`,
		`i {"id":"good","op":"upsert","object":"company","target":{"externalId":"I"},"fields":{"name":"Ink"}}`,
		`j {"id":"enduser","op":"upsert","object":"enduser","target":{"email":"j@j.example"},"fields":{"companyId":"extid-A"}}`,
		`j {"id":"move","op":"update","object":"enduser","target":{"email":"j@j.example"},"fields":{"companyId":"extid-I"}}`,
		`k {"id":"homeless","op":"upsert","object":"enduser","target":{"externalId":"k"},"fields":{"firstName":"K"}}`,
		`l {"id":"note","op":"create","object":"note","fields":{"companyId":"extid-A","subject":"S"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "create", "OK CREATED -")
	expect(t, results, "again", "CONFLICT NONE ALREADY_EXISTS")
	expect(t, results, "clear", "OK UPDATED -")
	for _, id := range []string{"update missing", "update missing id", "update missing id 2", "get missing"} {
		expect(t, results, id, "REJECTED NONE NOT_FOUND")
	}
	expect(t, results, "delete missing key", "OK UNCHANGED -")
	if r := results["delete missing"]; r.Status != schemas.StatusOK {
		t.Errorf("delete missing: %+v", r)
	}
	expect(t, results, "bad", "REJECTED NONE VENDOR_REJECTED")
	expect(t, results, "good", "OK CREATED -")
	expect(t, results, "enduser", "OK CREATED -")
	expect(t, results, "move", "OK UPDATED -")
	expect(t, results, "homeless", "REJECTED NONE VENDOR_REJECTED")
	note := expect(t, results, "note", "OK CREATED -")
	b.send(fmt.Sprintf(`l {"id":"delete note","op":"delete","object":"note","target":{"_id":%q}}`, note.RecordID))
	expect(t, b.results(), "delete note", "OK DELETED -")
}

// TestSlowCommandsHoldNobodyUp lets one command fail at the vendor for ever:
// the others of its batch are answered all the same.
func TestSlowCommandsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	b.fault(planhatsim.Fault{Kind: "500", Method: "PUT"})
	b.send(
		`a {`,
		`b {"id":"create","op":"create","object":"company","fields":{"name":"Acme"}}`,
		`c {"id":"slow","op":"upsert","object":"company","target":{"externalId":"C"},"fields":{"name":"Cog"}}`,
		`c {"id":"behind","op":"delete","object":"company","target":{"externalId":"C"}}`,
	)
	b.start()
	first := 0
	b.read(t.Context(), resultTopic, func(r *kgo.Record) bool {
		if string(r.Key) == "slow" || string(r.Key) == "behind" {
			t.Errorf("%s is answered while the vendor fails", r.Key)
		}
		first++
		return first < 2
	})
	b.sim.ClearFaults()
	results := b.results()
	expect(t, results, "slow", "OK CREATED -")
	expect(t, results, "behind", "OK DELETED -")
}

func TestRecreatedTopicIsHeld(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme"}}`)
	b.results()
	b.stop()
	admin := kadm.NewClient(b.producer)
	if _, err := admin.DeleteTopics(t.Context(), commandTopic); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.until("the workspace is held", func() bool {
		state := b.service.Status().(sink.Status).Workspaces[0]
		return state.State == "held" && state.Cause != ""
	})
	b.wantCompanies(1)
}

// TestOffsetsAreVisible holds the ordinary group to the positions.
func TestOffsetsAreVisible(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme"}}`, `a {"id":"b","op":"create","object":"company","fields":{"name":"Bolt"}}`)
	r := b.results()["b"]
	admin := kadm.NewClient(b.producer)
	b.until("the offset is committed", func() bool {
		offsets, err := admin.FetchOffsets(t.Context(), "b.planhat.commands.acme")
		if err != nil {
			return false
		}
		at, ok := offsets.Lookup(commandTopic, r.Partition)
		return ok && at.At == r.Offset+1
	})
}

// TestManyCommands is the shape of a load: many records in few calls.
func TestManyCommands(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	// A call that is repeated on a slow machine would read UPDATED.
	b.cfg.Shard.SessionTimeout, b.cfg.Shard.CallDeadline = 25*time.Second, 10*time.Second
	b.prepare()
	var lines []string
	for n := range 3000 {
		lines = append(lines, fmt.Sprintf(`company/%d {"id":"c%d","op":"upsert","object":"company","target":{"externalId":"E%d"},"fields":{"name":"N%d","phase":"Live"}}`, n, n, n, n))
	}
	b.send(lines...)
	started := time.Now()
	b.start()
	results := b.results()
	t.Logf("3000 commands in %s", time.Since(started))
	for n := range 3000 {
		expect(t, results, fmt.Sprintf("c%d", n), "OK CREATED -")
	}
	if _, calls := b.sim.Calls(); calls["PUT /companies"] > 10 {
		t.Errorf("%d calls for 3000 commands", calls["PUT /companies"])
	}
}

// TestLateEffectDoesNotUndo lets a call take effect after its repetition was
// answered: the next write to the record must not come in between.
func TestLateEffectDoesNotUndo(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Shard.CallDeadline, b.settle = 200*time.Millisecond, 400*time.Millisecond
	b.fault(planhatsim.Fault{Kind: "timeout-late", Method: "PUT", Count: 1, Ms: 400})
	b.prepare()
	b.send(
		`a {"id":"first","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"One"}}`,
		`a {"id":"second","op":"update","object":"company","target":{"externalId":"A"},"fields":{"name":"Two"}}`,
	)
	b.start()
	results := b.results()
	b.sim.Settle()
	// On a busy machine the repetition is the later of the two, and finds the record.
	if first := results["first"]; first.Status != schemas.StatusOK || first.Effect != schemas.EffectCreated && first.Effect != schemas.EffectUpdated {
		t.Errorf("command first: got %+v", first)
	}
	expect(t, results, "second", "OK UPDATED -")
	if row := b.row("companies", "externalId", "A"); row["name"] != "Two" {
		t.Errorf("company A is %v", row["name"])
	}
}

// TestMergedCommandsAreToldApart lets the vendor refuse one of three commands
// that were sent as one item.
func TestMergedCommandsAreToldApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	b.send(
		`a {"id":"first","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"One"}}`,
		`a {"id":"bad","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"csmScore":"many","phase":"lost"}}`,
		`a {"id":"third","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"city":"Oslo"}}`,
		`b {"id":"merged","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"Two"}}`,
		`b {"id":"too","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"city":"Bergen"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "first", "OK CREATED -")
	expect(t, results, "bad", "REJECTED NONE VENDOR_REJECTED")
	expect(t, results, "third", "OK UPDATED -")
	expect(t, results, "merged", "OK CREATED -")
	expect(t, results, "too", "OK UPDATED -")
	if row := b.row("companies", "externalId", "A"); row["city"] != "Oslo" || row["phase"] == "lost" {
		t.Errorf("company A is %v", row)
	}
}

// TestAnsweredAheadIsNotRepeated stops the sink while one command of a
// partition hangs and the one behind it is answered.
func TestAnsweredAheadIsNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions = 1
	b.prepare()
	b.fault(planhatsim.Fault{Kind: "500", Method: "PUT"})
	b.send(
		`c {"id":"slow","op":"upsert","object":"company","target":{"externalId":"C"},"fields":{"name":"Cog"}}`,
		`b {"id":"create","op":"create","object":"company","fields":{"name":"Acme"}}`,
	)
	b.start()
	b.read(t.Context(), resultTopic, func(r *kgo.Record) bool { return string(r.Key) != "create" })
	b.stop()
	b.sim.ClearFaults()
	b.start()
	results := b.results()
	expect(t, results, "slow", "OK CREATED -")
	expect(t, results, "create", "OK CREATED -")
	b.wantCompanies(2)
}
