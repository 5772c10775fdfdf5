package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const topic = "t"

func mkTopic(t testing.TB, cl *kgo.Client, partitions int32, config map[string]string) {
	t.Helper()
	makeAs(t, cl, TopicSpec{Name: topic, Partitions: partitions, Config: config}, 0, nil)
}

func rec(partition int32, key, value string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	return r
}

// read gives "offset key=value" of what ReadToStable gives.
func read(t *testing.T, cl *kgo.Client, partition int32, from int64) []string {
	t.Helper()
	var out []string
	err := ReadToStable(t.Context(), cl, topic, partition, from, func(r *kgo.Record) error {
		out = append(out, fmt.Sprintf("%d %s=%s", r.Offset, r.Key, r.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// found gives "partition/offset key=value" of what ReadAt gives, sorted.
func found(t *testing.T, cl *kgo.Client, places ...Place) []string {
	t.Helper()
	got, err := ReadAt(t.Context(), cl, topic, places)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for p, r := range got {
		if r.Partition != p.Partition || r.Offset != p.Offset || r.Topic != topic {
			t.Errorf("at %v stands a record of %s %d/%d", p, r.Topic, r.Partition, r.Offset)
		}
		out = append(out, fmt.Sprintf("%d/%d %s=%s", p.Partition, p.Offset, r.Key, r.Value))
	}
	slices.Sort(out)
	return out
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestReadAtFindsRecordsInEveryCompression(t *testing.T) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			_, o := cluster(t)
			cl := client(t, o, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond))
			mkTopic(t, cl, 2, nil)
			var recs []*kgo.Record
			for i := range 100 {
				r := rec(int32(i%2), fmt.Sprint("k", i), strings.Repeat("v", i))
				r.Headers = []kgo.RecordHeader{{Key: "h", Value: []byte{byte(i)}}}
				recs = append(recs, r)
			}
			produce(t, cl, recs...)
			var places []Place
			for _, r := range recs {
				places = append(places, Place{r.Partition, r.Offset})
			}
			got, err := ReadAt(t.Context(), cl, topic, append(places, places...))
			if err != nil || len(got) != len(recs) {
				t.Fatalf("%d records, error %v; want %d", len(got), err, len(recs))
			}
			for _, want := range recs {
				r := got[Place{want.Partition, want.Offset}]
				if string(r.Key) != string(want.Key) || string(r.Value) != string(want.Value) || !cmp.Equal(r.Headers, want.Headers) {
					t.Errorf("at %d/%d: got %s, want %s", want.Partition, want.Offset, r.Key, want.Key)
				}
			}
		})
	}
}

func TestReadAtLeavesOutPlacesWithoutARecord(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 2, nil)
	for i := range 6 {
		produce(t, cl, rec(0, fmt.Sprint("k", i), "v"))
	}
	del := kadm.Offsets{}
	del.Add(kadm.Offset{Topic: topic, Partition: 0, At: 2})
	if _, err := kadm.NewClient(cl).DeleteRecords(t.Context(), del); err != nil {
		t.Fatal(err)
	}
	expect(t, "read around both ends", found(t, cl, Place{0, 0}, Place{0, 1}, Place{0, 2}, Place{0, 5}, Place{0, 6}, Place{0, 900}, Place{1, 0}),
		"0/2 k2=v", "0/5 k5=v")
	expect(t, "read nothing", found(t, cl))
	expect(t, "read before the start only", found(t, cl, Place{0, 0}))
}

func TestReadAtOfAMissingTopicIsAnError(t *testing.T) {
	_, o := cluster(t)
	_, err := ReadAt(t.Context(), client(t, o), "nowhere", []Place{{0, 1}})
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("got %v", err)
	}
}

func TestReadAtAndReadToStableUnderTransactions(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 1, nil)
	tx := client(t, o, kgo.TransactionalID("x"))
	inTx(t, tx, kgo.TryCommit, rec(0, "a", "1"))                   // 0, marker 1
	inTx(t, tx, kgo.TryAbort, rec(0, "b", "2"), rec(0, "b", "2b")) // 2, 3, marker 4
	inTx(t, tx, kgo.TryCommit, rec(0, "c", "3"))                   // 5, marker 6
	if err := tx.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, tx, rec(0, "open", "4")) // 7, not ended

	places := []Place{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}}
	expect(t, "read at places", found(t, cl, places...), "0/0 a=1", "0/2 b=2", "0/3 b=2b", "0/5 c=3", "0/7 open=4")
	expect(t, "read to stable", read(t, cl, 0, 0), "0 a=1", "5 c=3")
	expect(t, "read to stable from the middle", read(t, cl, 0, 3), "5 c=3")
	expect(t, "read to stable from the end", read(t, cl, 0, 7))
	expect(t, "read to stable from beyond the end", read(t, cl, 0, 70))

	if err := tx.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	expect(t, "read to stable after the commit", read(t, cl, 0, 0), "0 a=1", "5 c=3", "7 open=4")
}

func TestReadToStableEndsWhereNothingCanBeRead(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 3, nil)
	tx := client(t, o, kgo.TransactionalID("x"))
	inTx(t, tx, kgo.TryAbort, rec(1, "gone", "1"))
	produce(t, cl, rec(2, "k", "v"))
	del := kadm.Offsets{}
	del.Add(kadm.Offset{Topic: topic, Partition: 2, At: 1})
	if _, err := kadm.NewClient(cl).DeleteRecords(t.Context(), del); err != nil {
		t.Fatal(err)
	}
	for partition, what := range []string{"empty", "aborted records and markers", "everything deleted"} {
		expect(t, what, read(t, cl, int32(partition), 0))
	}
}

func TestReadersAfterCompaction(t *testing.T) {
	c, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 1, map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "0", "min.cleanable.dirty.ratio": "0"})
	tx := client(t, o, kgo.TransactionalID("x"))
	for i := range 5 {
		inTx(t, tx, kgo.TryCommit, rec(0, "same", fmt.Sprint(i)), rec(0, fmt.Sprint("own", i), "v"))
	}
	produce(t, cl, rec(0, "same", ""), rec(0, "own0", ""))
	produce(t, cl, rec(0, "last", "v")) // the last batch is never compacted
	before := read(t, cl, 0, 0)
	c.Compact()
	after := read(t, cl, 0, 0)
	if len(after) >= len(before) {
		t.Fatalf("nothing was compacted: %v", after)
	}
	for _, line := range after {
		if strings.Contains(line, "same=0") || strings.Contains(line, "same=3") {
			t.Errorf("compacted record still there: %s", line)
		}
	}
	var places []Place
	for offset := range int64(20) {
		places = append(places, Place{0, offset})
	}
	got := found(t, cl, places...)
	if len(got) != len(after) {
		t.Errorf("read at every place: %v, want the same as read in order: %v", got, after)
	}
}

// A log whose tail was compacted away answers with nothing below its end. The
// in-process broker never does that, so its answer is emptied on the way.
func TestReadToStableEndsOnACompactedTail(t *testing.T) {
	c, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 1, nil)
	produce(t, cl, rec(0, "k", "v"))
	asked := answerEmpty(c, func(int) (high, stable int64) { return 1, 1 })
	expect(t, "compacted tail", read(t, cl, 0, 0))
	if n := asked(); n != emptyAnswers {
		t.Errorf("asked %d times, want %d", n, emptyAnswers)
	}
}

// A new leader may know the last stable offset late; an empty answer is then
// not the end.
func TestReadToStableWaitsForALeaderThatLags(t *testing.T) {
	c, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 1, nil)
	produce(t, cl, rec(0, "k", "v"))
	answerEmpty(c, func(n int) (high, stable int64) {
		if n > 3 {
			return -1, -1
		}
		return 0, 0
	})
	expect(t, "lagging leader", read(t, cl, 0, 0), "0 k=v")
}

func TestFetchFollowsTheLeader(t *testing.T) {
	c, o := cluster(t, kfake.NumBrokers(3))
	cl := client(t, o)
	mkTopic(t, cl, 1, nil)
	produce(t, cl, rec(0, "k", "v"))
	f := newFetcher(cl, topic, true)
	for node := range int32(3) {
		if err := c.MoveTopicPartition(topic, 0, node); err != nil {
			t.Fatal(err)
		}
		got, err := f.fetch(t.Context(), 0, 0, readLeast)
		if err != nil || len(got.records) != 1 {
			t.Errorf("leader %d: %d records, error %v", node, len(got.records), err)
		}
		if f.leaders[0] != node {
			t.Errorf("asked %d, not the leader %d", f.leaders[0], node)
		}
	}
}

func TestReadersSurviveErrorsThatPass(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.OffsetNotAvailable, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError} {
		c, o := cluster(t)
		cl := client(t, o)
		mkTopic(t, cl, 1, nil)
		produce(t, cl, rec(0, "k", "v"))
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: code, Count: 2})
		expect(t, code.Message, found(t, cl, Place{0, 0}), "0/0 k=v")
		expect(t, code.Message, read(t, cl, 0, 0), "0 k=v")
		if h.Hits() != 2 {
			t.Errorf("%s: %d faults, want 2", code.Message, h.Hits())
		}
	}
}

func TestReadersGiveUpOnErrorsThatStay(t *testing.T) {
	c, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 1, nil)
	produce(t, cl, rec(0, "k", "v"))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.TopicAuthorizationFailed, Count: 2})
	_, err := ReadAt(t.Context(), cl, topic, []Place{{0, 0}})
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("read at: %v", err)
	}
	err = ReadToStable(t.Context(), cl, topic, 0, 0, func(*kgo.Record) error { return nil })
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "fetch t partition 0 at offset 0") {
		t.Errorf("read to stable: %v", err)
	}
}

func TestReadToStableStopsAtAnErrorOfTheCallback(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	mkTopic(t, cl, 1, nil)
	produce(t, cl, rec(0, "a", "1"), rec(0, "b", "2"))
	stop, calls := errors.New("stop"), 0
	err := ReadToStable(t.Context(), cl, topic, 0, 0, func(*kgo.Record) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// Places that stand close together share fetches.
func TestReadAtTakesManyPlacesWithOneFetch(t *testing.T) {
	const records, wanted = 15_000, 1_000
	c, o := cluster(t)
	cl := client(t, o, kgo.ProducerBatchMaxBytes(64<<10), kgo.ProducerBatchCompression(kgo.NoCompression()))
	mkTopic(t, cl, 3, nil)
	all, places := longLog(t, cl, records, wanted)
	fetches := countKey(c, kmsg.Fetch)
	got, err := ReadAt(t.Context(), cl, topic, places)
	if err != nil || len(got) != wanted {
		t.Fatalf("%d records, error %v", len(got), err)
	}
	for _, r := range all {
		if at, ok := got[Place{r.Partition, r.Offset}]; ok && string(at.Key) != string(r.Key) {
			t.Fatalf("%s stands where %s should", at.Key, r.Key)
		}
	}
	if n := fetches(); n > wanted/5 {
		t.Errorf("%d fetches for %d places", n, wanted)
	}
}

func BenchmarkReadAt(b *testing.B) {
	for _, codec := range []struct {
		name string
		kgo.CompressionCodec
	}{{"plain", kgo.NoCompression()}, {"snappy", kgo.SnappyCompression()}} {
		b.Run("2000_of_150000/"+codec.name, func(b *testing.B) {
			_, o := cluster(b)
			cl := client(b, o, kgo.ProducerBatchMaxBytes(64<<10), kgo.ProducerBatchCompression(codec.CompressionCodec))
			mkTopic(b, cl, 3, nil)
			_, places := longLog(b, cl, 150_000, 2_000)
			for b.Loop() {
				if got, err := ReadAt(b.Context(), cl, topic, places); err != nil || len(got) != len(places) {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// longLog writes records of 450 bytes over three partitions and picks places
// spread over all of it.
func longLog(t testing.TB, cl *kgo.Client, records, wanted int) ([]*kgo.Record, []Place) {
	t.Helper()
	value := strings.Repeat("planhat bridge ", 30)
	all := make([]*kgo.Record, records)
	for i := range all {
		all[i] = rec(int32(i%3), fmt.Sprint(i), value)
	}
	produce(t, cl, all...)
	places := make([]Place, 0, wanted)
	for i := range wanted {
		r := all[(i*7919)%records]
		places = append(places, Place{r.Partition, r.Offset})
	}
	return all, places
}

func inTx(t *testing.T, cl *kgo.Client, end kgo.TransactionEndTry, recs ...*kgo.Record) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, recs...)
	if err := cl.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
}
