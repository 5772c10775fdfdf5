package brokerfaults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

var produce = []kmsg.Key{kmsg.Produce}

// Writes of which the answer is wrong or lost: written once all the same.
func TestUnknownWrites(t *testing.T) {
	t.Parallel()
	changes, state := changesOf("company"), names.State("source")
	inWorlds(t, setting{}, []story{
		{name: "REQUEST_TIMED_OUT though it is written", begin: faulty(3, kfake.Fault{Keys: produce, Topic: changes, Err: kerr.RequestTimedOut})},
		{name: "REQUEST_TIMED_OUT of the state", begin: faulty(3, kfake.Fault{Keys: produce, Topic: state, Partitions: []int32{ours}, Err: kerr.RequestTimedOut})},
		{name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", begin: faulty(3, kfake.Fault{Keys: produce, Topic: changes, Err: kerr.NotEnoughReplicasAfterAppend})},
		{name: "answer cut after the write", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 3, Cut: true})},
		{name: "cut before the write", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 3, Drop: true})},
		{name: "DUPLICATE_SEQUENCE_NUMBER", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 3, Answer: refuses(kerr.DuplicateSequenceNumber)})},
		{name: "OUT_OF_ORDER_SEQUENCE_NUMBER", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 1, Answer: refuses(kerr.OutOfOrderSequenceNumber)})},
		{name: "UNKNOWN_PRODUCER_ID", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 1, Answer: refuses(kerr.UnknownProducerID)})},
		{name: "UNKNOWN_SERVER_ERROR though it is written", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 1, Answer: refuses(kerr.UnknownServerError)})},
		{name: "KAFKA_STORAGE_ERROR", begin: faulty(3, kfake.Fault{Keys: produce, Topic: changes, Err: kerr.KafkaStorageError})},
	})
}

// A cluster that cannot take what is written: it is waited for.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	inWorlds(t, setting{}, []story{
		{name: "NOT_ENOUGH_REPLICAS for some seconds", begin: func(w *world) trouble {
			h := w.cluster.Fault(kfake.Fault{Keys: produce, Err: kerr.NotEnoughReplicas, Count: -1})
			over := time.After(4 * time.Second)
			return trouble{met: func() bool {
				select {
				case <-over:
					return h.Hits() > 2
				default:
					return false
				}
			}, end: h.Remove}
		}},
		{name: "throttled by a quota", begin: wired(&wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 4, Answer: func(resp kmsg.Response) {
			resp.(*kmsg.ProduceResponse).ThrottleMillis = 700
		}}), after: func(w *world) {
			if n := w.source.Metric("planhat_bridge_kafka_request_throttled_seconds_count"); n < 4 {
				w.t.Errorf("the metrics show %v throttled requests", n)
			}
		}},
	})
}

// A topic that takes less than others: what fits is written, in batches that
// fit; what does not is skipped and counted, and written once there is room.
func TestTopicWithALowLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{companies: 40})
	w.start()
	large := w.company(fmt.Sprintf(`{"name":"large","description":%q}`, rig.Noise(0, 150_000)))
	w.seen(large, prompt)
	w.limit(changesOf("company"), 60_000)
	w.edit("companies", large, `{"phase":"does not fit"}`)
	w.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		for n, id := range tx.IDs("companies") {
			if id != large {
				if err := tx.Update("companies", id, `{"description":"`+rig.Noise(1+n, 9000)+`"}`); err != nil {
					t.Error(err)
				}
			}
		}
	})
	wait.Until(t, "the large one is skipped and counted", metWithin, func() bool {
		return w.source.Metric("planhat_bridge_source_records_skipped_total", `object="company"`) > 0
	})
	w.fresh()
	w.live(10)
	w.fresh()
	if n := w.source.Metric("planhat_bridge_source_shard_takeovers_total"); n > shard.DefaultShards+2 {
		t.Errorf("%v take-overs: the limit was to be learned once", n)
	}
	if text := w.source.Log.String(); !strings.Contains(text, "raise its max.message.bytes") {
		t.Error("the log does not say what to do")
	}
	w.limit(changesOf("company"), 1_000_000)
	w.judge()
	w.source.Stop()
}

// limit sets what a topic takes.
func (w *world) limit(topic string, bytes int) {
	w.t.Helper()
	cl := w.client()
	defer cl.Close()
	rig.LimitTopic(w.t, cl, topic, bytes)
}
