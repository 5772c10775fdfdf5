package crash

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// sinkPoints are the points of the sink's batch, and how often each is passed
// before the process dies there: the generations of the twelve shards come
// before a shard's first batch.
var sinkPoints = map[string]int{
	sink.PointIntentWritten: 0, sink.PointBeforeCall: 25, sink.PointAfterCall: 25, sink.PointBeforeCommit: 0, sink.PointInDoubt: 0,
	sink.PointDeadLettered: 0, shard.PointProduced: 14, shard.PointCommitted: 14, sink.PointAfterCommit: 0,
}

// poison are commands that become dead letters.
var poison = []string{`{"id":"poison-1","op":"merge","object":"company"}`, `{"op":`, `{"id":"poison-2","op":"get","object":"compny"}`}

// poisonAnswered holds that each poison has one dead letter, and nobody else any.
func poisonAnswered(t *testing.T, r *rig.Rig) {
	t.Helper()
	var letters []string
	committed(t, r, r.Names.DeadLetters("planhat", stage.Workspace), func(rec *kgo.Record) { letters = append(letters, string(rec.Value)) })
	want := slices.Sorted(slices.Values(poison))
	if slices.Sort(letters); !slices.Equal(letters, want) {
		t.Errorf("the dead letters are %q, want %q", letters, want)
	}
}

func TestSinkKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	const companies = 40
	for _, point := range sink.Points() {
		if _, ok := sinkPoints[point]; !ok {
			t.Errorf("nobody dies at %s", point)
		}
	}
	for n, point := range slices.Sorted(maps.Keys(sinkPoints)) {
		if !share.Has(n, 2) {
			continue
		}
		after := sinkPoints[point]
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := rig.New(t, rig.Options{Companies: 3, WithoutSource: true})
			if point == sink.PointInDoubt { // the next one dies over what this one has left
				first := r.Start("sink", sink.PointAfterCall, 3)
				r.Send(1000, 1010)
				first.Killed(t)
			}
			next := r.Start("sink", point, after)
			r.Send(0, companies)
			r.SendRaw(poison...)
			next.Killed(t)
			last := r.Start("sink", "", 0)
			report := r.Judge()
			last.Stop(t)
			poisonAnswered(t, r)
			if want := companies * rig.CommandsEach; report.Results < want {
				t.Errorf("%d results for %d commands", report.Results, want)
			}
		})
	}
}

// The sink dies when the vendor has done what it was told and half of the answer is
// there: of a bulk call, of an update, a create and a delete.
func TestSinkKilledInAnAnswer(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]planhatsim.Fault{
		"bulk": {Method: http.MethodPut}, "create": {Method: http.MethodPost}, "delete": {Method: http.MethodDelete},
		"update": {Method: http.MethodPut, Path: "/companies/"}, "look-up": {Method: http.MethodGet, Path: "/companies/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rig.New(t, rig.Options{Companies: 3, WithoutSource: true, Env: map[string]string{"CALL_DEADLINE": "4s"}})
			first := r.Start("sink", "", 0)
			r.Send(0, 5)
			r.Judge()
			f.Kind, f.Count = "stall", 1
			if err := r.Stage.Simulator.AddFault(f); err != nil {
				t.Fatal(err)
			}
			if name == "bulk" {
				var upserts []string
				for n := range 50 {
					upserts = append(upserts, fmt.Sprintf(`{"id":"bulk-%d","op":"upsert","object":"company","target":{"externalId":"bulk-%d"},"fields":{"name":"B"}}`, n, n))
				}
				r.SendRaw(upserts...)
			} else {
				r.Send(5, 25)
			}
			wait.Until(t, "half an answer", time.Minute, func() bool { return r.Stage.Simulator.Injected()["stall"] > 0 })
			first.Kill()
			last := r.Start("sink", "", 0)
			r.Judge()
			last.Stop(t)
		})
	}
}

// The sink dies half way through single calls: no more of them are made again than had
// been made and were not answered on the topic. CRASH_SINGLES is how many there are.
func TestSinkKilledHalfWay(t *testing.T) {
	t.Parallel()
	n := 600
	if text := os.Getenv("CRASH_SINGLES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("CRASH_SINGLES: %v", err)
		}
	}
	r := rig.New(t, rig.Options{Companies: 3, WithoutSource: true, Unlimited: true, Env: map[string]string{"PLANHAT_CALLS_PER_MINUTE": "1000000", "SINK_IN_FLIGHT": "16"}})
	updates := make([]string, n)
	r.Stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		for i := range updates {
			if _, err := tx.Create("companies", fmt.Sprintf(`{"name":"S %d","externalId":"s-%d"}`, i, i)); err != nil {
				t.Error(err)
			}
			updates[i] = fmt.Sprintf(`{"id":"s-%d","op":"update","object":"company","target":{"externalId":"s-%d"},"fields":{"phase":"Live"}}`, i, i)
		}
	})
	if err := r.Stage.Simulator.AddFault(planhatsim.Fault{Kind: "latency", Ms: 5}); err != nil {
		t.Fatal(err)
	}
	writes := r.WatchWrites()
	first := r.Start("sink", "", 0)
	began := time.Now()
	r.SendRaw(updates...)
	wait.Until(t, "half of the calls", time.Minute, func() bool { return writes.Count() >= n/2+n/10 })
	first.Kill()
	took := time.Since(began)
	wait.Until(t, "the last of its requests to be seen", time.Minute, func() bool { return r.Stage.Connections() == 0 })
	r.Stage.Simulator.Settle()
	made, answered := r.Writes(), answers(t, r)
	last := r.Start("sink", "", 0)
	report := r.Judge()
	last.Stop(t)
	repeated := r.Writes() - n
	t.Logf("killed after %d of %d calls (%s), %d of them answered on the topic: %d in flight, %d repeated",
		made, n, took.Round(time.Millisecond), answered, made-answered, repeated)
	if repeated > made-answered {
		t.Errorf("%d calls were made again, and only %d were in flight", repeated, made-answered)
	}
	if made <= n/4 || made >= n {
		t.Errorf("%d of %d calls were made before the end: it was not half way", made, n)
	}
	if report.Results != n {
		t.Errorf("%d results for %d commands", report.Results, n)
	}
}

// answers counts the committed results.
func answers(t *testing.T, r *rig.Rig) (n int) {
	t.Helper()
	committed(t, r, r.Names.Results("planhat", stage.Workspace), func(*kgo.Record) { n++ })
	return n
}

// committed reads what is committed of a topic.
func committed(t *testing.T, r *rig.Rig, topic string, take func(*kgo.Record)) {
	t.Helper()
	cl, err := r.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	infos, err := kafka.DescribeTopics(t.Context(), cl, topic)
	if err != nil {
		t.Fatal(err)
	}
	for partition := range infos[topic].Partitions {
		if err := kafka.ReadToStable(t.Context(), cl, topic, partition, 0, func(rec *kgo.Record) error { take(rec); return nil }); err != nil {
			t.Fatal(err)
		}
	}
}
