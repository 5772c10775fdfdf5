package faults_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

// between does something at the vendor before it answers a later page of the endusers'
// listing, some times; sort tells polls from sweeps.
func between(sort string, times int64, do func(w *world, n int64)) func(*world) {
	return func(w *world) {
		var n atomic.Int64
		w.front.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			q := r.URL.Query()
			if r.URL.Path == "/endusers" && q.Get("sort") == sort && q.Get("offset") != "0" && n.Load() < times {
				do(w, n.Add(1))
			}
			return false
		})
		for n.Load() < times {
			was := n.Load()
			if sort != "_id" {
				w.rewrite("endusers", 0, 2240) // more than a page of a poll holds
			}
			w.until("a later page", func() bool { return n.Load() > was })
		}
		w.front.Intercept(nil)
	}
}

// rewrite edits the records from one to another at one moment: all of them have one stamp.
func (w *world) rewrite(listing string, from, to int) {
	w.t.Helper()
	w.edit(func(tx *planhatsim.Tx) error {
		ids := tx.IDs(listing)
		for n, id := range ids[min(from, len(ids)):min(to, len(ids))] {
			if err := tx.Update(listing, id, fmt.Sprintf(`{"position":"Role %d of %d"}`, n, time.Now().UnixNano())); err != nil {
				return err
			}
		}
		return nil
	})
}

// some gives records of a listing: the first n from a place on.
func some(tx *planhatsim.Tx, from, n int) []string {
	ids := tx.IDs("endusers")
	from = min(max(from, 0), len(ids))
	return ids[from:min(from+n, len(ids))]
}

func change(tx *planhatsim.Tx, ids []string) error {
	for _, id := range ids {
		if err := tx.Update("endusers", id, fmt.Sprintf(`{"phone":"+47 %d"}`, time.Now().UnixNano())); err != nil {
			return err
		}
	}
	return nil
}

func remove(tx *planhatsim.Tx, ids []string) error {
	for _, id := range ids {
		if err := tx.Delete("endusers", id); err != nil {
			return err
		}
	}
	return nil
}

// Listings move while they are read.
func TestListingsThatMove(t *testing.T) {
	t.Parallel()
	const poll, sweep = "-updatedAt", "_id"
	edits := func(w *world, n int64) {
		w.edit(func(tx *planhatsim.Tx) error { // read already, not yet, and at the border
			return change(tx, append(append(some(tx, int(n), 2), some(tx, 1995+int(n), 8)...), some(tx, 2200+int(n), 2)...))
		})
	}
	deletes := func(rows int) func(w *world, n int64) {
		return func(w *world, _ int64) {
			w.edit(func(tx *planhatsim.Tx) error { // those that were read: what is unread moves up over the border
				return remove(tx, some(tx, 5, rows))
			})
		}
	}
	newest := func(w *world, _ int64) {
		w.edit(func(tx *planhatsim.Tx) error { return remove(tx, some(tx, 1200, 30)) })
	}
	var stories []story
	for name, begin := range map[string]func(*world){
		"edited in a poll": between(poll, 2, edits), "edited in a sweep": between(sweep, 4, edits),
		"deleted in a poll": between(poll, 2, newest), "deleted in a sweep, one": between(sweep, 4, deletes(1)), "deleted in a sweep, many": between(sweep, 4, deletes(60)),
		"all at once in a sweep": between(sweep, 4, func(w *world, n int64) { edits(w, n); deletes(7)(w, n); w.sim.Live(10) }),
	} {
		stories = append(stories, story{name: name, setting: large, still: true, begin: begin, end: func(*world) {}})
	}
	tell(t, stories)
}

// Thousands of rows have one stamp, and page borders lie between them.
func TestEqualStamps(t *testing.T) {
	t.Parallel()
	var stories []story
	for _, order := range planhatsim.SwitchValues()["tie_order"] {
		of := large
		of.sim = func(o *planhatsim.Options) { large.sim(o); o.Switches.TieOrder = order }
		stories = append(stories, story{name: order, setting: of, still: true, end: func(*world) {}, begin: func(w *world) {
			w.rewrite("endusers", 0, 2100)
			w.rewrite("endusers", 1000, 2250)
			w.rewrite("endusers", 1900, 2100)
		}})
	}
	tell(t, stories)
}

// Rows without a stamp, and stamps in every spelling, among the others; edited, too.
func TestStampsOfAllKinds(t *testing.T) {
	t.Parallel()
	spelt := []string{
		`"updatedAt":"2026-03-29T01:59:59.999Z"`, `"updatedAt":"2026-03-29T03:00:00.000+02:00"`, `"updatedAt":"2026-10-25T02:30:00+0200"`,
		`"updatedAt":"2026-10-25T02:30:00+0100"`, `"updatedAt":"2026-06-30T23:59:60.000Z"`, `"updatedAt":1772618400000`, `"updatedAt":null`, `"updatedAt":""`,
		`"updatedAt":"yesterday"`, `"updatedAt":{}`, `"nothing":true`, `"updatedAt":"2126-01-01T00:00:00.000Z"`, `"updatedAt":"1926-01-01T00:00:00.000Z"`,
	}
	put := func(w *world, round int) {
		w.edit(func(tx *planhatsim.Tx) error {
			company := tx.IDs("companies")[0]
			for n, stamp := range spelt {
				text := fmt.Sprintf(`{"_id":"77f0a1b2c3d4e5f6000003%02x","email":"odd-%d@example.test","companyId":%q,"position":"Round %d",%s}`, n, n, company, round, stamp)
				if err := tx.Put("endusers", text); err != nil {
					return err
				}
			}
			return nil
		})
	}
	tell(t, []story{{name: "put and edited", begin: func(w *world) {
		for round := range 3 {
			put(w, round)
			w.live(15)
		}
	}, end: func(*world) {}}})
}

// lag, in ms, is how old the vendor may say that a record does not exist: less than
// the freshness target, or a minute, as which no younger record is deleted.
const lag = 900

// The vendor answers from replicas that lag, keeps to no order, or shows what was
// written later than it was.
func TestAnswersOfAnotherTime(t *testing.T) {
	t.Parallel()
	var stories []story
	for name, f := range map[string]planhatsim.Fault{
		"stale": {Kind: "stale", Ms: 2500}, "stale by turns": {Kind: "stale", Ms: 2500, Probability: 0.5}, "stale records, too": {Kind: "stale", Ms: lag, Mode: "all", Probability: 0.5},
		"late": {Kind: "late", Ms: 3000}, "late and stale": {Kind: "late", Ms: lag, Mode: "all", Probability: 0.7},
		"shuffled": {Kind: "unsorted"}, "reversed": {Kind: "unsorted", Mode: "reversed"}, "sort ignored": {Kind: "unsorted", Mode: "ignored"},
	} {
		stories = append(stories, story{name: name, begin: func(w *world) {
			strikes(f, 6)(w)
			w.live(4 * lifeRate)
		}})
	}
	tell(t, stories)
}

// Clocks that are wrong, or step. The host's is time.Now everywhere, whose monotonic
// reading does not step; so it is only ever wrong.
func TestClocks(t *testing.T) {
	t.Parallel()
	const much = 10 * time.Minute
	host := func(wrong time.Duration) setting {
		return setting{deps: func(d *source.Deps) { d.Now = func() time.Time { return time.Now().Add(wrong) } }}
	}
	steps := func(to ...time.Duration) func(*world) {
		return func(w *world) {
			for _, wrong := range to {
				w.clock.set(wrong)
				w.live(25)
			}
		}
	}
	stay := func(*world) {}
	var stories []story
	for name, s := range map[string]story{
		"vendor ahead": {begin: steps(much), end: stay}, "vendor behind": {begin: steps(-much), end: stay},
		"vendor steps ahead and back": {begin: steps(much, 0), end: stay}, "vendor steps back and ahead": {begin: steps(-much, much), end: stay},
		"vendor steps back a little": {begin: steps(-time.Second, -2*time.Second), end: stay},
		"host ahead":                 {setting: host(much), begin: steps(0), end: stay}, "host behind": {setting: host(-much), begin: steps(0), end: stay},
		"both apart": {setting: host(much), begin: steps(-much), end: stay},
	} {
		s.name = name
		stories = append(stories, s)
	}
	tell(t, stories)
}

// A record that was edited before the vendor's clock stepped back, and again after
// it, has an older stamp than the one that was written. It is not lost.
func TestAStampThatWentBack(t *testing.T) {
	t.Parallel()
	tell(t, []story{{name: "edited before and after", still: true, begin: func(w *world) {
		id := w.ids("companies")[3]
		w.edit(func(tx *planhatsim.Tx) error { return tx.Update("companies", id, `{"phase":"Before the step"}`) })
		w.judge()
		w.clock.set(-10 * time.Minute)
		w.edit(func(tx *planhatsim.Tx) error { return tx.Update("companies", id, `{"phase":"After the step"}`) })
	}, end: func(*world) {}}})
}
