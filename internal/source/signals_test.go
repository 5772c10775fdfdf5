package source_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// signal is planhatctl's.
func (r *rig) signal(args ...string) (code int, out string) {
	r.t.Helper()
	var b bytes.Buffer
	code = ctl.Run(r.t.Context(), slices.Concat([]string{"signal"}, args, []string{
		"--workspace", r.cfg.Planhat[0].Name, "--bootstrap", r.env["KAFKA_BOOTSTRAP_SERVERS"], "--registry", r.env["SCHEMA_REGISTRY_URL"],
	}), ctl.Surroundings{Environ: os.Environ(), Stdin: new(bytes.Buffer), Stdout: &b, Stderr: &b})
	return code, b.String()
}

// must sends a signal that has to be obeyed.
func (r *rig) must(args ...string) string {
	r.t.Helper()
	code, out := r.signal(args...)
	if code != 0 {
		r.t.Fatalf("signal %v: exit code %d, %s", args, code, out)
	}
	return out
}

// say writes records to the signals topic, as any producer may.
func (r *rig) say(values ...string) {
	r.t.Helper()
	cl, err := r.kafka.NewClient()
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	for _, v := range values {
		if err := cl.ProduceSync(r.t.Context(), &kgo.Record{Topic: kafka.Names{Bridge: r.cfg.Bridge}.Signals(), Value: []byte(v)}).FirstErr(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// notes are all notifications so far.
func (r *rig) notes() (out []schemas.Notification) {
	r.t.Helper()
	cl, err := r.kafka.NewClient()
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	err = kafka.ReadToStable(r.t.Context(), cl, kafka.Names{Bridge: r.cfg.Bridge}.Notifications(), 0, 0, func(rec *kgo.Record) error {
		var n schemas.Notification
		if err := json.Unmarshal(rec.Value, &n); err != nil {
			return err
		}
		out = append(out, n)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// answers are those to signals, by id.
func (r *rig) answers() map[string][]schemas.Notification {
	out := map[string][]schemas.Notification{}
	for _, n := range r.notes() {
		if n.Kind == schemas.NotifySignalDone || n.Kind == schemas.NotifySignalRefused {
			out[n.ID] = append(out[n.ID], n)
		}
	}
	return out
}

// told counts the notifications of a kind, of one stream or of all.
func (r *rig) told(kind schemas.NotificationKind, stream string) (n int) {
	for _, note := range r.notes() {
		if note.Kind == kind && (stream == "" || note.Stream == stream) {
			n++
		}
	}
	return n
}

// Whatever is on the signals topic is answered once, by whoever has to, holds
// nothing up, and says what there is.
func TestEverySignalIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 31, Companies: 4}, map[string]string{"PLANHAT_OBJECTS": "company,note"})
	_, stop := r.start()
	r.judge()
	ws := stage.Workspace
	long := strings.Repeat("x", 300)
	topic := kafka.Names{Bridge: r.cfg.Bridge}.Signals()
	cases := []struct{ id, value, code, says string }{
		{topic + "/0/0", `not JSON`, "UNDECODABLE", "not a JSON object"},
		{topic + "/0/1", ``, "UNDECODABLE", "not a JSON object"},
		{topic + "/0/2", `{"id":"` + long + `","signal":"pause","workspace":"` + ws + `"}`, "UNDECODABLE", "more than 256"},
		{"a", `{"id":"a","signal":"pause","workspace":"` + ws + `","steam":"x"}`, "UNDECODABLE", "steam"},
		{"b", `{"id":"b","signal":"explode","workspace":"` + ws + `"}`, "UNKNOWN_SIGNAL", "object, record, pause, resume, release"},
		{"c", `{"id":"c","signal":"pause","workspace":"nowhere"}`, "UNKNOWN_WORKSPACE", "there are " + ws},
		{"d", `{"id":"d","signal":"pause"}`, "UNKNOWN_WORKSPACE", "names no workspace"},
		{"e", `{"id":"e","signal":"pause","workspace":"` + ws + `","stream":"tasks"}`, "UNKNOWN_STREAM", "companies (company), conversations (note)"},
		{"f", `{"id":"f","signal":"object","workspace":"` + ws + `","object":"conversation"}`, "UNKNOWN_STREAM", "not captured"},
		{"g", `{"id":"g","signal":"object","workspace":"` + ws + `"}`, "INCOMPLETE", "needs a stream or an object"},
		{"h", `{"id":"h","signal":"record","workspace":"` + ws + `","stream":"companies"}`, "INCOMPLETE", "needs record"},
		{"i", `{"id":"i","signal":"pause","workspace":"` + ws + `","record":"x"}`, "INCOMPLETE", "not for one record"},
		{"j", `{"id":"j","signal":"pause","workspace":"` + ws + `","notAfter":"2020-01-01T00:00:00Z"}`, "EXPIRED", "2020-01-01"},
		{"k", `{"id":"k","signal":"resume","workspace":"` + ws + `"}`, "NOT_NOW", "not paused"},
		{"l", `{"id":"l","signal":"release","workspace":"` + ws + `","stream":"companies"}`, "NOT_NOW", "not held"},
	}
	for _, c := range cases {
		r.say(c.value)
	}
	until(t, "all answers", func() bool { return len(r.answers()) >= len(cases) })
	check := func() {
		t.Helper()
		got := r.answers()
		for _, c := range cases {
			a := got[c.id]
			if len(a) != 1 || a[0].Kind != schemas.NotifySignalRefused || string(a[0].Code) != c.code || !strings.Contains(a[0].Message, c.says) {
				t.Errorf("%s: answered with %+v, want %s once, with %q", c.value, a, c.code, c.says)
			}
		}
	}
	check()
	stop()
	r.start()
	if code, out := r.signal("release", "--stream", "companies"); code != 1 { // behind all others
		t.Fatalf("exit code %d: %s", code, out)
	}
	check()
	r.judge()
}

// A signal waits for somebody who obeys it; one from before the first start was
// for a bridge that is gone.
func TestASignalThatNobodyHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 32, Companies: 3}, map[string]string{"PLANHAT_OBJECTS": "company"})
	_, stop := r.start()
	r.judge()
	stop()
	ws := stage.Workspace
	r.say(`{"id":"waits","signal":"pause","workspace":"`+ws+`","stream":"companies"}`, `{"id":"stray","signal":"pause","workspace":"gone"}`)
	svc, stop := r.start()
	until(t, "both to be answered", func() bool { return len(r.answers()) == 2 })
	until(t, "the stream to be paused", func() bool { return streamState(svc, "companies") == "paused" })
	stop()
	// A workspace that is taken out: what it has answered is not answered again, what it has not is refused.
	r.cfg.Planhat[0].Name = "another"
	r.say(`{"id":"late","signal":"resume","workspace":"` + ws + `","stream":"companies"}`)
	_, stop = r.start()
	until(t, "the late one to be answered", func() bool { return len(r.answers()) == 3 })
	stop()
	r.cfg.Planhat[0].Name = ws
	svc, _ = r.start()
	if code, _ := r.signal("release", "--stream", "companies"); code != 1 {
		t.Fatal("the last one was obeyed")
	}
	got := r.answers()
	for id, kind := range map[string]schemas.NotificationKind{
		"waits": schemas.NotifySignalDone, "stray": schemas.NotifySignalRefused, "late": schemas.NotifySignalRefused,
	} {
		if len(got[id]) != 1 || got[id][0].Kind != kind {
			t.Errorf("%s: answered with %+v", id, got[id])
		}
	}
	if s := streamState(svc, "companies"); s != "paused" {
		t.Errorf("the stream is %s: a signal that was refused was obeyed", s)
	}
}

func TestSignalsFromBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 33, Companies: 3}, map[string]string{"PLANHAT_OBJECTS": "company"})
	r.prepare()
	r.say(`{"id":"old","signal":"pause","workspace":"` + stage.Workspace + `"}`)
	svc, _ := r.start()
	r.judge()
	r.must("pause", "--stream", "companies")
	if got := r.answers(); len(got["old"]) != 0 || len(got) != 1 {
		t.Errorf("answers: %+v", got)
	}
	if s := state(svc); s != "ok" {
		t.Errorf("the workspace is %s", s)
	}
}

// The topic of signals is created anew: its orders are new, too.
func TestASignalsTopicThatWasCreatedAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 34, Companies: 3}, map[string]string{"PLANHAT_OBJECTS": "company"})
	_, stop := r.start()
	r.judge()
	for range 3 {
		r.must("pause", "--stream", "companies")
	}
	stop()
	r.adminOf(kafka.Names{Bridge: r.cfg.Bridge}.Signals(), func(ctx context.Context, adm *kadm.Client, topic string) error {
		_, err := adm.DeleteTopic(ctx, topic)
		return err
	})
	r.prepare() // creates it
	r.say(`{"id":"new","signal":"resume","workspace":"` + stage.Workspace + `","stream":"companies"}`)
	svc, _ := r.start()
	until(t, "the answer", func() bool { return len(r.answers()["new"]) == 1 })
	until(t, "the stream to go on", func() bool { return streamState(svc, "companies") == "ok" })
	r.must("pause", "--stream", "companies")
	if n := len(r.answers()); n != 5 {
		t.Errorf("%d signals were answered, want 5", n)
	}
}

// A paused stream costs no calls, whoever owns it, and goes on without a gap and
// without a repetition.
func TestPauseIsDurable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args   []string
		silent []string // paths
		busy   string   // a path that goes on, if one does
	}{
		"a stream":    {[]string{"--stream", "licenses"}, []string{"/licenses"}, "/companies"},
		"an object":   {[]string{"--object", "license"}, []string{"/licenses"}, "/companies"},
		"a workspace": {nil, []string{"/licenses", "/companies"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 35, Companies: 8}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
			_, stop := r.start()
			r.judge()
			r.must(append([]string{"pause", "--reason", "spring cleaning"}, tc.args...)...)
			stop()
			svc, _ := r.start()
			until(t, "the pause to show", func() bool { return streamState(svc, "licenses") == "paused" })
			if cause := streamOf(svc, "licenses").Cause; !strings.Contains(cause, "spring cleaning") || !strings.Contains(cause, "planhatctl signal resume") {
				t.Errorf("the status says %q", cause)
			}
			if n, want := r.total("planhat_bridge_source_stream_paused"), len(tc.silent); n != float64(want) {
				t.Errorf("the metric shows %v paused streams, want %d", n, want)
			}
			before := r.callsOf(tc.silent...)
			r.editAll()
			if tc.busy != "" {
				was := r.callsOf(tc.busy)
				until(t, "the others to go on", func() bool { return r.callsOf(tc.busy) > was+5 })
			} else {
				r.must("pause") // answered, without a call
			}
			if n := r.callsOf(tc.silent...) - before; n != 0 {
				t.Errorf("%d calls while paused", n)
			}
			r.must(append([]string{"resume"}, tc.args...)...)
			r.judge()
			if r.told(schemas.NotifyStreamPaused, "") != 1 || r.told(schemas.NotifyStreamResumed, "") != 1 {
				t.Errorf("notifications: %+v", r.notes())
			}
			if n := r.total("planhat_bridge_source_stream_paused"); n != 0 {
				t.Errorf("the metric shows %v paused streams", n)
			}
		})
	}
}

// A stream that was paused on its own stays so when its workspace goes on.
func TestAPausedStreamInAPausedWorkspace(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 36, Companies: 3}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, _ := r.start()
	r.judge()
	r.must("pause", "--stream", "licenses")
	r.must("pause")
	if s := state(svc); s != "paused" {
		t.Errorf("the workspace is %s", s)
	}
	if out := r.must("resume"); !strings.Contains(out, "still paused on their own: licenses") {
		t.Error(out)
	}
	until(t, "the companies to go on", func() bool { return streamState(svc, "companies") == "ok" })
	if s := streamState(svc, "licenses"); s != "paused" {
		t.Errorf("licenses are %s", s)
	}
	if code, out := r.signal("object", "--stream", "licenses"); code != 1 || !strings.Contains(out, "resume it first") {
		t.Errorf("exit code %d: %s", code, out)
	}
	r.must("resume", "--stream", "licenses")
	until(t, "the licenses to go on", func() bool { return streamState(svc, "licenses") == "ok" })
}

// callsOf counts the calls of paths so far.
func (r *rig) callsOf(paths ...string) (n int) {
	calls, _ := r.stage.Simulator.Calls()
	for _, c := range calls {
		for _, path := range paths {
			if c.Path == path || strings.HasPrefix(c.Path, path+"/") {
				n++
			}
		}
	}
	return n
}

// editAll edits, creates and deletes licenses and companies.
func (r *rig) editAll() {
	r.t.Helper()
	r.mutate(func(tx *planhatsim.Tx) error {
		licenses, companies := tx.IDs("licenses"), tx.IDs("companies")
		if err := tx.Update("licenses", licenses[0], `{"product":"another"}`); err != nil {
			return err
		}
		if err := tx.Delete("licenses", licenses[1]); err != nil {
			return err
		}
		_, err := tx.Create("companies", `{"name":"new"}`)
		if err != nil {
			return err
		}
		return tx.Update("companies", companies[1], `{"city":"Tromsø"}`)
	})
}

// Where notifications cannot be written, signals wait and the capture goes on.
func TestNotificationsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 37, Companies: 4}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, _ := r.start()
	r.judge()
	r.adminOf(kafka.Names{Bridge: r.cfg.Bridge}.Notifications(), func(ctx context.Context, adm *kadm.Client, topic string) error {
		_, err := adm.DeleteTopic(ctx, topic)
		return err
	})
	r.say(`{"id":"unanswerable","signal":"pause","workspace":"` + stage.Workspace + `","stream":"licenses"}`)
	until(t, "the answer to fail", func() bool { return r.takeovers() > 12 })
	r.editAll()
	r.judge()
	if s := streamState(svc, "licenses"); s != "ok" {
		t.Errorf("the stream is %s by a signal that was not answered", s)
	}
}

// takeovers counts the shards' take-overs by this process.
func (r *rig) takeovers() float64 {
	r.t.Helper()
	return r.total("planhat_bridge_source_shard_takeovers_total")
}
