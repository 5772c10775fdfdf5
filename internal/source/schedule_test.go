package source

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Whatever the state of a stream between two scans: when it says that it is
// due, there is something to do. Else it would be looked at again at once, for
// ever, and no other stream of its workspace ever.
func TestAStreamThatIsDueHasSomethingToDo(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	for _, stamped := range []bool{true, false} {
		for _, reason := range []cdc.Reason{"", cdc.ReasonOverlap} {
			for _, records := range []int{0, 1_000, 10_000_000} {
				for _, took := range []time.Duration{0, time.Minute, 10 * time.Hour} {
					for _, candidates := range []int{0, 1, 2} {
						s := &stream{stamped: stamped, schedule: schedule{target: time.Minute}, index: cdc.NewIndex(), objects: []object{{spec: companySpec()}}}
						s.adapt(100)
						s.cursor = cdc.Cursor{SnapshotDone: true, SweepDue: reason, Candidates: make([]cdc.ID, candidates), SnapshotRows: records}
						s.beginSweepAt(start)
						s.cursor.Held = candidates == 2
						now := start.Add(took)
						s.schedule.deltaAt, s.schedule.confirmAt = now.Add(time.Minute), now.Add(30*time.Second)
						s.adapt(100)
						due := s.nextDue()
						if due.Before(now) && !s.sweepDue(now) {
							t.Errorf("stamped %v reason %q records %d after %s: due %s ago with nothing to do", stamped, reason, records, took, now.Sub(due))
						}
						if later := due.Add(time.Millisecond); !s.sweepDue(later) && !s.deltaDue(later) && !s.confirming(later) {
							t.Errorf("stamped %v reason %q records %d after %s: nothing to do when it is due", stamped, reason, records, took)
						}
					}
				}
			}
		}
	}
}

func (s *stream) beginSweepAt(now time.Time) {
	s.beginSweep(now)
	s.scan.sweep = nil
}

// A record that is hidden from its listing is asked for after the next sweep,
// then ever more rarely, and at once again when it was seen.
func TestHiddenRecordsAreAskedForEverMoreRarely(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s := &stream{index: cdc.NewIndex(), objects: []object{{spec: companySpec()}}, schedule: schedule{sweepEvery: time.Minute, target: time.Minute}}
	w := &workspace{now: func() time.Time { return now }}
	id := cdc.ID{1}
	asked := 0
	for range 24 * 60 {
		found, err := w.worthAsking(t.Context(), s, []cdc.ID{id})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			asked++
			s.setAside(id, now)
		}
		now = now.Add(time.Minute)
	}
	if asked < 5 || asked > 15 {
		t.Errorf("asked %d times in %d sweeps", asked, 24*60)
	}
	s.listed([]cdc.Sighting{{ID: id}})
	if found, _ := w.worthAsking(t.Context(), s, []cdc.ID{id}); len(found) != 1 {
		t.Error("not asked for after it had been seen")
	}
}

// Records of an object that is not captured any more are nobody's deletes: they
// would be asked for after every sweep, and hold the deletes of their listing.
func TestRecordsOfAnObjectThatIsNotCapturedAreNotAskedFor(t *testing.T) {
	t.Parallel()
	s := newStreams(func(o planhat.Object) string { return string(o) }, map[string]bool{"note": true})[0]
	w := &workspace{now: time.Now}
	var all, notes []cdc.ID
	for i := range 10 {
		id, kind := cdc.ID{byte(i + 1)}, uint8(i%2)
		s.index.Put(id, cdc.Entry{Object: kind})
		all = append(all, id)
		if s.objects[kind].spec.Object == planhat.Note {
			notes = append(notes, id)
		}
	}
	if found, err := w.worthAsking(t.Context(), s, all); err != nil || len(notes) != 5 || !slices.Equal(found, notes) {
		t.Errorf("of %v are asked for %v, want %v; %v", all, found, notes, err)
	}
}

// What a sweep has found gone counts once for the guard, and counts after the
// sweep went on in another process, too.
func TestTheGuardCountsARecordOnce(t *testing.T) {
	t.Parallel()
	s := &stream{index: cdc.NewIndex()}
	s.addCandidates([]cdc.ID{{1}, {2}, {3}})
	recorded, err := s.cursor.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	s.recorded = recorded
	s.addCandidates([]cdc.ID{{3}, {4}, {5}})
	if n := s.gone(); n != 5 {
		t.Errorf("%d records are gone, want 5", n)
	}
	if err := s.abandon(); err != nil { // the page that was not saved is read again
		t.Fatal(err)
	}
	s.addCandidates([]cdc.ID{{3}, {4}, {5}})
	if n := s.gone(); n != 5 {
		t.Errorf("%d records are gone after a page was read again, want 5", n)
	}
	next := &stream{recorded: recorded}
	if err := next.rewindCursor(); err != nil || next.gone() != 3 {
		t.Errorf("the next owner knows of %d, want 3; %v", next.gone(), err)
	}
}

// The cursor is one record of the state: it must stay far below what a broker takes.
func TestCandidatesAreBounded(t *testing.T) {
	t.Parallel()
	s := &stream{index: cdc.NewIndex()}
	w := &workspace{now: time.Now}
	for page := range 30 {
		ids := make([]cdc.ID, 5000)
		for i := range ids {
			ids[i] = cdc.ID{byte(page), byte(i >> 8), byte(i), 1}
		}
		found, err := w.worthAsking(t.Context(), s, ids)
		if err != nil {
			t.Fatal(err)
		}
		s.addCandidates(found)
	}
	if n := len(s.cursor.Candidates); n != maxCandidates {
		t.Errorf("%d candidates wait, want %d", n, maxCandidates)
	}
	if n := s.gone(); n != 30*5000 {
		t.Errorf("the guard knows of %d records that are gone, want all %d", n, 30*5000)
	}
	if text, err := s.cursor.MarshalJSON(); err != nil || len(text) > 500_000 {
		t.Errorf("a cursor of %d bytes, %v", len(text), err)
	}
}

// A poll that keeps failing must not throw away the sweep that it interrupts.
func TestAFailingPollLeavesTheSweepAlone(t *testing.T) {
	t.Parallel()
	s := &stream{objects: []object{{spec: companySpec()}}}
	s.beginSweep(time.Now())
	sweep := s.scan.sweep
	s.scan.delta = cdc.NewDelta(1, 10, 2)
	s.scan.fresh, s.scan.freshBytes = make([]cdc.Sighting, 3), maxDeltaBytes
	if err := s.abandon(); err != nil {
		t.Fatal(err)
	}
	if s.scan.sweep != sweep || s.scan.delta != nil || s.scan.fresh != nil || s.scan.freshBytes != 0 {
		t.Errorf("after a failed poll: %+v", s.scan)
	}
	s.scan.delta = nil
	if err := s.abandon(); err != nil || s.scan.sweep != nil {
		t.Errorf("after a failed sweep: %+v, %v", s.scan, err)
	}
}

// State that this release cannot read holds its stream and nobody else.
func TestUnreadableStateHoldsItsStreamOnly(t *testing.T) {
	t.Parallel()
	s := &stream{listing: "companies", index: cdc.NewIndex(), objects: []object{{spec: companySpec()}}}
	w := &worker{byName: map[string]*stream{"planhat/a/companies": s}}
	entry := cdc.AppendEntry(nil, cdc.Entry{Object: 7})
	for _, c := range []struct{ key, value []byte }{
		{entryKey("planhat/a/companies", cdc.ID{1}), entry},
		{entryKey("planhat/a/companies", cdc.ID{2}), []byte{99}},
		{pinsKey("planhat/a/companies"), []byte(`{"version":9}`)},
		{pinsKey("planhat/a/companies"), []byte(`{"version":1,"objects":["unicorn"]}`)},
		{[]byte("planhat/a/companies\x00z"), nil},
	} {
		s.refused = nil
		if err := w.Restore(c.key, c.value); err != nil || s.refused == nil {
			t.Errorf("restore of %q: %v, the stream is held by: %v", c.key, err, s.refused)
		}
	}
	if err := w.Restore([]byte("nonsense"), nil); err == nil || errors.Is(err, s.refused) {
		t.Errorf("a key of no stream: %v", err)
	}
}

func companySpec() planhat.Spec {
	spec, _ := planhat.Lookup(planhat.Company)
	return spec
}

// Where calls take longer than the freshness target allows, polls and sweeps are
// always due: deletes are confirmed all the same.
func TestWorkThatIsAlwaysDueKeepsNothingWaiting(t *testing.T) {
	t.Parallel()
	for _, stamped := range []bool{true, false} {
		s := &stream{stamped: stamped, schedule: schedule{target: time.Minute}, index: cdc.NewIndex()}
		s.objects = []object{{spec: companySpec()}}
		s.cursor = cdc.Cursor{SnapshotDone: true, SnapshotRows: 6000, Watermark: 1, Candidates: make([]cdc.ID, 1)}
		now := time.Unix(1_800_000_000, 0)
		done := map[string]int{}
		for range 30 {
			now = now.Add(time.Hour)
			s.begin(now)
			switch {
			case s.scan.delta != nil:
				s.scan.delta = nil
				done["poll"]++
			case s.scan.sweep != nil:
				s.scan.sweep, s.schedule.owed = nil, true
				done["sweep"]++
			case s.confirming(now):
				s.schedule.owed = false
				done["confirm"]++
			}
		}
		if stamped && done["poll"] < 10 || done["sweep"] < 5 || done["confirm"] < 5 {
			t.Errorf("stamped %v: in 30 steps there were %v", stamped, done)
		}
	}
}
