package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// identity is what is known of whose data the vendor answers with. No answer of
// Planhat names its tenant; but ids are never given twice, so that a tenant is
// known by the records that were captured of it. Before anything is admitted in
// a tenure, and after each change of the token, one of them has to be there.
type identity struct {
	sure     bool
	token    string // for which it is
	accepted bool   // by an operator: what is known is not there, and that is right
}

// wrongTenantRetry is how often a tenant that is another one is looked at again; with
// another token at once.
const wrongTenantRetry = time.Minute

var (
	errWrongTenant  = errors.New("planhat shows none of the records that were captured of this workspace, but others")
	errTokenChanged = errors.New("the token changed while it was used: the answer may be that of another tenant")
)

// identify makes sure that the token is that of the tenant that was captured.
func (w *workspace) identify(ctx context.Context, s *stream) error {
	token := w.cfg.Token.Current()
	if w.identity.sure && w.identity.token == token {
		return nil
	}
	w.identity = identity{token: token}
	same, err := w.sameTenant(ctx, s)
	switch {
	case err != nil:
		return err
	case !same:
		return errWrongTenant
	case w.cfg.Token.Current() != token:
		return errTokenChanged
	}
	w.identity.sure = true
	return nil
}

// familiar is asked with the first page of a scan, before it is admitted: a page
// of which no row is known may be that of another tenant.
func (w *workspace) familiar(ctx context.Context, s *stream, rows []cdc.Sighting) error {
	if len(rows) == 0 || s.index.Len() < service.FewKnown || !s.cursor.SnapshotDone || w.identity.accepted {
		return nil
	}
	for _, row := range rows {
		if _, known := s.index.Get(row.ID); known {
			return nil
		}
	}
	if !slices.ContainsFunc(rows, s.captures) {
		return nil // nothing of it is admitted, whoever's it is
	}
	w.identity.sure = false
	return w.identify(ctx, s)
}

// captures says that a row is of an object and a company that are captured, as
// far as can be told.
func (s *stream) captures(row cdc.Sighting) bool {
	if row.Inspect(&s.shape) != nil {
		return true
	}
	kind, wanted := s.objectOf(row.Facts.Type)
	return wanted && selected(s.companies, s.objects[kind].spec, row.Raw)
}

// tokenStands says that an answer came for the token that was found to be right.
func (w *workspace) tokenStands() bool { return w.cfg.Token.Current() == w.identity.token }

// sameTenant looks for a record that is known: in the stream at hand, then in a
// few others, as much may have been deleted since.
func (w *workspace) sameTenant(ctx context.Context, at *stream) (bool, error) {
	var witnesses []*stream
	known := 0
	for _, s := range w.streams {
		known += s.index.Len()
		if s != at && s.index.Len() > 0 {
			witnesses = append(witnesses, s)
		}
	}
	if known < service.FewKnown {
		return true, nil
	}
	if at.index.Len() > 0 {
		witnesses = append([]*stream{at}, witnesses...)
	}
	asks := make([]service.Witness, len(witnesses))
	for n, s := range witnesses {
		asks[n] = func(ctx context.Context) (bool, error) { return w.recognize(ctx, s) }
	}
	return service.SameTenant(ctx, asks, at.index.Len() > 0)
}

// recognize says whether a listing, or a GET, shows a record that is known.
func (w *workspace) recognize(ctx context.Context, s *stream) (bool, error) {
	page, err := w.client.Page(ctx, s.objects[0].spec.Object, planhat.ListOptions{Sort: "_id", Limit: service.WitnessRows, CompanyIDs: s.filter})
	if err != nil {
		return false, err
	}
	rows, err := s.sight(nil, page.Rows)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		if _, known := s.index.Get(row.ID); known {
			return true, nil
		}
	}
	for id, e := range s.witnesses() {
		_, err := w.client.Get(ctx, s.objects[e.Object].spec.Object, planhat.ByID(id.String()))
		if err == nil {
			return true, nil
		}
		if !service.SaysNothing(err) {
			return false, err
		}
	}
	return false, nil
}

// witnesses are the oldest and the newest record that the listing did not leave out.
func (s *stream) witnesses() map[cdc.ID]cdc.Entry {
	var first, last cdc.ID
	found := map[cdc.ID]cdc.Entry{}
	for id, e := range s.index.All() {
		if s.missed(id) {
			continue
		}
		if first.IsZero() {
			first = id
			found[id] = e
			continue
		}
		if last != first {
			delete(found, last)
		}
		last = id
		found[id] = e
	}
	return found
}

// stranger pauses a workspace whose token is that of another tenant, and says so
// once.
func (w *workspace) stranger(s *stream, now time.Time) {
	if w.pause.state != service.StateWrongTenant {
		w.log.Error("planhat shows none of the records that are known, but others: the workspace is paused until it does",
			"workspace", w.cfg.Name, "remedy", w.wrongTenantRemedy())
		w.notify(schemas.Notification{Kind: schemas.NotifyTenantWrong, Message: w.wrongTenantRemedy()})
		w.metrics.wrongTenant.WithLabelValues(w.cfg.Name).Set(1)
	}
	w.pause = refusal{
		state: service.StateWrongTenant, token: w.cfg.Token.Current(), until: now.Add(wrongTenantRetry),
		cause: errWrongTenant.Error() + "; " + w.wrongTenantRemedy(),
	}
	s.schedule.due = now
}

func (w *workspace) wrongTenantRemedy() string {
	return fmt.Sprintf("nothing is written; to repair: give the workspace the token of its own tenant (PLANHAT_<NAME>_TOKEN, PLANHAT_<NAME>_BASE_URL). "+
		"Only if all its records were really replaced: %s", releaseCommand(w.cfg.Name, ""))
}

// acceptTenant takes the operator's word that the tenant is the right one.
func (w *workspace) acceptTenant() string {
	w.identity = identity{sure: true, token: w.cfg.Token.Current(), accepted: true}
	w.accepted()
	return "the tenant is taken for the right one: its records are captured, and those that are known and missing are found by sweeps"
}
