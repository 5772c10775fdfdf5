package registry

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// Source and sink work with a real registry, and what they write is read by the
// ids on it alone.
func TestBridgeOnRealRegistry(t *testing.T) {
	r := connect(t, realURL(t))
	prefix := fresh()
	run := rig.New(t, rig.Options{Registry: r.url, Bridge: strings.TrimSuffix(prefix, "."), Companies: 20})
	sourceProcess, sinkProcess := run.Start("source", "", 0), run.Start("sink", "", 0)
	run.Send(0, 6)
	run.Stage.Simulator.Live(60)
	report := run.Judge()
	if report.Changes < 60 || report.Results < 6*rig.CommandsEach {
		t.Errorf("%d changes and %d results: the run proves little", report.Changes, report.Results)
	}
	// An Avro command names its schema by an id of the registry.
	command := schemas.Command{
		ID: "avro-1", Op: schemas.OpUpsert, Object: "company", Target: schemas.Target{ExternalID: "avro-1"}, Fields: []byte(`{"name":"Avro"}`),
	}
	topic := run.Names.Commands("planhat", stage.Workspace)
	value, err := schemas.EncodeCommandAvro(nil, r.registered(t, topic+"-value", schemas.CommandSchema()), &command)
	if err != nil {
		t.Fatal(err)
	}
	produce(t, run.Kafka, &kgo.Record{Topic: topic, Key: []byte("company/avro-1"), Value: value})
	awaitResult(t, run, "avro-1")
	sinkProcess.Stop(t)
	sourceProcess.Stop(t)
	r.readByID(t, run)
}

// readByID decodes every change by the registry's schema, and wants each id to be
// one of the subject of its topic.
func (r registry) readByID(t *testing.T, run *rig.Rig) {
	t.Helper()
	resolver := schemas.NewResolver(r.client)
	for _, object := range service.Objects() {
		topic := run.Names.Changes("planhat", stage.Workspace, object)
		id, err := r.ensure(t, false, run.Names.Subject(topic), codec(t, object).EnvelopeSchema())
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for _, rec := range all(t, run.Kafka, topic) {
			if rec.Value == nil {
				continue // a tombstone
			}
			read++
			if got, ok := schemas.WireID(rec.Value); !ok || got != id {
				t.Fatalf("%s: schema id %d on the wire, %d in the registry", topic, got, id)
			}
			change, err := schemas.DecodeAnyEnvelope(t.Context(), rec.Value, resolver)
			if err != nil || change.Source.Table != object {
				t.Fatalf("%s: %+v, %v", topic, change.Source, err)
			}
		}
		if read == 0 {
			t.Errorf("%s: no change was read", topic)
		}
	}
}

func produce(t *testing.T, o kafka.Options, rec *kgo.Record) {
	t.Helper()
	cl, err := o.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// awaitResult waits for the result of a command, which must be OK.
func awaitResult(t *testing.T, run *rig.Rig, id string) {
	t.Helper()
	cl, err := run.Kafka.NewClient(kgo.ConsumeTopics(run.Names.Results("planhat", stage.Workspace)), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("no result of %s within a minute", id)
		}
		for _, rec := range fetches.Records() {
			if string(rec.Key) != id {
				continue
			}
			result, err := schemas.DecodeResult(rec.Value)
			if err != nil || result.Status != schemas.StatusOK {
				t.Fatalf("%+v, %v", result, err)
			}
			return
		}
	}
}

// all is what was committed to a topic.
func all(t *testing.T, o kafka.Options, topic string) (out []*kgo.Record) {
	t.Helper()
	cl, err := o.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topics, err := kadm.NewClient(cl).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for partition := range topics[topic].Partitions {
		err := kafka.ReadToStable(t.Context(), cl, topic, partition, 0, func(rec *kgo.Record) error {
			out = append(out, rec)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
