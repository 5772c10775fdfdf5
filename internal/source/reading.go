package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// reading is the reading of a whole listing of which people are told: what it
// takes before it begins, how far it is, and its end. The zero value is none.
type reading struct {
	active  bool
	planned bool
	told    bool
	ended   bool     // it is told of until all are
	parts   []*probe // the listing and, where there is one, that of archived records
	calls   int      // that it takes in all; 0: nobody knows
	made    int      // when it ended
}

// ends notes that the listing has been read.
func (r *reading) ends(made int) {
	if r.active {
		r.active, r.ended, r.made = false, true, made
	}
}

// plan lets the reading of a listing that is about to begin, or to go on, be
// planned and told of.
func (s *stream) plan() {
	s.reading = reading{active: true}
	switch pos := s.cursor.Sweep; {
	case pos == nil && s.cursor.SnapshotDone && s.cursor.SnapshotRows > 0: // it has been read before
		s.reading.planned, s.reading.calls = true, s.pages()
	case pos == nil:
		s.reading.parts = append(s.reading.parts, newProbe(s.pageSize(), 0))
	default:
		s.reading.parts = append(s.reading.parts, newProbe(s.pageSize(), pos.Offset))
	}
	if s.archive && !s.reading.planned && (s.cursor.Sweep == nil || !s.cursor.Sweep.Archived) {
		s.reading.parts = append(s.reading.parts, newProbe(s.pageSize(), 0))
	}
}

// unplanned tells whether there are questions to ask before the reading begins.
func (r *reading) unplanned() bool { return r.active && !r.planned }

// question is the place to ask for, and in which part; more is false where all
// has been answered.
func (r *reading) question() (part, offset int, more bool) {
	for i, p := range r.parts {
		if offset, more := p.next(); more {
			return i, offset, true
		}
	}
	return 0, 0, false
}

// stepPlan asks whether one row of the listing is there. The row itself is not
// looked at: what is captured comes in the order of the sweep.
func (w *workspace) stepPlan(ctx context.Context, s *stream) error {
	r := &s.reading
	i, offset, more := r.question()
	if more {
		archived := s.archive && (i > 0 || s.cursor.Sweep != nil && s.cursor.Sweep.Archived)
		page, err := w.client.Page(ctx, s.objects[0].spec.Object, planhat.ListOptions{
			Sort: "_id", Offset: offset, Limit: 1, Archived: archived, CompanyIDs: s.filter,
		})
		if err != nil {
			return err
		}
		r.parts[i].answer(len(page.Rows) > 0)
	}
	if _, _, more = r.question(); more {
		return nil
	}
	r.planned, r.calls = true, 0
	for _, p := range r.parts {
		if p.calls() == 0 {
			r.calls = 0
			break
		}
		r.calls += p.calls()
	}
	return nil
}

// callsMade are the calls of the sweep under way, those of an earlier process
// among them.
func (s *stream) callsMade() int {
	switch {
	case s.scan.sweep != nil:
		return s.scan.calls + s.scan.sweep.Position().Calls
	case s.cursor.Sweep != nil:
		return s.scan.calls + s.cursor.Sweep.Calls
	}
	return s.scan.calls
}

// planning tells whether a stream has still to be asked how long its reading
// takes. One that is in trouble keeps nobody waiting.
func (w *workspace) planning() bool {
	return slices.ContainsFunc(w.streams, func(s *stream) bool {
		return s.reading.unplanned() && s.paused == nil && s.health.failures == 0 && !s.health.held && s.health.state != stateForbidden
	})
}

// waits tells whether a stream's reading has to wait until all are planned.
func (s *stream) waits(planning bool) bool { return planning && s.reading.planned && !s.reading.told }

// SnapshotStatus is how far the reading of listings is.
type SnapshotStatus struct {
	Streams     int     `json:"streams"`       // that are read, or have been while others are
	Left        int     `json:"streams_left"`  // of these
	Calls       int     `json:"calls_made"`    // for all of them
	Expected    int     `json:"calls_planned"` // as far as is known
	Records     int     `json:"records"`       // so far
	MinutesLeft float64 `json:"minutes_left"`
	Unknown     int     `json:"streams_of_unknown_length,omitempty"`
}

// snapshot adds up what is being read.
func (w *workspace) snapshot() (st SnapshotStatus) {
	left := 0
	for _, s := range w.streams {
		r, made := &s.reading, s.callsMade()
		if r.ended {
			made = r.made
		}
		if !r.planned || s.paused != nil {
			continue
		}
		st.Streams++
		st.Calls, st.Expected, st.Records = st.Calls+made, st.Expected+r.calls, st.Records+s.index.Len()
		if r.active {
			st.Left++
			left += max(r.calls-made, 1)
		}
		if r.active && r.calls == 0 {
			st.Unknown++
		}
	}
	st.MinutesLeft = round2(float64(left) / w.callsForReading())
	return st
}

// callsForReading are the calls a minute that polls leave.
func (w *workspace) callsForReading() float64 {
	polls, _ := w.needs()
	return w.callsPerMinute - min(polls, pollCallShare*w.callsPerMinute)
}

// report tells of readings: what they take before they begin, how far they are
// every so often, and that all are done.
func (w *workspace) report(ctx context.Context) error {
	if w.orders.Paused != nil {
		return nil
	}
	w.mu.Lock()
	now, st := w.now(), w.snapshot()
	w.snapshotShown = st
	w.metrics.minutesLeft.WithLabelValues(w.cfg.Name).Set(w.snapshotShown.MinutesLeft)
	planning := w.planning()
	w.mu.Unlock()
	begun := !w.reported.IsZero()
	switch {
	case st.Left == 0 && begun:
		if !w.forgetReadings() {
			return nil
		}
		w.log.Info("all snapshots are complete", "workspace", w.cfg.Name, "calls_made", st.Calls, "calls_planned", st.Expected, "records", st.Records)
		w.notify(schemas.Notification{Kind: schemas.NotifySnapshotCompleted, Snapshot: st.progress(), Message: "every record of every listing has been read"})
	case !planning && w.untold():
		return w.announce(ctx, now)
	case !begun && st.Left > 0 && !planning: // one that was announced goes on after a pause
		w.reported = now
	case begun && now.Sub(w.reported) >= progressEvery:
		w.reported = now
		w.log.Info("snapshot goes on", "workspace", w.cfg.Name, "streams_left", st.Left, "calls_made", st.Calls, "calls_planned", st.Expected,
			"records", st.Records, "minutes_left", st.MinutesLeft)
		w.notify(schemas.Notification{Kind: schemas.NotifySnapshotProgress, Snapshot: st.progress(), Message: fmt.Sprintf(
			"%d of %d calls are made, %d records read; %.2f minutes are left", st.Calls, st.Expected, st.Records, st.MinutesLeft)})
	}
	return nil
}

// forgetReadings forgets those that have ended, and says whether these are all.
func (w *workspace) forgetReadings() (all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reported, w.snapshotShown = time.Time{}, SnapshotStatus{}
	all = true
	for _, s := range w.streams {
		if s.reading.active {
			all = false
			continue
		}
		s.reading = reading{}
		w.show(s)
	}
	return all
}

func (st SnapshotStatus) progress() *schemas.SnapshotProgress {
	return &schemas.SnapshotProgress{Records: st.Records, Calls: st.Calls, CallsExpected: st.Expected, MinutesLeft: st.MinutesLeft}
}

func (w *workspace) untold() bool {
	return slices.ContainsFunc(w.streams, func(s *stream) bool { return s.reading.planned && !s.reading.told })
}

// announce says what the snapshots take before they begin; it is on its topic
// before any record that they read.
func (w *workspace) announce(ctx context.Context, now time.Time) error {
	w.mu.Lock()
	w.pace() // the targets that cannot be met, now that it is known how long the listings are
	st := w.snapshot()
	w.snapshotShown, w.reported = st, now
	var most []*stream
	for _, s := range w.streams {
		if s.reading.planned && !s.reading.told {
			s.reading.told = true
			most = append(most, s)
			w.show(s)
		}
	}
	w.mu.Unlock()
	slices.SortStableFunc(most, func(a, b *stream) int { return b.reading.calls - a.reading.calls })
	longest := make([]string, 0, 3)
	for _, s := range most[:min(len(most), 3)] {
		longest = append(longest, fmt.Sprintf("%s %d", s.listing, s.reading.calls))
	}
	w.log.Info("snapshot is planned", "workspace", w.cfg.Name, "streams", st.Streams, "streams_of_unknown_length", st.Unknown,
		"calls_made", st.Calls, "calls_planned", st.Expected, "minutes", st.MinutesLeft, "calls_per_minute_at_most", w.callsPerMinute, "longest", strings.Join(longest, ", "))
	message := fmt.Sprintf("reading %d listings takes %d calls, %d of them are made; the rest takes %.2f minutes at %g calls a minute; the longest: %s",
		st.Streams, st.Expected, st.Calls, st.MinutesLeft, w.callsPerMinute, strings.Join(longest, ", "))
	if st.Unknown > 0 {
		message += fmt.Sprintf("; of %d of them nobody knows how long they are", st.Unknown)
	}
	w.notify(schemas.Notification{Kind: schemas.NotifySnapshotPlanned, Snapshot: st.progress(), Message: message})
	return w.transact(ctx, nil, func(*shard.Tx) error { return nil })
}
