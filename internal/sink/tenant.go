package sink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// tenant is what is known of a workspace's tenant: the ids of the first rows of up to
// three listings, and the mark of the token that showed them. The sink has no index as the
// source has; it notes what it sees when it first uses a token, in the state, and holds
// every other token to it. The same token is that of the same tenant.
type tenant struct {
	noted sync.Mutex
	seen  sightings // of the goroutine that looks; replaced, never changed
	dirty bool
}

type sightings struct {
	Token string                      `json:"token"` // its mark; it cannot be told from that
	Known map[planhat.Object][]string `json:"known"`
}

type tenantRecord struct {
	Version int `json:"version"`
	sightings
}

// markOf tells tokens apart, of one address.
func markOf(address, token string) string {
	sum := sha256.Sum256([]byte(address + "\x00" + token))
	return hex.EncodeToString(sum[:16])
}

// restoreTenant reads the state record; nil is none.
func restoreTenant(value []byte) (sightings, error) {
	if value == nil {
		return sightings{}, nil
	}
	var r tenantRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return sightings{}, fmt.Errorf("read what is known of the tenant: %w", err)
	}
	if r.Version > stateVersion {
		return sightings{}, fmt.Errorf("what is known of the tenant is of version %d, this bridge knows %d: use a newer one", r.Version, stateVersion)
	}
	return r.sightings, nil
}

// unsaved returns the state record that is due: none if the state has it.
func (t *tenant) unsaved() (value []byte, due bool) {
	t.noted.Lock()
	defer t.noted.Unlock()
	if !t.dirty {
		return nil, false
	}
	t.dirty = false
	value, _ = json.Marshal(tenantRecord{stateVersion, t.seen}) //nolint:errchkjson // maps of texts
	return value, true
}

// count is how many records are known.
func (t *tenant) count() int {
	n := 0
	for _, ids := range t.seen.Known {
		n += len(ids)
	}
	return n
}

// same holds the page of a listing to what is known; else the first and the last known
// record of each listing are asked for.
func (a *access) same(ctx context.Context, object planhat.Object, rows []planhat.Row) (bool, error) {
	if a.count() < service.FewKnown || a.seen.Token == a.mark() {
		return true, nil
	}
	if a.shows(object, rows) {
		return true, nil
	}
	var witnesses []service.Witness
	for _, o := range a.order {
		if len(a.seen.Known[o]) > 0 {
			witnesses = append(witnesses, func(ctx context.Context) (bool, error) { return a.recognize(ctx, o) })
		}
	}
	return service.SameTenant(ctx, witnesses, false)
}

func (t *tenant) shows(object planhat.Object, rows []planhat.Row) bool {
	return slices.ContainsFunc(rows, func(r planhat.Row) bool { return slices.Contains(t.seen.Known[object], r.ID) })
}

// mark is that of the token that is looked at.
func (a *access) mark() string { return markOf(a.w.cfg.BaseURL, a.asked) }

// recognize tells whether a listing, or a GET, shows a record that is known.
func (a *access) recognize(ctx context.Context, object planhat.Object) (bool, error) {
	page, err := a.client.Page(ctx, object, planhat.ListOptions{Sort: "_id", Limit: service.WitnessRows})
	if err != nil || a.shows(object, page.Rows) {
		return err == nil, err
	}
	ids := a.seen.Known[object]
	for _, id := range []string{ids[0], ids[len(ids)-1]} {
		_, err := a.client.Get(ctx, object, planhat.ByID(id))
		if err == nil {
			return true, nil
		}
		if !service.SaysNothing(err) {
			return false, err
		}
	}
	return false, nil
}

// learn notes the page of a token that was found to be right, and a page of the two
// listings behind it: all that is in one may be gone one day.
func (a *access) learn(ctx context.Context, object planhat.Object, rows []planhat.Row) {
	if a.seen.Token == a.mark() && len(rows) > 0 && 2*a.overlap(object, rows) >= len(a.seen.Known[object]) {
		return
	}
	known := map[planhat.Object][]string{object: idsOf(rows)}
	for _, o := range a.order[1:min(service.WitnessListings, len(a.order))] {
		page, err := a.client.Page(ctx, o, planhat.ListOptions{Sort: "_id", Limit: service.WitnessRows})
		if err == nil && len(page.Rows) > 0 {
			known[o] = idsOf(page.Rows)
		}
	}
	a.noted.Lock()
	defer a.noted.Unlock()
	a.seen, a.dirty = sightings{a.mark(), known}, true
}

// overlap is how many rows of a page are known.
func (t *tenant) overlap(object planhat.Object, rows []planhat.Row) int {
	n := 0
	for _, r := range rows {
		if slices.Contains(t.seen.Known[object], r.ID) {
			n++
		}
	}
	return n
}

func idsOf(rows []planhat.Row) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}
