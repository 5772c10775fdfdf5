package source

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// oldID is the n-th id of a year ago.
func oldID(n int) (id cdc.ID) {
	binary.BigEndian.PutUint32(id[:], uint32(today.AddDate(-1, 0, 0).Unix()))
	binary.BigEndian.PutUint64(id[4:], uint64(n))
	return id
}

// guarded is a workspace of listings with so many records each.
func guarded(t *testing.T, limits string, records map[string]int) *workspace {
	t.Helper()
	guard, err := config.ParseDeleteGuard(limits)
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{
		cfg: config.Workspace{Name: "acme", DeleteGuard: guard}, now: func() time.Time { return today },
		log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry()),
	}
	for _, s := range newStreams(func(o planhat.Object) string { return string(o) }, nil) {
		n, wanted := records[s.listing]
		if !wanted {
			continue
		}
		s.cursor.SnapshotDone = true
		for i := range n {
			s.index.Put(oldID(i), cdc.Entry{Fingerprint: 1, Stamp: 1})
		}
		w.streams = append(w.streams, s)
	}
	return w
}

func (w *workspace) streamOf(listing string) *stream {
	for _, s := range w.streams {
		if s.listing == listing {
			return s
		}
	}
	return nil
}

// sweeps ends a sweep that found the first n records of a listing gone, and says
// how many deletes follow from it.
func (w *workspace) sweeps(listing string, n int) (deleted int) {
	s := w.streamOf(listing)
	s.forgetHeld()
	for id := range s.index.All() {
		if n--; n < 0 {
			break
		}
		s.addCandidates([]cdc.ID{id})
	}
	w.guard(s)
	if s.cursor.Held {
		return 0
	}
	for _, id := range s.cursor.Candidates {
		known, _ := s.index.Get(id)
		s.bereave(id, known, w.now())
		s.index.Delete(id)
		deleted++
	}
	s.cursor.Candidates = nil
	s.pending.reset()
	return deleted
}

func TestDeleteLimits(t *testing.T) {
	t.Parallel()
	const usual = "listing:33%,workspace:10%"
	for _, tc := range []struct {
		limits        string
		records, gone int
		held          bool
	}{
		{usual, 30, 15, false}, {usual, 30, 20, false}, {usual, 30, 21, true},
		{usual, 20, 20, true}, {usual, 4, 4, true}, {usual, 3, 3, false}, {usual, 21, 20, false},
		{usual, 90, 29, false}, {usual, 90, 30, true}, {usual, 90, 90, true}, {usual, 9000, 2900, false}, {usual, 9000, 3000, true},
		{"listing:50", 9000, 51, true}, {"listing:50", 60, 50, false}, {"listing:5", 9000, 6, true}, {"off", 90, 90, false},
	} {
		w := guarded(t, tc.limits, map[string]int{"campaigns": tc.records})
		deleted := w.sweeps("campaigns", tc.gone)
		if held := w.streams[0].cursor.Held; held != tc.held || held == (deleted > 0) {
			t.Errorf("%s: %d of %d gone: held %v, %d deleted", tc.limits, tc.gone, tc.records, held, deleted)
		}
	}
}

// Many sweeps, each with a plausible loss, are held to the limit of a day; what
// comes and goes within a day is no loss, and tomorrow is another day.
func TestATrickleOfDeletesIsHeld(t *testing.T) {
	t.Parallel()
	w := guarded(t, "listing:33%,workspace:10%", map[string]int{"campaigns": 1000})
	s := w.streams[0]
	deleted, now := 0, today
	w.now = func() time.Time { return now }
	for range 100 {
		deleted += w.sweeps("campaigns", 10)
		now = now.Add(10 * time.Minute)
	}
	if !s.cursor.Held || deleted < 300 || deleted > 330 {
		t.Errorf("held %v after %d of 1000 records, ten in each sweep", s.cursor.Held, deleted)
	}
	now = now.Add(25 * time.Hour)
	if n := w.sweeps("campaigns", 10); n != 10 || s.cursor.Held {
		t.Errorf("%d of 10 are deleted on the next day, held %v", n, s.cursor.Held)
	}
	for i := range 2000 {
		id := cdc.ID{11: byte(i), 10: byte(i >> 8)}
		binary.BigEndian.PutUint32(id[:], uint32(now.Unix()))
		s.bereave(id, cdc.Entry{}, now)
	}
	if n := w.sweeps("campaigns", 10); n != 10 {
		t.Error("records that live less than a day are counted as lost")
	}
}

// What a token that sees a part of the companies loses of each listing is below
// its limit: together it is not.
func TestLossesOfSeveralListingsAddUp(t *testing.T) {
	t.Parallel()
	w := guarded(t, "listing:33%,workspace:10%", map[string]int{"companies": 200, "endusers": 600, "licenses": 200, "tasks": 200})
	deleted := w.sweeps("companies", 30) + w.sweeps("endusers", 80)
	if deleted != 110 || w.streamOf("companies").cursor.Held {
		t.Fatalf("%d deleted", deleted)
	}
	if n := w.sweeps("licenses", 30); n != 0 || w.streamOf("licenses").heldBy() != heldByWorkspace {
		t.Errorf("%d deleted of a third listing", n)
	}
	if text := w.heldFor(w.streamOf("licenses")); !strings.Contains(text, oldID(0).String()) || !strings.Contains(text, "30 of 200") || !strings.Contains(text, "--stream licenses") {
		t.Errorf("the status says %q", text)
	}
	if n := w.sweeps("licenses", 0); n != 0 || w.streamOf("licenses").cursor.Held {
		t.Error("a hold does not end when the records are there again")
	}
	alone := guarded(t, "listing:33%,workspace:10%", map[string]int{"companies": 400})
	if n := alone.sweeps("companies", 100); n != 100 {
		t.Error("the limit of the workspace holds what happens to one listing")
	}
}

// One sweep may hold what others have found: all of it is held.
func TestAWorkspaceIsHeldWhole(t *testing.T) {
	t.Parallel()
	w := guarded(t, "listing:33%,workspace:10%", map[string]int{"companies": 300, "licenses": 300})
	companies := w.streamOf("companies")
	for i := range 40 {
		companies.addCandidates([]cdc.ID{oldID(i)})
	}
	for i := range 40 {
		w.streamOf("licenses").addCandidates([]cdc.ID{oldID(i)})
	}
	if also := w.guard(w.streamOf("licenses")); len(also) != 1 || also[0] != companies || !companies.cursor.Held || companies.hasCandidates() {
		t.Errorf("also held: %v", also)
	}
	if released, words := w.releaseHeld(); len(released) != 2 || strings.Count(strings.Join(words, " "), "40 records") != 2 || companies.cursor.Held {
		t.Errorf("release of all: %v", words)
	}
}

// A right may be lost for one object of a listing.
func TestAnObjectOfAListingIsHeld(t *testing.T) {
	t.Parallel()
	w := guarded(t, "listing:33%,workspace:10%", map[string]int{"conversations": 1000})
	s := w.streams[0]
	for i := range 60 { // the notes: object 0
		s.addCandidates([]cdc.ID{oldID(i)})
	}
	for i := 60; i < 1000; i++ {
		s.index.Put(oldID(i), cdc.Entry{Object: 1})
	}
	if w.guard(s); !s.cursor.Held {
		t.Error("all notes are gone, and nothing is held")
	}
}

// What an operator has let go is as much as was gone, and no more.
func TestAReleaseIsForWhatWasGone(t *testing.T) {
	t.Parallel()
	w := guarded(t, "listing:33%,workspace:10%", map[string]int{"campaigns": 1000})
	s := w.streams[0]
	if n := w.sweeps("campaigns", 400); n != 0 || w.metrics == nil {
		t.Fatalf("%d deleted", n)
	}
	if text := w.release(s); !strings.HasPrefix(text, "400 ") {
		t.Errorf("the answer is %q", text)
	}
	if n := w.sweeps("campaigns", 400); n != 400 || s.cursor.Released != 0 {
		t.Errorf("%d of 400 deleted, %d more are let go", n, s.cursor.Released)
	}
	if n := w.sweeps("campaigns", 30); n != 30 {
		t.Error("what an operator has let go counts against the next deletes")
	}
	w.sweeps("campaigns", 300)
	w.release(s)
	if n := w.sweeps("campaigns", 550); n != 0 || !s.cursor.Held {
		t.Errorf("%d deleted of 550, of which an operator has seen 300", n)
	}
}

// A record just made may be missing where the vendor lags behind, in a listing
// and by its id.
func TestAYoungRecordIsNoCandidate(t *testing.T) {
	t.Parallel()
	s := guarded(t, "off", map[string]int{"campaigns": 0}).streams[0]
	for _, tc := range []struct {
		target, age time.Duration
		candidate   bool
	}{
		{time.Hour, 59 * time.Second, false}, {time.Hour, 61 * time.Second, true}, {5 * time.Second, 6 * time.Second, true}, {5 * time.Second, 4 * time.Second, false},
		{time.Hour, -30 * time.Second, false}, {time.Hour, -time.Hour, true},
	} {
		s.schedule.target = tc.target
		var id cdc.ID
		binary.BigEndian.PutUint32(id[:], uint32(today.Add(-tc.age).Unix()))
		if got := len(s.settled([]cdc.ID{id}, today)) == 1; got != tc.candidate {
			t.Errorf("%s old, target %s: candidate %v", tc.age, tc.target, got)
		}
	}
}

// A row that shows a deleted record as it was is no create before two sweeps in
// a row show it; one with a newer stamp is one at once.
func TestADeletedRecordIsShownAgain(t *testing.T) {
	t.Parallel()
	s := streamFor(t, "companies")
	s.cursor.SnapshotDone = true
	id := oldID(1)
	row := func(stamp string) cdc.Sighting {
		sighting, err := cdc.Sight(id.String(), fmt.Appendf(nil, `{"_id":"%s","updatedAt":%q}`, id, stamp))
		if err == nil {
			err = sighting.Inspect(&s.shape)
		}
		if err != nil {
			t.Fatal(err)
		}
		return sighting
	}
	last := row("2026-01-02T00:00:00.000Z")
	sweeps := 0
	show := func(sweep bool, seen ...cdc.Sighting) (creates int) {
		s.pending.reset()
		if s.scan.sweep = nil; sweep {
			s.scan.sweep = cdc.NewSweep(cdc.SweepPosition{}, 2, 1, false)
			sweeps++
			s.schedule.swept = today.Add(time.Duration(sweeps) * time.Minute)
		}
		for _, r := range seen {
			if err := s.admitRow(r); err != nil {
				t.Fatal(err)
			}
		}
		s.visitGraves(s.schedule.swept)
		return len(s.pending.changes)
	}
	bury := func() { s.bury(id, cdc.Entry{Stamp: last.Facts.Stamp}, s.schedule.swept) }
	bury()
	if n := show(false, last) + show(false, last) + show(true, last) + show(false, last); n != 0 {
		t.Errorf("%d creates of a record that one sweep showed after its delete", n)
	}
	if n := show(true); n != 0 {
		t.Fatal(n)
	}
	if n := show(true, last); n != 0 {
		t.Errorf("%d creates: two sweeps showed it, but not in a row", n)
	}
	if n := show(true, last); n != 1 || s.pending.changes[0].op != opCreate || s.pending.changes[0].hasPrior {
		t.Errorf("%d changes: a record that two sweeps in a row show is there", n)
	}
	bury()
	if n := show(false, row("2026-01-01T00:00:00.000Z")); n != 0 {
		t.Error("an older version of a deleted record is taken for a new one")
	}
	if n := show(false, row("2026-01-03T00:00:00.000Z")); n != 1 {
		t.Error("a newer version of a deleted record is no create")
	}
	bury()
	s.schedule.swept = today.Add(48 * time.Hour)
	if show(true); len(s.graves) == 0 {
		t.Error("a grave is forgotten too early")
	}
	if s.visitGraves(today.Add(96 * time.Hour)); len(s.graves) != 0 {
		t.Error("a grave is never forgotten")
	}
	for i := range maxGraves + 10 {
		s.bury(oldID(i), cdc.Entry{}, today)
	}
	if n := len(s.graves); n > maxGraves {
		t.Errorf("%d graves", n)
	}
}

func TestEverySignalHasAnOrder(t *testing.T) {
	t.Parallel()
	for _, name := range schemas.Signals() {
		if signalOrders[name].obey == nil {
			t.Errorf("%s is not obeyed", name)
		}
	}
}
