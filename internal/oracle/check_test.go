package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// stage is a broker and a vendor that hold the evidence of a story.
type stage struct {
	t       *testing.T
	options Options
	cl      *kgo.Client
	asked   atomic.Int64 // times that the vendor was asked
}

func newStage(t *testing.T, s *story) *stage {
	t.Helper()
	topics, vendor := []string{changesTopic, commandsTopic, resultsTopic}, ""
	if s.Intake != "" {
		topics, vendor = []string{s.Objects[0].Topic, s.Intake}, Pipedrive
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	g := &stage{t: t}
	server := httptest.NewServer(g.vendor(s))
	t.Cleanup(server.Close)
	g.options = Options{
		Kafka: kafka.Options{Brokers: cluster.ListenAddrs(), Extra: []kgo.Opt{kgo.MetadataMinAge(10 * time.Millisecond)}}, Names: kafka.Names{Bridge: "b"}, Vendor: vendor, Workspace: "acme",
		SimulatorURL: server.URL, Objects: []string{s.Objects[0].Object}, Settle: 200 * time.Millisecond,
	}
	g.cl, err = g.options.Kafka.NewClient(kgo.TransactionalID("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.cl.Close)
	return g
}

func (g *stage) vendor(s *story) http.Handler {
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux.HandleFunc("POST /_sim/settle", func(http.ResponseWriter, *http.Request) { g.asked.Add(1) })
	mux.HandleFunc("GET /_sim/state/companies", func(w http.ResponseWriter, _ *http.Request) {
		rows := []Row{}
		for _, row := range s.State() {
			rows = append(rows, row)
		}
		say(w, rows)
	})
	mux.HandleFunc("GET /_sim/state/deal", func(w http.ResponseWriter, _ *http.Request) {
		rows := []Row{}
		for _, row := range s.State() {
			rows = append(rows, row)
		}
		say(w, map[string]any{"records": append(rows, row(g.t, `{"id":3,"title":"C","is_deleted":true}`))})
	})
	mux.HandleFunc("GET /_sim/deliveries", func(w http.ResponseWriter, r *http.Request) {
		var after int
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
		say(w, map[string]any{"deliveries": s.Deliveries[after:min(after+2, len(s.Deliveries))]})
	})
	mux.HandleFunc("GET /_sim/journal", func(w http.ResponseWriter, r *http.Request) {
		var after int
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
		say(w, map[string]any{"entries": s.Journal[after:min(after+2, len(s.Journal))], "last": len(s.Journal)})
	})
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		say(w, map[string]any{"injected": map[string]int{"429": 3}, "active": []string{}})
	})
	return mux
}

// write puts records into the broker in one transaction.
func (g *stage) write(commit kgo.TransactionEndTry, records ...*kgo.Record) {
	g.t.Helper()
	ctx := g.t.Context()
	if err := g.cl.BeginTransaction(); err != nil {
		g.t.Fatal(err)
	}
	if err := g.cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		g.t.Fatal(err)
	}
	if err := g.cl.EndTransaction(ctx, commit); err != nil {
		g.t.Fatal(err)
	}
}

func encodeChange(t *testing.T, f Form, c Change) *kgo.Record {
	t.Helper()
	r := &kgo.Record{Topic: c.Topic, Partition: c.Partition, Key: []byte(c.Key)}
	if c.Tombstone {
		return r
	}
	vendor := Planhat
	if f.OwnIDs {
		vendor = Pipedrive
	}
	codec, err := schemas.NewCodec(vendor, f.Object)
	if err != nil {
		t.Fatal(err)
	}
	e := schemas.Envelope{Op: c.Op, Source: schemas.Source{Connector: vendor, Sequence: c.Sequence, Stream: c.Stream}}
	for image, to := range map[*Row]*json.RawMessage{&c.Before: &e.Before, &c.After: &e.After} {
		if *image != nil {
			*to, _ = json.Marshal(*image)
		}
	}
	if r.Value, err = codec.AppendEnvelope(nil, 7, &e); err != nil {
		t.Fatal(err)
	}
	return r
}

// evidence writes a story's topics, with an aborted transaction among them.
// Positions in results are moved to where the commands are in the log.
func (g *stage) evidence(s *story) {
	g.t.Helper()
	for i, c := range s.Objects[0].Changes {
		if i == 3 {
			g.write(kgo.TryAbort, encodeChange(g.t, s.Objects[0].Form, c))
		}
		g.write(kgo.TryCommit, encodeChange(g.t, s.Objects[0].Form, c))
	}
	for i, w := range s.Webhooks {
		g.write(kgo.TryCommit, &kgo.Record{Topic: s.Intake, Key: []byte(w.Key), Value: []byte(s.bodies[i])})
	}
	for i := range s.Commands {
		value, err := schemas.CommandJSON(s.Commands[i].Command)
		if err != nil {
			g.t.Fatal(err)
		}
		cmd := &kgo.Record{Topic: commandsTopic, Key: []byte(s.Commands[i].Key), Value: value}
		g.write(kgo.TryCommit, cmd)
		r := s.Results[i].Result
		r.Offset = cmd.Offset
		if value, err = schemas.AppendResult(nil, 8, &r); err != nil {
			g.t.Fatal(err)
		}
		g.write(kgo.TryCommit, &kgo.Record{Topic: resultsTopic, Key: []byte(r.CommandID), Value: value})
	}
}

func TestCheckAcceptsAGoodRun(t *testing.T) {
	s := goodRun(t)
	g := newStage(t, s)
	g.evidence(s)
	r, err := Check(t.Context(), g.options)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() || r.Changes != 9 || r.Commands != 7 || r.Results != 7 {
		t.Errorf("%s\n%v", r.Line(), r.Mismatches)
	}
	if got, want := r.CoverageLine(), "coverage: objects=1/1 ops=5/5 faults=429:3,5xx:0,timeout-after-effect:0,reset:0,truncated:0"; got != want {
		t.Errorf("coverage = %q, want %q", got, want)
	}
}

func TestCheckWaitsForTheBridge(t *testing.T) {
	s := goodRun(t)
	changes := s.Objects[0].Changes
	late := changes[10]
	s.Objects[0].Changes = changes[:10]
	g := newStage(t, s)
	g.evidence(s)
	g.options.Settle = time.Minute
	type answer struct {
		r   Report
		err error
	}
	done := make(chan answer, 1)
	go func() {
		r, err := Check(context.WithoutCancel(t.Context()), g.options)
		done <- answer{r, err}
	}()
	for g.asked.Load() < 2 {
		select {
		case a := <-done:
			t.Fatalf("judged without waiting: %s %v", a.r.Line(), a.err)
		case <-time.After(time.Millisecond):
		}
	}
	g.write(kgo.TryCommit, encodeChange(t, s.Objects[0].Form, late))
	if a := <-done; a.err != nil || !a.r.OK() {
		t.Errorf("%s %v %v", a.r.Line(), a.r.Mismatches, a.err)
	}
}

func TestSabotageIsFound(t *testing.T) {
	tests := []struct {
		kind, topic, id, what string
		offset                func(offset int64) bool
	}{
		{"drop", changesTopic, idA, "an event before it is missing", func(o int64) bool { return o == 1 }},
		{"swap", changesTopic, idA, "op r of a record that is live", func(o int64) bool { return o > 0 }},
		{"invent", changesTopic, inventedID, "invented", func(o int64) bool { return o > 10 }},
		{"double-result", resultsTopic, "c-3", "another result", func(o int64) bool { return o > 6 }},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			s := goodRun(t)
			g := newStage(t, s)
			g.evidence(s)
			if err := Sabotage(t.Context(), g.options, tt.kind); err != nil {
				t.Fatal(err)
			}
			r, err := Check(t.Context(), g.options)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(r.Line(), "oracle: FAILED ") {
				t.Fatalf("line = %q", r.Line())
			}
			for _, m := range r.Mismatches {
				if m.Topic == tt.topic && m.ID == tt.id && strings.Contains(m.What, tt.what) && tt.offset(m.Offset) {
					return
				}
			}
			t.Errorf("not named: %v", r.Mismatches)
		})
	}
}

func TestSabotageNeedsSomething(t *testing.T) {
	s := goodRun(t)
	g := newStage(t, s)
	for _, kind := range append(Sabotages(), "shred") {
		if err := Sabotage(t.Context(), g.options, kind); err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("sabotage %s of nothing: %v", kind, err)
		}
	}
}

func TestRewriteKeepsTheTopicsSettings(t *testing.T) {
	s := goodRun(t)
	g := newStage(t, s)
	adm := kadm.NewClient(g.cl)
	policy := "compact"
	if _, err := adm.CreateTopic(t.Context(), 4, 1, map[string]*string{"cleanup.policy": &policy}, "settings"); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(t.Context(), g.options, "settings", []*kgo.Record{{Partition: 3, Key: []byte("k")}}); err != nil {
		t.Fatal(err)
	}
	settings, err := settingsOf(t.Context(), adm, "settings")
	if err != nil || settings["cleanup.policy"] == nil || *settings["cleanup.policy"] != policy {
		t.Errorf("settings = %v, %v", settings, err)
	}
	if records, err := readAll(t.Context(), g.options, "settings"); err != nil || len(records) != 1 || records[0].Partition != 3 {
		t.Errorf("records = %v, %v", records, err)
	}
}

func TestCheckNamesAMissingTopic(t *testing.T) {
	s := goodRun(t)
	g := newStage(t, s)
	g.options.Workspace, g.options.Settle = "other", 0
	if _, err := Check(t.Context(), g.options); err == nil || !strings.Contains(err.Error(), "planhat.changes.other.company does not exist") {
		t.Errorf("error = %v", err)
	}
}
