package brokerfaults

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var produce = []kmsg.Key{kmsg.Produce}

// Writes of which the answer is wrong or lost: written once all the same.
func TestUnknownWrites(t *testing.T) {
	t.Parallel()
	changes, state := changesOf("company"), names.State("source")
	tellAll(t, newWorld(t, setting{}), []story{
		{name: "REQUEST_TIMED_OUT though it is written", begin: faulty(3, kfake.Fault{Keys: produce, Topic: changes, Err: kerr.RequestTimedOut})},
		{name: "REQUEST_TIMED_OUT of the state", begin: faulty(3, kfake.Fault{Keys: produce, Topic: state, Partitions: []int32{ours}, Err: kerr.RequestTimedOut})},
		{name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND", begin: faulty(3, kfake.Fault{Keys: produce, Topic: changes, Err: kerr.NotEnoughReplicasAfterAppend})},
		{name: "answer cut after the write", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 3, cut: true})},
		{name: "cut before the write", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 3, drop: true})},
		{name: "DUPLICATE_SEQUENCE_NUMBER", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 3, answer: refuses(kerr.DuplicateSequenceNumber)})},
		{name: "OUT_OF_ORDER_SEQUENCE_NUMBER", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 1, answer: refuses(kerr.OutOfOrderSequenceNumber)})},
		{name: "UNKNOWN_PRODUCER_ID", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 1, answer: refuses(kerr.UnknownProducerID)})},
		{name: "UNKNOWN_SERVER_ERROR though it is written", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 1, answer: refuses(kerr.UnknownServerError)})},
		{name: "KAFKA_STORAGE_ERROR", begin: faulty(3, kfake.Fault{Keys: produce, Topic: changes, Err: kerr.KafkaStorageError})},
	})
}

// A cluster that cannot take what is written: it is waited for.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	tellAll(t, newWorld(t, setting{}), []story{
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
		{name: "throttled by a quota", begin: wired(&rule{key: kmsg.Produce, when: ofUs, most: 4, answer: func(resp kmsg.Response) {
			resp.(*kmsg.ProduceResponse).ThrottleMillis = 700
		}}), after: func(t *testing.T, w *world) {
			if n := w.source.metric("planhat_bridge_kafka_request_throttled_seconds_count"); n < 4 {
				t.Errorf("the metrics show %v throttled requests", n)
			}
		}},
	})
}
