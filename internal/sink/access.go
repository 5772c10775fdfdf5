package sink

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// access holds a workspace's calls back until Planhat takes its token and shows that it is
// that of the workspace's own tenant: nothing is dead-lettered, the positions stand. The
// calls of commands are made with a token that was looked at, and with no other; a token
// that changes in its file is looked at first, whether there are commands or not.
//
// One goroutine does the looking. While a token is refused it spends one call each
// Times.TokenRetry; on a token that is good, none.
type access struct {
	w      *workspace
	client *planhat.Client // asks with the token that is looked at
	kick   chan struct{}   // somebody waits for a look

	// Of the goroutine that looks.
	asked string           // the token that is looked at
	order []planhat.Object // listings, the one first that was seen last
	tenant

	mu    sync.Mutex
	token string        // that may be used; "" none
	open  chan struct{} // closed while there is one
	next  *look         // that somebody waits for, and that has not begun
	since time.Time     // when the pause began; zero: none has been told of
}

// look is one look at the token.
type look struct {
	done     chan struct{}
	accepted bool
}

// tokenPoll is how often a changed token is looked for.
const tokenPoll = time.Second

var (
	errWrongTenant = errors.New("planhat shows none of the records that are known of this workspace, but others")
	errTokenNew    = errors.New("the token changed while it was looked at")
	errUnreadable  = errors.New("the token may read no listing")
)

func newAccess(w *workspace, seen sightings) (*access, error) {
	a := &access{w: w, kick: make(chan struct{}, 1), open: make(chan struct{}), tenant: tenant{seen: seen}}
	// Users last: nobody says that a person has another id in another tenant.
	for _, spec := range planhat.Objects() {
		if spec.Object != planhat.User && spec.Object != planhat.Company {
			a.order = append(a.order, spec.Object)
		}
	}
	a.order = append(append([]planhat.Object{planhat.Company}, a.order...), planhat.User)
	var err error
	a.client, err = w.newClient(func() string { return a.asked })
	return a, err
}

// use is the token for the calls of commands.
func (a *access) use() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token
}

// enter waits until calls may be made, and returns the token that they are made with.
func (a *access) enter(ctx context.Context) (string, error) {
	for {
		a.mu.Lock()
		token, open := a.token, a.open
		a.mu.Unlock()
		if token != "" {
			return token, nil
		}
		select {
		case <-open:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// again looks at a token once more, after a call with it was refused, and tells whether it
// is still good: then the refusal was for the call. A token that is not the one in use any
// more says nothing of the call; neither does one that is looked at already.
func (a *access) again(ctx context.Context, token string) (good bool, err error) {
	a.mu.Lock()
	if a.token != token {
		a.mu.Unlock()
		return false, nil
	}
	l := a.next
	if l == nil {
		l = &look{done: make(chan struct{})}
		a.next = l
	}
	a.mu.Unlock()
	select {
	case a.kick <- struct{}{}:
	default:
	}
	select {
	case <-l.done:
		return l.accepted, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// watch looks at the token at the start, when it changes, when a call with it is refused,
// and from time to time while it is not good.
func (a *access) watch(ctx context.Context) {
	for ctx.Err() == nil {
		a.mu.Lock()
		l := a.next
		a.next = nil
		a.mu.Unlock()
		changed := a.w.cfg.Token.Current() != a.asked
		err := a.look(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		retry := a.conclude(err)
		if l != nil {
			l.accepted = err == nil
			close(l.done)
		}
		a.rest(ctx, retry)
	}
}

// rest waits for a reason to look: the time, if there is one, another token, or somebody
// who waits for it.
func (a *access) rest(ctx context.Context, retry time.Duration) {
	tick := time.NewTicker(tokenPoll)
	defer tick.Stop()
	var due <-chan time.Time
	if retry > 0 {
		timer := time.NewTimer(retry)
		defer timer.Stop()
		due = timer.C
	}
	for a.w.cfg.Token.Current() == a.asked {
		select {
		case <-tick.C:
		case <-due:
			return
		case <-a.kick:
			return
		case <-ctx.Done():
			return
		}
	}
}

// look asks Planhat for a page with the token as it is now, and holds it to what is known.
// A token that was refused is shown to one listing, another one to as many as it takes.
func (a *access) look(ctx context.Context, changed bool) error {
	if now := a.w.cfg.Token.Current(); now != a.asked {
		if a.asked != "" {
			a.w.metrics.tokens.WithLabelValues(a.w.cfg.Name).Inc()
			a.w.log.Info("the token has changed: it is looked at", "workspace", a.w.cfg.Name)
		}
		a.asked = now
	}
	listings := len(a.order)
	if !changed && a.use() == "" && a.refusing() {
		listings = 1
	}
	object, rows, err := a.present(ctx, listings)
	known := a.count() >= service.FewKnown
	switch {
	case errors.Is(err, errUnreadable) && (!known || a.seen.Token == a.mark()):
		return a.stands() // there is nothing to hold it to
	case err != nil:
		return err
	}
	if a.use() != a.asked {
		same, err := a.same(ctx, object, rows)
		switch {
		case err != nil:
			return err
		case !same:
			return errWrongTenant
		}
		a.learn(ctx, object, rows)
	}
	return a.stands()
}

func (a *access) stands() error {
	if a.w.cfg.Token.Current() != a.asked {
		return errTokenNew
	}
	return nil
}

// present shows the token to listings until one answers. The error is of kind unauthorized
// if some refuse it and none takes it: one that the token may not see may be refused in
// the same words.
func (a *access) present(ctx context.Context, listings int) (planhat.Object, []planhat.Row, error) {
	refused := errUnreadable
	for range listings {
		object := a.order[0]
		page, err := a.client.Page(ctx, object, planhat.ListOptions{Sort: "_id", Limit: service.WitnessRows})
		switch {
		case err == nil:
			return object, page.Rows, nil
		case !service.SaysNothing(err) || gaveUp(err) || unpaid(err):
			return "", nil, err
		case planhat.KindOf(err) == planhat.KindUnauthorized:
			refused = err
		}
		a.order = append(a.order[1:len(a.order):len(a.order)], object)
	}
	return "", nil, refused
}

// conclude opens or closes the workspace by what a look came to, and returns when to look
// again; 0: when there is a reason.
func (a *access) conclude(err error) (retry time.Duration) {
	kind := planhat.KindOf(err)
	switch {
	case err == nil:
		a.admit()
		return 0
	case errors.Is(err, errTokenNew):
		return time.Nanosecond
	case kind == planhat.KindUnauthorized || unpaid(err):
		a.pause("unauthorized", err.Error())
		return a.w.times.TokenRetry
	case errors.Is(err, errWrongTenant), errors.Is(err, service.ErrTenantUntold), errors.Is(err, errUnreadable):
		a.pause(service.StateWrongTenant, err.Error()+"; "+a.remedy())
		return 2 * a.w.times.TokenRetry
	}
	return a.w.times.Retry // an outage: the client has tried already
}

// unpaid tells whether the whole account is refused, whatever its token may see.
func unpaid(err error) bool { return status(err) == http.StatusPaymentRequired }

func (a *access) remedy() string {
	return fmt.Sprintf("nothing is written; to repair: give the workspace the token of its own tenant (PLANHAT_<NAME>_TOKEN, PLANHAT_<NAME>_BASE_URL), "+
		"with the right to read a listing. Only if its tenant was really replaced: start once with SINK_ACCEPT_TENANT=%s", a.w.cfg.Name)
}

// admit lets calls be made with the token that was looked at.
func (a *access) admit() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == a.asked {
		return
	}
	a.token = a.asked
	a.w.proven.forget()
	select {
	case <-a.open:
	default:
		close(a.open)
	}
	if !a.since.IsZero() {
		a.w.log.Info("workspace goes on: the vendor accepts the token", "workspace", a.w.cfg.Name, "paused_for", time.Since(a.since).String())
	}
	a.since = time.Time{}
	a.w.metrics.paused.WithLabelValues(a.w.cfg.Name).Set(0)
	a.w.metrics.wrongTenant.WithLabelValues(a.w.cfg.Name).Set(0)
	a.w.setState("ok", "")
}

// pause holds all calls back, and says so once.
func (a *access) pause(state, cause string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" {
		a.token, a.open = "", make(chan struct{})
	}
	if a.since.IsZero() {
		a.since = time.Now()
		a.w.log.Error("workspace is paused: no call is made with its token", "workspace", a.w.cfg.Name, "state", state, "error", cause)
	}
	wrong := 0.0
	if state == service.StateWrongTenant {
		wrong = 1
	}
	a.w.metrics.paused.WithLabelValues(a.w.cfg.Name).Set(1 - wrong)
	a.w.metrics.wrongTenant.WithLabelValues(a.w.cfg.Name).Set(wrong)
	a.w.setState(state, cause)
}

func (a *access) refusing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.since.IsZero()
}
