package account

import (
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
)

func TestAdmit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, known, row string
		done             bool
		by               looker
		want             verdict
		op               string
	}{
		{"new in the snapshot", "", dealAt(1, "00:00", ""), false, bySweep, changed, "r"},
		{"new after it", "", dealAt(1, "00:00", ""), true, bySweep, changed, "c"},
		{"the same", dealAt(1, "00:00", `,"a":1`), dealAt(1, "00:00", `,"a":1,"b":null`), true, bySweep, unchanged, ""},
		{"newer", dealAt(1, "00:00", `,"a":1`), dealAt(1, "00:01", `,"a":1`), true, byEvent, changed, "u"},
		{"other content, the same stamp", dealAt(1, "00:00", `,"a":1`), dealAt(1, "00:00", `,"a":2`), true, byEvent, changed, "u"},
		{"older", dealAt(1, "00:01", `,"a":1`), dealAt(1, "00:00", `,"a":2`), true, byEvent, stale, ""},
		{"deleted", dealAt(1, "00:01", ""), `{"id":1,"update_time":"2026-11-19T13:00:02Z","is_deleted":true}`, true, byEvent, gone, ""},
		{"deleted before", dealAt(1, "00:01", ""), `{"id":1,"update_time":"2026-11-19T13:00:00Z","is_deleted":true}`, true, byEvent, stale, ""},
	} {
		a := bare(t, &fakeVendor{})
		s := a.streamOf("deal")
		s.cursor.Capture.SnapshotDone = c.done
		if c.known != "" {
			know(t, s, c.known)
		}
		if got, op := see(t, a, s, c.by, c.row); got != c.want || op != c.op {
			t.Errorf("%s: %v %q, want %v %q", c.name, got, op, c.want, c.op)
		}
	}
}

// A record that was deleted before the snapshot was complete is new when it comes back.
func TestARestoredRecordIsNoneOfTheSnapshot(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	s.graves[idOf(1)] = grave{stamp: ms("00:05"), died: time.Now().UnixMilli()}
	if got, op := see(t, a, s, bySweep, dealAt(1, "00:06", "")); got != changed || op != "c" {
		t.Errorf("%v %q", got, op)
	}
}

// The names of what a note is on are not the note's.
func TestNotesChangeWithoutWhatTheyAreOn(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("note")
	know(t, s, `{"id":1,"update_time":"2026-11-19 13:00:00","content":"x","deal":{"title":"a"}}`)
	if got, _ := see(t, a, s, bySweep, `{"id":1,"update_time":"2026-11-19 13:00:00","content":"x","deal":{"title":"b"}}`); got != unchanged {
		t.Errorf("another title of its deal: %v", got)
	}
	if got, _ := see(t, a, s, bySweep, `{"id":1,"update_time":"2026-11-19 13:00:00","content":"y","deal":{"title":"b"}}`); got != changed {
		t.Errorf("another content: %v", got)
	}
}

// A deleted record stays deleted whoever speaks of the time before; restored, it
// comes back.
func TestDeletedRecordsStayDeleted(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	now := time.Now()
	a.now = func() time.Time { return now }
	s := a.streamOf("deal")
	s.cursor.Capture.SnapshotDone = true
	s.graves[idOf(1)] = grave{stamp: ms("00:05"), died: now.UnixMilli()}
	for _, c := range []struct {
		after time.Duration
		stamp string
		want  verdict
	}{
		{0, "00:04", stale}, {0, "00:05", echo}, {0, "00:06", changed}, {a.times.Echo, "00:05", changed}, {a.times.Echo, "00:04", stale}, {ghostTime, "00:04", changed},
	} {
		a.now = func() time.Time { return now.Add(c.after) }
		if got, _ := see(t, a, s, byEvent, dealAt(1, c.stamp, "")); got != c.want {
			t.Errorf("a row of %s, %v after the delete: %v, want %v", c.stamp, c.after, got, c.want)
		}
	}
}

func TestGravesAndPlacesComeBack(t *testing.T) {
	t.Parallel()
	want := grave{stamp: ms("00:05"), died: 17}
	if got, err := readGrave(want.encode()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, broken := range [][]byte{nil, {2}, {1}, {1, 2}, append(want.encode(), 0)} {
		if _, err := readGrave(broken); err == nil {
			t.Errorf("%v is read", broken)
		}
	}
	p := durable.Position{TopicID: "x"}.After(2, 7).After(0, 3).After(2, 5)
	if p.In(2) != 8 || p.In(0) != 4 || p.In(1) != 0 || p.In(9) != 0 {
		t.Errorf("%+v", p)
	}
}
