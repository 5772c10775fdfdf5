package kafka

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	pageRows  = 2_000 // of a page of changed rows
	flushRows = 2_600 // records of a transaction of the source
)

// logRecords is how many records there are.
func logRecords() int {
	if raceEnabled {
		return 15_000 // the race detector makes it ten times as slow
	}
	return 150_000
}

// TestBeforeImagesOfAPage reads what a page needs whose rows have all changed, from a
// change topic as the source writes it: by keys over partitions, in batches of the
// client's size. Rows may stand side by side, as a snapshot left them, or anywhere.
func TestBeforeImagesOfAPage(t *testing.T) {
	c, o := cluster(t)
	cl := client(t, o, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchMaxBytes(1<<20), kgo.ProducerLinger(0))
	mkTopic(t, cl, 3, nil)
	all := changeLog(t, cl)
	fetches := countKey(c, kmsg.Fetch)
	spread := rand.New(rand.NewPCG(7, 8)).Perm(len(all))
	for _, test := range []struct {
		name string
		row  func(n int) int
	}{
		{"side by side", func(n int) int { return len(all)/3 + n }},
		{"anywhere", func(n int) int { return spread[n] }},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted := map[Place]string{}
			var places []Place
			for n := range pageRows {
				r := all[test.row(n)]
				p := Place{r.Partition, r.Offset}
				places, wanted[p] = append(places, p), string(r.Key)
			}
			before, best := fetches(), time.Hour
			const rounds = 3
			for range rounds {
				began := cpuTime()
				got, err := ReadAt(t.Context(), cl, topic, places)
				best = min(best, cpuTime()-began)
				if err != nil || len(got) != len(wanted) {
					t.Fatalf("%d of %d records: %v", len(got), len(wanted), err)
				}
				for p, r := range got {
					if wanted[p] != string(r.Key) {
						t.Fatalf("%s stands at %v, want %s", r.Key, p, wanted[p])
					}
				}
			}
			t.Logf("before images=%d of=%d cpu_ms=%d fetches=%d (reader and broker together)",
				pageRows, len(all), best.Milliseconds(), (fetches()-before)/rounds)
			if best > time.Second {
				t.Errorf("%s of CPU, want at most a second", best)
			}
		})
	}
}

// changeLog writes the records, in flushes like those of the source.
func changeLog(t *testing.T, cl *kgo.Client) []*kgo.Record {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	all := make([]*kgo.Record, logRecords())
	for i := range all {
		all[i] = &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "66f0a1b2c3d4e5f6%08x", i), Value: changeValue(random, i)}
	}
	for from := 0; from < len(all); from += flushRows {
		produce(t, cl, all[from:min(from+flushRows, len(all))]...)
	}
	return all
}

// changeValue is of the size and the entropy of a company's event.
func changeValue(r *rand.Rand, n int) []byte {
	v := fmt.Appendf(nil, "66f0a1b2c3d4e5f6%08x Company number %d, Oslo, Norway", n, n)
	for i := range 24 {
		v = fmt.Appendf(v, "|field of a kind %d=%d", i, r.IntN(1000))
	}
	for range 8 {
		v = fmt.Appendf(v, "%016x", r.Uint64())
	}
	return v
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails only for bad arguments
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
