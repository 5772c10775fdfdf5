package source_test

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// eventsOf counts the events on an object's topic, by op and by record.
func (r *rig) eventsOf(object string) (ops, reads map[string]int) {
	r.t.Helper()
	cl, err := r.kafka.NewClient()
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	codec, err := schemas.NewCodec("planhat", object)
	if err != nil {
		r.t.Fatal(err)
	}
	ops, reads = map[string]int{}, map[string]int{}
	topic := kafka.Names{Bridge: r.cfg.Bridge}.Changes("planhat", stage.Workspace, object)
	for partition := range int32(3) {
		err := kafka.ReadToStable(r.t.Context(), cl, topic, partition, 0, func(rec *kgo.Record) error {
			if rec.Value == nil {
				return nil
			}
			env, err := codec.DecodeEnvelope(rec.Value)
			if err != nil {
				return err
			}
			ops[env.Op]++
			if env.Op == "r" {
				reads[string(rec.Key)]++
			}
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return ops, reads
}

func (r *rig) completed(stream string) func() bool {
	before := r.told(schemas.NotifySnapshotCompleted, stream)
	return func() bool { return r.told(schemas.NotifySnapshotCompleted, stream) > before }
}

// Every record of the object is on its topic once more, the other objects of
// the listing are not, and changes go on meanwhile.
func TestAnObjectIsWrittenAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 41, Companies: 30}, map[string]string{"PLANHAT_OBJECTS": "company,enduser,conversation,note"})
	r.start()
	r.judge()
	_, before := r.eventsOf("note")
	over := r.completed("conversations")
	r.stage.Simulator.Live(60)
	r.must("object", "--object", "note")
	until(t, "the notes to be written again", over)
	for _, n := range r.notes() {
		if n.Kind == schemas.NotifySnapshotCompleted && n.Stream != "" && (n.Snapshot == nil || n.Snapshot.Calls < 1) {
			t.Errorf("the end of a snapshot tells of no call: %+v", n)
		}
	}
	r.rereads = map[string]int{"note": 1}
	r.judge()
	_, notes := r.eventsOf("note")
	if len(before) < 20 {
		t.Fatalf("only %d notes", len(before))
	}
	twice := 0
	for id := range before {
		if notes[id] == 2 {
			twice++
		}
	}
	if twice < len(before)*8/10 { // others were edited or deleted since
		t.Errorf("%d of %d notes were read again", twice, len(before))
	}
	if ops, reads := r.eventsOf("conversation"); ops["r"] != len(reads) {
		t.Errorf("%d reads of %d conversations", ops["r"], len(reads))
	}
	r.stage.Simulator.Live(60)
	r.judge()
}

// A snapshot that was asked for goes on after restarts, and writes each record
// once.
func TestARereadSurvivesRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 42, Companies: 2500, EndusersPerCompany: -1, ConversationsPerCompany: -1, LicensesPerCompany: 1, CoreOnly: true},
		map[string]string{"PLANHAT_OBJECTS": "company,license"})
	_, stop := r.start()
	r.judge()
	over := r.completed("licenses")
	listing := "licenses"
	r.proxy.stall.Store(&listing)
	r.must("object", "--stream", "licenses")
	if code, out := r.signal("object", "--stream", "licenses"); code != 1 || !strings.Contains(out, "is being written again since") {
		t.Errorf("a second snapshot inside the first: exit code %d, %s", code, out)
	}
	until(t, "the first page to be written", func() bool { ops, _ := r.eventsOf("license"); return ops["r"] > 2500 })
	stop()
	svc, _ := r.start()
	until(t, "the next owner to be at work", func() bool { return streamState(svc, "licenses") == "retrying" })
	if over() {
		t.Fatal("the snapshot is complete without its second page")
	}
	r.proxy.stall.Store(nil)
	until(t, "the licenses to be written again", over)
	r.rereads = map[string]int{"license": 1}
	r.judge()
	_, reads := r.eventsOf("license")
	for id, n := range reads {
		if n != 2 {
			t.Fatalf("%s was read %d times", id, n)
		}
	}
	if len(reads) != 2500 {
		t.Errorf("%d licenses", len(reads))
	}
}

// The remedy for a change topic that is gone or was created anew, and that the
// held stream names: the topic is filled from the beginning, the others are not
// touched.
func TestALostTopicIsFilledAgain(t *testing.T) {
	t.Parallel()
	drop := func(ctx context.Context, adm *kadm.Client, topic string) error {
		_, err := adm.DeleteTopic(ctx, topic)
		return err
	}
	for name, tc := range map[string]struct {
		lose    func(context.Context, *kadm.Client, string) error
		running bool
	}{
		"created anew while stopped": {recreate, false}, "created anew while running": {recreate, true}, "gone while running": {drop, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 43, Companies: 12}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
			svc, stop := r.start()
			r.judge()
			companies, _ := r.eventsOf("company")
			if !tc.running {
				stop()
			}
			r.admin(tc.lose)
			r.mutate(func(tx *planhatsim.Tx) error {
				ids := tx.IDs("licenses")
				if err := tx.Delete("licenses", ids[0]); err != nil {
					return err
				}
				return tx.Update("licenses", ids[1], `{"product":"another"}`)
			})
			if !tc.running {
				svc, stop = r.start()
			}
			until(t, "the stream to be held", func() bool { return streamState(svc, "licenses") == "held" })
			remedy := "planhatctl signal object --workspace " + stage.Workspace + " --stream licenses"
			if cause := streamOf(svc, "licenses").Cause; !strings.Contains(cause, remedy) {
				t.Errorf("the status says %q", cause)
			}
			until(t, "the notification", func() bool { return r.told(schemas.NotifyStreamHeld, "licenses") > 0 })
			over := r.completed("licenses")
			r.must("object", "--stream", "licenses")
			until(t, "the topic to be filled", over)
			r.judge()
			if ops, reads := r.eventsOf("license"); ops["r"] != len(reads) || len(reads) == 0 || ops["d"] > 0 {
				t.Errorf("%v for %d licenses, want one r each", ops, len(reads))
			}
			if ops, _ := r.eventsOf("company"); ops["r"] != companies["r"] {
				t.Errorf("%v of companies, %v before", ops, companies)
			}
			if s := streamState(svc, "licenses"); s != "ok" {
				t.Errorf("the stream is %s", s)
			}
			r.editAll()
			r.judge()
			stop()
			svc, _ = r.start()
			until(t, "a restart to find all as it is", func() bool { return streamState(svc, "licenses") == "ok" })
			if n := r.total(changesTotal, "object=license"); n != 0 {
				t.Errorf("a restart wrote %v events", n)
			}
		})
	}
}

// One record, whatever has become of it.
func TestARecordIsRefreshed(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 44, Companies: 150, EndusersPerCompany: 2}, map[string]string{"PLANHAT_OBJECTS": "company,enduser,note", "PLANHAT_FRESHNESS": "*:24h"})
	r.start()
	until(t, "the snapshots", func() bool { return r.told(schemas.NotifySnapshotCompleted, "") == 3 })
	var companies, endusers []string
	r.mutate(func(tx *planhatsim.Tx) error {
		companies, endusers = tx.IDs("companies"), tx.IDs("endusers")
		if err := tx.Update("companies", companies[70], `{"city":"Bergen","externalId":"refresh me"}`); err != nil {
			return err
		}
		if err := tx.Delete("companies", companies[90]); err != nil {
			return err
		}
		return tx.Update("endusers", endusers[120], `{"archived":true}`)
	})
	for _, c := range []struct {
		what string
		args []string
		code int
		says string
	}{
		{"the first", []string{"--object", "company", "--id", companies[0]}, 0, "as r"},
		{"one in the middle", []string{"--stream", "companies", "--id", companies[60]}, 0, "as r"},
		{"the last", []string{"--object", "company", "--id", companies[149]}, 0, "as r"},
		{"one that was edited", []string{"--object", "company", "--external-id", "refresh me"}, 0, "as u"},
		{"the same again", []string{"--object", "company", "--external-id", "refresh me"}, 0, "as r"},
		{"one that is gone", []string{"--object", "company", "--id", companies[90]}, 0, "as d"},
		{"the same again", []string{"--object", "company", "--id", companies[90]}, 1, "UNKNOWN_RECORD"},
		{"one that was archived", []string{"--object", "enduser", "--id", endusers[120]}, 0, "as u"},
		{"one that never was", []string{"--object", "company", "--id", "600000000000000000000000"}, 1, "UNKNOWN_RECORD"},
		{"no id", []string{"--object", "company", "--id", "acme"}, 1, "UNKNOWN_RECORD"},
		{"no such external id", []string{"--object", "company", "--external-id", "nobody"}, 1, "UNKNOWN_RECORD"},
		{"an object without external ids", []string{"--object", "note", "--external-id", "x"}, 1, "name it by its _id"},
	} {
		if code, out := r.signal(append([]string{"record"}, c.args...)...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit code %d, %s; want %d and %q", c.what, code, out, c.code, c.says)
		}
	}
	r.rereads = map[string]int{"company": 1, "enduser": 1}
	r.judge()
	if ops, _ := r.eventsOf("company"); ops["d"] != 1 || ops["u"] != 1 || ops["r"] != 150+4 {
		t.Errorf("companies: %v", ops)
	}
}

// The word of an operator outlives the process that heard it.
func TestAReleaseSurvivesARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 45, Companies: 150, EndusersPerCompany: -1, ConversationsPerCompany: -1},
		map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, stop := r.start()
	r.judge()
	r.mutate(func(tx *planhatsim.Tx) error {
		for _, id := range tx.IDs("licenses")[:140] {
			if err := tx.Delete("licenses", id); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "the deletes to be held", func() bool { return heldStreams(svc) == 1 })
	stop()
	ws := stage.Workspace
	r.say(`{"id":"let go","signal":"release","workspace":"`+ws+`","stream":"licenses"}`, `{"id":"wait","signal":"pause","workspace":"`+ws+`","stream":"licenses"}`)
	_, stop = r.start()
	until(t, "both answers", func() bool { return len(r.answers()) == 2 })
	stop()
	r.start()
	r.must("resume", "--stream", "licenses")
	r.judge()
	if ops, _ := r.eventsOf("license"); ops["d"] != 140 {
		t.Errorf("%v, want 140 deletes", ops)
	}
	if r.told(schemas.NotifyDeletesHeld, "licenses") != 1 || r.told(schemas.NotifyDeletesReleased, "licenses") == 0 {
		t.Errorf("notifications: %+v", r.notes())
	}
}

// A record signal may be the first that is asked of the vendor with a token: in a
// tenure, or after a rotation. Whose data it shows is found out then.
func TestARecordSignalAfterARotation(t *testing.T) {
	t.Parallel()
	r, _, use := twoTenants(t, 46, map[string]string{"PLANHAT_OBJECTS": "company,license", "PLANHAT_FRESHNESS": "*:24h"})
	r.start()
	until(t, "the snapshots", func() bool { return r.told(schemas.NotifySnapshotCompleted, "") == 3 })
	var ids []string
	r.mutate(func(tx *planhatsim.Tx) error { ids = tx.IDs("companies"); return nil })
	r.stage.Simulator.SetTokens(map[string]planhatsim.Token{"rotated": {}})
	use("rotated")
	if code, out := r.signal("record", "--object", "company", "--id", ids[0]); code != 0 || !strings.Contains(out, "as r") {
		t.Errorf("exit code %d: %s", code, out)
	}
	use(otherToken)
	if code, out := r.signal("record", "--object", "company", "--id", ids[0]); code != 1 || !strings.Contains(out, "none of the records") {
		t.Errorf("with the token of another tenant: exit code %d: %s", code, out)
	}
}
