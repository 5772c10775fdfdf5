package source

import (
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// TestWatermarkOfASnapshot: what was edited after the first page was answered has
// a stamp of that moment or a newer one, so the watermark must not be above it.
func TestWatermarkOfASnapshot(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // the first page was answered
	rows := func(stamps ...time.Time) []cdc.Sighting {
		out := make([]cdc.Sighting, len(stamps))
		for i, at := range stamps {
			out[i].Facts = cdc.Facts{Stamp: at.UnixMilli(), HasStamp: !at.IsZero()}
		}
		return out
	}
	ago := func(d time.Duration) time.Time { return start.Add(-d) }
	for _, tt := range []struct {
		name          string
		first, second []cdc.Sighting
		date          time.Time // of both pages
		want          time.Time
	}{
		{"newest of the first page", rows(ago(time.Hour), ago(time.Minute)), nil, start, ago(time.Minute)},
		{"edited during the snapshot", rows(ago(time.Hour)), rows(start.Add(9 * time.Second)), start, start.Add(-futureTolerance - time.Second)},
		{"quiet for long", rows(ago(100 * time.Hour)), rows(ago(50 * time.Hour)), start, ago(50 * time.Hour).Add(-futureTolerance - 10*time.Second)},
		{"a stamp of the future", rows(ago(time.Hour), start.Add(time.Hour)), nil, start, ago(time.Hour)},
		{"rows without stamps", rows(ago(time.Hour), time.Time{}), nil, time.Time{}, ago(time.Hour)},
		{"nothing there", nil, nil, start, time.UnixMilli(1)},
		{"no stamps at all", rows(time.Time{}), nil, start, time.UnixMilli(0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &stream{stamped: true}
			s.markRows(tt.first, tt.date, start, true)
			s.markRows(tt.second, tt.date, start.Add(5*time.Second), false)
			s.markSnapshot(start.Add(10 * time.Second))
			if s.cursor.Watermark != tt.want.UnixMilli() {
				t.Errorf("watermark %s, want %s", time.UnixMilli(s.cursor.Watermark).UTC(), tt.want)
			}
			if s.cursor.Watermark > start.UnixMilli() {
				t.Error("an edit right after the first page would be hidden")
			}
		})
	}
}

func TestWatermarkOfAResumedSnapshotIsThatOfItsFirstPage(t *testing.T) {
	t.Parallel()
	s := &stream{stamped: true, cursor: cdc.Cursor{Watermark: 5}}
	s.markRows([]cdc.Sighting{{Facts: cdc.Facts{Stamp: time.Now().UnixMilli(), HasStamp: true}}}, time.Now(), time.Now(), false)
	s.markSnapshot(time.Now())
	if s.cursor.Watermark != 5 {
		t.Errorf("watermark %d: when the first page was answered is not known any more", s.cursor.Watermark)
	}
}
