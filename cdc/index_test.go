package cdc_test

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

func entry(n int) cdc.Entry {
	return cdc.Entry{
		Fingerprint: uint64(n) * 0x9e3779b97f4a7c15, Raw: uint64(n) << 32, Stamp: -int64(n), Offset: int64(n) << 40,
		Partition: int32(-n), Object: uint8(n), Archived: n%2 == 1,
	}
}

// The index is held to a map, in any order of puts and deletes.
func TestIndexIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index, model := cdc.NewIndex(), map[cdc.ID]cdc.Entry{}
		space := rapid.SampledFrom([]int{10, 700, 3000}).Draw(t, "space")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			start, size := random.IntN(space), random.IntN(space)
			kind := rapid.SampledFrom([]string{"ascending", "random", "delete", "delete run"}).Draw(t, "kind")
			for i := range size {
				n := random.IntN(space)
				if kind == "ascending" || kind == "delete run" {
					n = start + i
				}
				if kind == "delete" || kind == "delete run" {
					index.Delete(id(n))
					delete(model, id(n))
					continue
				}
				e := entry(random.IntN(1000))
				index.Put(id(n), e)
				model[id(n)] = e
			}
			checkIndex(t, index, model)
		}
		keys := slices.SortedFunc(maps.Keys(model), cdc.ID.Compare)
		for range 5 {
			lo, hi := id(random.IntN(space+2)-1), id(random.IntN(space+2)-1)
			var want []cdc.ID
			for _, key := range keys {
				if key.Compare(lo) >= 0 && key.Compare(hi) <= 0 {
					want = append(want, key)
				}
			}
			var got []cdc.ID
			for key := range index.Range(lo, hi) {
				got = append(got, key)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("range %s to %s: %d ids, want %d", lo, hi, len(got), len(want))
			}
		}
	})
}

func checkIndex(t *rapid.T, index *cdc.Index, model map[cdc.ID]cdc.Entry) {
	if index.Len() != len(model) {
		t.Fatalf("length %d, want %d", index.Len(), len(model))
	}
	for key, want := range model {
		if got, has := index.Get(key); !has || got != want {
			t.Fatalf("%s: got %+v %v, want %+v", key, got, has, want)
		}
	}
	var last cdc.ID
	count := 0
	for key, got := range index.All() {
		if count > 0 && key.Compare(last) <= 0 {
			t.Fatalf("%s comes after %s", key, last)
		}
		if want, has := model[key]; !has || got != want {
			t.Fatalf("%s: got %+v, want %+v (%v)", key, got, want, has)
		}
		last = key
		count++
	}
	if count != len(model) {
		t.Fatalf("%d of %d records listed", count, len(model))
	}
}

func TestIndexStopsWhenAsked(t *testing.T) {
	index := cdc.NewIndex()
	for n := range 2000 {
		index.Put(id(n), entry(n))
	}
	count := 0
	for range index.All() {
		if count++; count == 700 {
			break
		}
	}
	if count != 700 {
		t.Errorf("%d records", count)
	}
	if _, has := index.Get(id(2000)); has {
		t.Error("an id is found that was never put")
	}
	if _, has := cdc.NewIndex().Get(id(1)); has {
		t.Error("an empty index holds something")
	}
	cdc.NewIndex().Delete(id(1))
}

const memoryLimit = 64.0 // bytes a record

// TestIndexMemory holds the index to its size, in whatever order it came to be.
func TestIndexMemory(t *testing.T) {
	million := 1_000_000
	if raceEnabled {
		million = 20_000 // the race detector makes it ten times as slow
	}
	random := rand.New(rand.NewPCG(1, 2))
	ascending := make([]int, million)
	for i := range ascending {
		ascending[i] = i
	}
	put := func(order []int) *cdc.Index {
		index := cdc.NewIndex()
		for _, n := range order {
			index.Put(id(n), entry(n))
		}
		return index
	}
	tests := []struct {
		name    string
		records int
		build   func() *cdc.Index
	}{
		{"ascending", million, func() *cdc.Index { return put(ascending) }},
		{"random", million, func() *cdc.Index { return put(random.Perm(million)) }},
		{"churned", million, func() *cdc.Index { // as many go, anywhere, as come, anywhere
			index, held := put(ascending), slices.Clone(ascending)
			for n := range million / 2 {
				i := random.IntN(million)
				index.Delete(id(held[i]))
				held[i] = million + n*7919%(3*million)
				index.Put(id(held[i]), entry(n))
			}
			return index
		}},
		{"halved", million / 5, func() *cdc.Index {
			index := put(random.Perm(2 * million / 5))
			for n := range million / 5 {
				index.Delete(id(2 * n))
			}
			return index
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := heap()
			index := test.build()
			perRecord := float64(int64(heap())-int64(before)) / float64(test.records)
			if index.Len() != test.records {
				t.Fatalf("length %d", index.Len())
			}
			t.Logf("index records=%d bytes_a_record=%.1f", test.records, perRecord)
			if perRecord > memoryLimit {
				t.Errorf("%.1f bytes a record, want at most %v", perRecord, memoryLimit)
			}
			runtime.KeepAlive(index)
		})
	}
	runtime.KeepAlive(ascending)
}

// heap is the number of bytes in live objects.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestIDsCompareAsTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b cdc.ID
		copy(a[:], rapid.SliceOfN(rapid.ByteMax(3), 12, 12).Draw(t, "a"))
		copy(b[:], rapid.SliceOfN(rapid.ByteMax(3), 12, 12).Draw(t, "b"))
		copy(b[:], a[:rapid.IntRange(0, 12).Draw(t, "same")])
		if got, want := a.Compare(b), strings.Compare(a.String(), b.String()); got != want {
			t.Fatalf("%s and %s: %d, want %d", a, b, got, want)
		}
	})
}
