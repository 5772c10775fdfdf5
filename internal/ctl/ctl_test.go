package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	recordID = "66f0a1b2c3d4e5f600000001"
	commands = "planhat.commands.acme"
	results  = "planhat.results.acme"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 123e6, time.UTC)

// bridge is a broker and a registry as a bridge leaves them.
type bridge struct {
	t                  *testing.T
	options            kafka.Options
	registry           *srfake.Registry
	cluster            *kfake.Cluster
	cl                 *kgo.Client
	changeID, resultID int
	environ            []string
	ids                int
	terminal           bool
	now                func() time.Time
}

func newBridge(t *testing.T) *bridge {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.SeedTopics(1, "planhat.changes.acme.company", results, "planhat.deadletters.acme", "planhat-bridge.signals"), kfake.SeedTopics(2, commands))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &bridge{t: t, cluster: cluster, registry: srfake.New(), options: kafka.Options{Brokers: cluster.ListenAddrs(), Extra: []kgo.Opt{kgo.MetadataMinAge(10 * time.Millisecond)}}}
	t.Cleanup(b.registry.Close)
	b.environ = []string{
		"KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(cluster.ListenAddrs(), ","), "SCHEMA_REGISTRY_URL=" + b.registry.URL(),
		"PLANHAT_WORKSPACES=acme", "PLANHAT_ACME_OBJECTS=company", "HOME=/nowhere",
	}
	codec, err := schemas.NewCodec(vendor, "company")
	if err != nil {
		t.Fatal(err)
	}
	b.changeID, b.resultID = b.register("planhat.changes.acme.company", codec.EnvelopeSchema()), b.register(results, schemas.ResultSchema())
	if b.cl, err = b.options.NewClient(kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.cl.Close)
	return b
}

func (b *bridge) register(topic, schema string) int {
	b.t.Helper()
	client, err := sr.NewClient(sr.URLs(b.registry.URL()))
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := client.CreateSchema(b.t.Context(), topic+"-value", sr.Schema{Schema: schema})
	if err != nil {
		b.t.Fatal(err)
	}
	return s.ID
}

func (b *bridge) write(records ...*kgo.Record) {
	b.t.Helper()
	for i, r := range records {
		if r.Timestamp.IsZero() {
			r.Timestamp = noon.Add(time.Duration(i) * time.Second)
		}
		if err := b.cl.ProduceSync(b.t.Context(), r).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// run carries out one command line and gives what it printed and its code in
// one text. Command ids are id-1, id-2, ...
func (b *bridge) run(stdin string, args ...string) string {
	b.t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	code := Run(ctx, args, Surroundings{
		Environ: b.environ, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Terminal: b.terminal, Now: b.now,
		NewID: func() string { b.ids++; return "id-" + strconv.Itoa(b.ids) },
	})
	text := "$ planhatctl " + strings.Join(args, " ") + "\n" + out.String()
	if errs.Len() > 0 {
		text += "--- stderr\n" + errs.String()
	}
	text += fmt.Sprintf("--- exit %d\n", code)
	for _, addr := range b.options.Brokers {
		text = strings.ReplaceAll(text, addr, "BROKER")
	}
	return strings.ReplaceAll(text, b.registry.URL(), "REGISTRY")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got), go test -update writes it anew:\n%s", path, diff)
	}
}

// sink answers commands as the bridge's sink would, without a vendor.
func (b *bridge) sink() {
	b.t.Helper()
	cl, err := b.options.NewClient(kgo.ConsumeTopics(commands), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	b.t.Cleanup(func() { cancel(); <-done; cl.Close() })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
				r := answer(rec)
				if r == nil {
					return
				}
				value, err := schemas.AppendResult(nil, b.resultID, r)
				if err != nil {
					b.t.Error(err)
				}
				cl.Produce(ctx, &kgo.Record{Topic: results, Key: []byte(r.CommandID), Value: value, Timestamp: noon}, nil)
			})
		}
	}()
}

func answer(rec *kgo.Record) *schemas.Result {
	c, problem := schemas.DecodeCommand(context.Background(), rec.Value, nil)
	r := &schemas.Result{CommandID: c.ID, Op: c.Op, Object: c.Object, Status: schemas.StatusOK, Effect: schemas.EffectNone, Attempts: 1, Calls: 1,
		ReceivedAt: noon, FinishedAt: noon.Add(time.Second), Topic: rec.Topic}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(c.Fields, &fields)
	switch {
	case problem != nil:
		r.Status, r.Error = schemas.StatusRejected, &schemas.ResultError{Code: problem.Code, Message: problem.Message, Remedy: problem.Remedy}
		return r
	case c.Target.ExternalID == "silent":
		return nil
	case fields["nme"] != nil:
		r.Status = schemas.StatusRejected
		r.Error = &schemas.ResultError{Code: schemas.CodeUnknownField, Message: `company has no field "nme"`, Remedy: `did you mean "name"?`}
		return r
	}
	r.RecordID = recordID
	switch c.Op {
	case schemas.OpCreate, schemas.OpUpsert:
		r.Effect = schemas.EffectCreated
	case schemas.OpUpdate:
		r.Effect = schemas.EffectUnchanged
	case schemas.OpDelete:
		r.Effect = schemas.EffectDeleted
	case schemas.OpGet:
		r.Effect, r.Record = schemas.EffectRead, json.RawMessage(`{"_id":"`+recordID+`","name":"A & B"}`)
	}
	return r
}

// sent reads the commands topic back.
func (b *bridge) sent() string {
	b.t.Helper()
	var out strings.Builder
	for partition := range int32(2) {
		err := kafka.ReadToStable(b.t.Context(), b.cl, commands, partition, 0, func(rec *kgo.Record) error {
			fmt.Fprintf(&out, "%s %s\n", rec.Key, rec.Value)
			return nil
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return out.String()
}

func TestUsage(t *testing.T) {
	b := newBridge(t)
	var got string
	for _, args := range [][]string{
		{"sned"},
		{"send"},
		{"send", "--op", "upsrt", "--object", "company"},
		{"send", "--op", "update", "--object", "company", "--set", "name"},
		{"send", "--op", "update", "--object", "company", "--id", "x", "--external-id", "y"},
		{"send", "--op", "create", "--object", "company", "--id", "x"},
		{"send", "--op", "create", "--object", "company", "--not-after", "tomorrow"},
		{"send", "--op", "create", "--object", "company", "--colour", "red"},
		{"send", "-f", "no-such-file.jsonl"},
		{"send", "-f", "-", "--format", "xml"},
		{"send", "--op", "get", "--object", "company", "--id", "x", "--workspace", "other"},
		{"tail", "compny"},
		{"tail", "enduser"},
		{"tail", "company", "--from", "end"},
		{"topics", "--workspace", "no good"},
		{"topics", "--output", "yaml"},
	} {
		got += b.run("", args...)
	}
	golden(t, "usage", got)
}

func TestUnreachable(t *testing.T) {
	b := newBridge(t)
	got := b.run("", "topics", "--bootstrap", "127.0.0.1:1")
	if !strings.Contains(got, "--- exit 3") || !strings.Contains(got, "check KAFKA_BOOTSTRAP_SERVERS or --bootstrap") {
		t.Error(got)
	}
}

func TestSeveralWorkspaces(t *testing.T) {
	b := newBridge(t)
	b.environ = append(b.environ, "PLANHAT_WORKSPACES=acme, umbrella-2")
	if got := b.run("", "tail", "company"); !strings.Contains(got, "acme, umbrella-2") || !strings.Contains(got, "--- exit 2") {
		t.Error(got)
	}
	if got := b.run("", "tail", "company", "-w", "acme"); !strings.Contains(got, "--- exit 0") {
		t.Error(got)
	}
}

func TestVersionAndCompletion(t *testing.T) {
	b := newBridge(t)
	if got := b.run("", "--version"); !strings.Contains(got, "\nplanhatctl ") || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
	for want, args := range map[string][]string{
		"\ndeadletters\n": {"__complete", "tail", ""},
		"\nupsert\n":      {"__complete", "send", "--op", ""},
		"\nlicense\n":     {"__complete", "send", "--object", ""},
	} {
		if got := b.run("", args...); !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}
