package cdc_test

import (
	"math/rand/v2"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

func BenchmarkRow(b *testing.B) {
	row := company(1)
	other := company(2)
	shape := &cdc.Shape{Stamp: "updatedAt", ArchivedField: "archived", Volatile: map[string]bool{"renewalDaysFromNow": true, "custom.Days in Phase": true}}
	tests := []struct {
		name string
		run  func() error
	}{
		{"RawHash", func() error { cdc.RawHash(row); return nil }},
		{"Inspect", func() error { _, err := cdc.Inspect(row, shape); return err }},
		{"Fingerprint", func() error { _, err := cdc.Fingerprint(row, shape); return err }},
		{"Changed", func() error { _, err := cdc.Changed(row, other); return err }},
	}
	for _, test := range tests {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(row)))
			b.ReportAllocs()
			for b.Loop() {
				if err := test.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIndex(b *testing.B) {
	const records = 200_000
	order := rand.New(rand.NewPCG(1, 2)).Perm(records)
	index := cdc.NewIndex()
	b.Run("PutAscending", func(b *testing.B) {
		n := 0
		for b.Loop() {
			index.Put(id(n%records), cdc.Entry{Stamp: 1})
			n++
		}
	})
	for n := range records {
		index.Put(id(n), cdc.Entry{})
	}
	b.Run("PutRandom", func(b *testing.B) {
		fresh, n := cdc.NewIndex(), 0
		for b.Loop() {
			fresh.Put(id(order[n%records]), cdc.Entry{Stamp: 1})
			n++
		}
	})
	b.Run("Get", func(b *testing.B) {
		n := 0
		for b.Loop() {
			if _, has := index.Get(id(order[n%records])); !has {
				b.Fatal("not found")
			}
			n++
		}
	})
	b.Run("RangeOf5000", func(b *testing.B) {
		for b.Loop() {
			count := 0
			for range index.Range(id(1000), id(5999)) {
				count++
			}
			if count != 5000 {
				b.Fatal(count)
			}
		}
	})
}

func BenchmarkSweepPage(b *testing.B) {
	v := newVendor(1, 5000)
	rows := v.pageByID(cdc.Request{Limit: 5000})
	index := cdc.NewIndex()
	for _, row := range rows {
		index.Put(row.ID, cdc.Entry{Raw: row.RawHash})
	}
	for b.Loop() {
		fresh, candidates, err := cdc.NewSweep(cdc.SweepPosition{}, 5000, 1, false).Page(rows, index, nil)
		if err != nil || len(fresh)+len(candidates) > 0 {
			b.Fatal(len(fresh), len(candidates), err)
		}
	}
}
