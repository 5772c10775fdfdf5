package sink

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestPartitionsGiveAlike takes commands that were polled apart in parts.
func TestPartitionsGiveAlike(t *testing.T) {
	t.Parallel()
	held := func(lengths ...int) (out [][]*kgo.Record) {
		for p, n := range lengths {
			var records []*kgo.Record
			for offset := range n {
				records = append(records, &kgo.Record{Partition: int32(p), Offset: int64(offset), Value: make([]byte, 10)})
			}
			out = append(out, records)
		}
		return out
	}
	tests := []struct {
		held        [][]*kgo.Record
		most, bytes int
		want        []string // by call, "<partition>:<commands>" in their order
	}{
		{held(4, 4), 4, 1000, []string{"0:2 1:2", "0:2 1:2"}},
		{held(1, 6), 4, 1000, []string{"0:1 1:2 1:1", "1:3"}},
		{held(3), 100, 25, []string{"0:2", "0:1"}},
		{held(2, 2), 100, 5, []string{"0:1", "0:1", "1:1", "1:1"}},
		{held(1, 1, 1), 2, 1000, []string{"0:1 1:1", "2:1"}},
	}
	for n, tt := range tests {
		r := &reader{held: tt.held}
		next := map[int32]int64{}
		for call, want := range tt.want {
			records, err := r.next(t.Context(), tt.most, tt.bytes)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, rec := range records {
				if rec.Offset != next[rec.Partition] {
					t.Errorf("%d: offset %d of partition %d, want %d", n, rec.Offset, rec.Partition, next[rec.Partition])
				}
				next[rec.Partition]++
				if i > 0 && records[i-1].Partition == rec.Partition {
					continue
				}
				got = append(got, fmt.Sprintf("%d:", rec.Partition))
			}
			if !sameRuns(got, want) {
				t.Errorf("%d: call %d gave %v of %d commands, want %s", n, call, got, len(records), want)
			}
			if total(want) != len(records) {
				t.Errorf("%d: call %d gave %d commands, want %s", n, call, len(records), want)
			}
		}
		if len(r.held) > 0 {
			t.Errorf("%d: %d partitions are left", n, len(r.held))
		}
	}
}

// sameRuns compares the partitions of runs; neighbours of one partition are one run.
func sameRuns(got []string, want string) bool {
	var runs []string
	for run := range strings.FieldsSeq(want) {
		partition, _, _ := strings.Cut(run, ":")
		if len(runs) == 0 || runs[len(runs)-1] != partition+":" {
			runs = append(runs, partition+":")
		}
	}
	return strings.Join(got, " ") == strings.Join(runs, " ")
}

func total(want string) (sum int) {
	for run := range strings.FieldsSeq(want) {
		var partition, n int
		_, _ = fmt.Sscanf(run, "%d:%d", &partition, &n)
		sum += n
	}
	return sum
}
