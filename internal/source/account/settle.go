package account

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// settleBatch looks at the records that webhooks tell of, and writes what changed
// and the positions behind them in one transaction.
func (a *Account) settleBatch(ctx context.Context, b *batch) error {
	if b.lost != "" {
		a.eventsLost(b.lost)
		b.lost = ""
	}
	if b.heard == nil {
		h := a.gather(b.records)
		b.heard = &h
	}
	if err := a.settle(ctx, b.heard.asks); err != nil {
		return err
	}
	for m := range b.heard.merges {
		if err := a.settleMerge(ctx, m); err != nil {
			return a.keep(ctx, err)
		}
	}
	return a.flush(ctx, writes{places: &b.at})
}

// eventsLost says that webhooks were lost after they were received; what they told
// of is found by a reconciliation at once.
func (a *Account) eventsLost(why string) {
	a.log.Error("webhooks are lost: a reconciliation fills the gap", "account", a.cfg.Name, "cause", why)
	a.metrics.lost.WithLabelValues(a.cfg.Name).Inc()
	a.notify(schemas.Notification{Kind: schemas.NotifyEventsLost, Message: why + "; everything that changed meanwhile is read again"})
	a.reconcileNow(time.Time{})
	for _, s := range a.streams {
		s.sweepAt, s.cursor.Swept = a.now(), 0 // deletes are in no listing of what changed
	}
}

// settle looks at records. Where that fails half way, what was read is written,
// and the debts are as they were.
func (a *Account) settle(ctx context.Context, q asks) error {
	var before [][]debt
	for _, s := range a.streams {
		before = append(before, slices.Clone(s.cursor.Debts))
	}
	for _, s := range a.streams {
		if !s.works() {
			continue // since the webhooks were read: what changed is read afterwards
		}
		q.remember(s)
		if err := a.settleStream(ctx, s, q); err != nil {
			for i, s := range a.streams {
				s.cursor.Debts = before[i]
			}
			return a.keep(ctx, err)
		}
	}
	a.passed(PointAdmitted)
	return nil
}

// keep writes what was admitted before an error.
func (a *Account) keep(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if lost := a.flush(ctx, writes{}); lost != nil {
		return lost
	}
	return err
}

// settleStream asks for the records of a stream: singly, or by lists where these
// cost less. Who is said to be deleted is in no list.
func (a *Account) settleStream(ctx context.Context, s *stream, q asks) error {
	var singles, listed []int64
	for _, id := range q.ids(s) {
		if q[s][id].deleted {
			singles = append(singles, id)
		} else {
			listed = append(listed, id)
		}
	}
	switch {
	case len(listed)*s.GetTokens <= s.ListTokens:
		singles, listed = append(singles, listed...), nil
	case !s.IDs:
		left, err := a.settleRecent(ctx, s, q[s], listed)
		if err != nil {
			return err
		}
		singles, listed = append(singles, left...), nil
	}
	for chunk := range slices.Chunk(listed, pipedrive.MaxIDs) {
		left, err := a.settleListed(ctx, s, q[s], chunk)
		if err != nil {
			return err
		}
		singles = append(singles, left...)
	}
	for _, id := range singles {
		if err := a.settleSingle(ctx, s, q[s][id]); err != nil {
			return err
		}
	}
	return nil
}

// settleListed asks for a list of ids, and gives those that it does not show:
// deleted, archived, or not there yet.
func (a *Account) settleListed(ctx context.Context, s *stream, asked map[int64]*ask, ids []int64) (left []int64, err error) {
	page, err := a.page(ctx, s, pipedrive.ListOptions{IDs: ids})
	if a.refusedList(s, err) {
		return ids, nil
	}
	if err != nil {
		return nil, err
	}
	shown := map[int64]bool{}
	for _, r := range page.Rows {
		if k := asked[r.ID]; k != nil {
			shown[r.ID] = true
			a.judge(s, k, r)
		}
	}
	for _, id := range ids {
		if !shown[id] {
			left = append(left, id)
		}
	}
	return left, a.ease(ctx)
}

// settleRecent looks for records in the listing of what changed since the oldest of
// their webhooks, for as many pages as cost less than the records do, and gives
// those that it does not show.
func (a *Account) settleRecent(ctx context.Context, s *stream, asked map[int64]*ask, ids []int64) ([]int64, error) {
	since := asked[ids[0]].stamp
	for _, id := range ids {
		since = min(since, asked[id].stamp)
	}
	if since == 0 || !s.UpdatedSince {
		return ids, nil
	}
	opts := pipedrive.ListOptions{UpdatedSince: timeOf(since), SortBy: "update_time"}
	for left := ids; ; {
		page, err := a.page(ctx, s, opts)
		if a.refusedList(s, err) {
			return left, nil
		}
		if err != nil {
			return nil, err
		}
		for _, r := range page.Rows {
			if k := asked[r.ID]; k != nil && slices.Contains(left, r.ID) {
				a.judge(s, k, r)
				left = slices.DeleteFunc(slices.Clone(left), func(id int64) bool { return id == r.ID })
			}
		}
		if err := a.ease(ctx); err != nil || !page.More || len(left)*s.GetTokens <= s.ListTokens {
			return left, err
		}
		opts = opts.After(page)
	}
}

// refusedList says that a listing does not answer, today or for this token: its
// records are asked for singly, as webhooks must not wait for it.
func (a *Account) refusedList(s *stream, err error) bool {
	switch pipedrive.KindOf(err) {
	case pipedrive.KindForbidden, pipedrive.KindInvalid, pipedrive.KindMalformed, pipedrive.KindNotFound:
	default:
		return false
	}
	a.log.Warn("a listing cannot be read for webhooks", "account", a.cfg.Name, "object", string(s.Object), "error", err.Error())
	a.metrics.failures.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
	return true
}

func (a *Account) settleSingle(ctx context.Context, s *stream, k *ask) error {
	r, err := a.get(ctx, s, k.id)
	switch pipedrive.KindOf(err) {
	case pipedrive.KindNone:
		if err != nil {
			return err
		}
		a.judge(s, k, r)
	case pipedrive.KindNotFound:
		a.missing(s, k)
	case pipedrive.KindForbidden, pipedrive.KindInvalid, pipedrive.KindMalformed:
		a.log.Warn("a record cannot be read", "account", a.cfg.Name, "object", string(s.Object), "id", k.id, "error", err.Error())
		a.metrics.failures.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
		a.owe(s, k)
	default:
		if !a.passesOver(ctx, s, k.id, k.tries > 0, err) {
			return err
		}
		a.owe(s, k)
	}
	return a.ease(ctx)
}

// stumble is a record that the vendor fails to answer for, and how often in a row.
type stumble struct {
	stream *stream
	id     int64
	times  int
}

// maxStumbles is how often in a row a record may fail before others go on without it.
const maxStumbles = 3

// passesOver says that a record is to be left for later: the vendor fails to answer
// for it again and again, while it answers other calls. One that is asked for
// again has failed before.
func (a *Account) passesOver(ctx context.Context, s *stream, id int64, again bool, err error) bool {
	failed, ok := errors.AsType[*pipedrive.Error](err)
	if !ok || failed.Kind != pipedrive.KindUnavailable || failed.Status < http.StatusInternalServerError {
		return false
	}
	if a.stumbled.stream != s || a.stumbled.id != id {
		a.stumbled = stumble{stream: s, id: id}
	}
	if a.stumbled.times++; a.stumbled.times < maxStumbles && !again {
		return false
	}
	a.stumbled = stumble{}
	if _, down := a.client.Verify(ctx); down != nil {
		return false
	}
	a.log.Warn("a record cannot be read", "account", a.cfg.Name, "object", string(s.Object), "id", id, "error", err.Error())
	a.metrics.failures.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
	return true
}

// ease writes the pending changes where they are too many for one transaction.
// Positions and debts are not settled by it.
func (a *Account) ease(ctx context.Context) error {
	if a.pending.bytes < maxPendingBytes {
		return nil
	}
	return a.flush(ctx, writes{})
}

// judge takes a row that REST shows for a record of which webhooks have told.
func (a *Account) judge(s *stream, k *ask, r pipedrive.Row) {
	if c := a.pending.of(s, idOf(r.ID)); c != nil {
		if !c.outdatedBy(r) {
			return // the same answer, by another way
		}
		k.created, k.told = k.created || c.op == opCreate, k.told.with(c.told)
		a.pending.drop(s, c.id)
	}
	shown, err := a.admit(s, look{row: r, by: byEvent, created: k.created, told: k.told})
	stamp := rowStamp(r)
	switch {
	case err != nil:
		a.log.Error("a record cannot be used", "account", a.cfg.Name, "object", string(s.Object), "id", k.id, "error", err.Error())
		a.metrics.failures.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
	case shown == gone:
		a.bury(s, idOf(r.ID), max(stamp, k.stamp), false)
	case shown == echo, stamp != 0 && stamp < k.stamp, k.deleted && stamp <= k.stamp:
		a.owe(s, k) // the vendor's answer is older than its webhook
	case shown == stale && len(k.told) > 0:
		a.owe(s, k) // or than what is known: it does not show what is empty now
	default:
		s.paid(k, stamp)
	}
}

// paid takes a record off the debts that a row settles.
func (s *stream) paid(k *ask, stamp int64) {
	s.cursor.Debts = slices.DeleteFunc(s.cursor.Debts, func(d debt) bool { return d.ID == k.id && !d.Deleted && d.Stamp <= stamp && d.Tries != k.tries })
}

func rowStamp(r pipedrive.Row) int64 {
	if at := pipedrive.UpdateTime(r.Raw); !at.IsZero() {
		return at.UnixMilli()
	}
	return 0
}

// missing takes the answer that a record does not exist. Where a webhook said that
// it was deleted, it was. Else it may not be there yet, or be hidden: it is asked
// for again, and at last it is for the guard to say whether it may be deleted.
func (a *Account) missing(s *stream, k *ask) {
	id := idOf(k.id)
	_, known := s.index.Get(id)
	g, buried := s.graves[id]
	switch {
	case k.deleted && known:
		a.bury(s, id, k.stamp, false)
	case k.deleted || buried && k.stamp <= g.stamp:
	default:
		k.gone = true
		a.owe(s, k)
	}
}

// maxDebts bounds the records of a stream that are asked for again; beyond it a
// reconciliation finds them. maxHints bounds what they tell of fields: beyond it
// only the record's last change says what was cleared. A cursor has to fit into a
// record of the state.
const (
	maxDebts = 2000
	maxHints = 4000
)

// hints are those of all debts.
func (s *stream) hints() (n int) {
	for _, d := range s.cursor.Debts {
		n += len(d.Hints)
	}
	return n
}

// owe has a record asked for again, later and later, and at last no more.
func (a *Account) owe(s *stream, k *ask) {
	a.metrics.lagging.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
	s.cursor.Debts = slices.DeleteFunc(s.cursor.Debts, func(d debt) bool { return d.ID == k.id })
	switch {
	case k.tries >= a.times.Tries:
		a.log.Warn("REST does not show a record as its webhook said", "account", a.cfg.Name, "object", string(s.Object), "id", k.id, "tries", k.tries)
		if _, known := s.index.Get(idOf(k.id)); known && k.gone {
			s.cursor.Capture.AddCandidates(idOf(k.id))
		}
	case len(s.cursor.Debts) >= maxDebts:
		s.reconcileAt = a.now()
	default:
		wait := doubled(a.times.Again, k.tries, time.Minute)
		if s.hints()+len(k.told) > maxHints {
			k.told = names{}
		}
		s.cursor.Debts = append(s.cursor.Debts, debt{
			ID: k.id, Stamp: k.stamp, Deleted: k.deleted, Created: k.created, Hints: k.told.sorted(), Tries: k.tries + 1, At: a.now().Add(wait).UnixMilli(),
		})
	}
}

// settleDebts asks for the records that are due to be asked for again.
func (a *Account) settleDebts(ctx context.Context) (bool, error) {
	q, now := asks{}, a.now().UnixMilli()
	for _, s := range a.streams {
		for _, d := range s.cursor.Debts {
			if d.At > now || !s.works() {
				continue
			}
			k := q.of(s, d.ID)
			k.stamp, k.deleted, k.created, k.told, k.tries = d.Stamp, d.Deleted, d.Created, namesOf(d.Hints), d.Tries
		}
	}
	if len(q) == 0 {
		return false, nil
	}
	if err := a.settle(ctx, q); err != nil {
		return false, err
	}
	for s, asked := range q { // what is still owed was tried once more
		s.cursor.Debts = slices.DeleteFunc(s.cursor.Debts, func(d debt) bool { return asked[d.ID] != nil && d.Tries == asked[d.ID].tries })
	}
	return true, a.flush(ctx, writes{})
}

// nextDebt is how long until a record is due to be asked for again.
func (a *Account) nextDebt() time.Duration {
	wait := maxIdle
	for _, s := range a.streams {
		if !s.works() {
			continue
		}
		for _, d := range s.cursor.Debts {
			wait = min(wait, timeOf(d.At).Sub(a.now()))
		}
	}
	return max(wait, 0)
}

// settleMerge reads what hangs on the survivor of a merge: whether those records
// have webhooks of their own is not known.
func (a *Account) settleMerge(ctx context.Context, m merge) error {
	for _, h := range hangs[m.object] {
		s := a.streamOf(string(h.object))
		if s == nil || !s.works() {
			continue
		}
		for _, p := range s.live {
			opts := p.options()
			h.of(&opts, m.survivor)
			err := a.readAll(ctx, s, opts)
			if a.refusedList(s, err) {
				s.sweepAt = a.now() // which finds what the merge has moved
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readAll reads all pages of a listing.
func (a *Account) readAll(ctx context.Context, s *stream, opts pipedrive.ListOptions) error {
	for {
		page, err := a.page(ctx, s, opts)
		if err != nil {
			return err
		}
		q := asks{}
		for _, r := range page.Rows {
			q.of(s, r.ID)
		}
		q.remember(s)
		for _, r := range page.Rows {
			a.judge(s, q[s][r.ID], r)
		}
		if err := a.ease(ctx); err != nil || !page.More {
			return err
		}
		opts = opts.After(page)
	}
}
