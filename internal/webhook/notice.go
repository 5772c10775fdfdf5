package webhook

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// trouble is why webhooks cannot be stored at the moment.
type trouble struct {
	log *slog.Logger
	now func() time.Time

	there atomic.Bool
	mu    sync.Mutex
	cause string
	since time.Time
	lost  int64 // answered with 503 since then
}

// set notes how the last attempt to store a webhook ended. The beginning and the
// end of trouble are logged, not each webhook.
func (t *trouble) set(err error) {
	if err == nil && !t.there.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch began := !t.there.Load(); {
	case err == nil && began:
	case err == nil:
		t.log.Info("webhooks are stored again", "refused", t.lost, "after", t.now().Sub(t.since).String())
		t.there.Store(false)
	case began:
		t.cause, t.since, t.lost = err.Error(), t.now(), 1
		t.there.Store(true)
		t.log.Warn("webhooks cannot be stored: they are answered with 503, and Pipedrive sends them again", "error", err)
	default:
		t.cause = err.Error()
		t.lost++
	}
}

// told is the cause and since when, "" while there is no trouble.
func (t *trouble) told() (cause string, since time.Time) {
	if !t.there.Load() {
		return "", time.Time{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cause, t.since
}

// quiet is how long nothing more is logged of what strangers can cause at will.
const quiet = time.Minute

// notices are what is logged of refused requests: one line a minute for each
// account and outcome, with how many there were.
type notices struct {
	log  *slog.Logger
	now  func() time.Time
	mu   sync.Mutex
	seen map[noticed]*noticeable
}

type noticed struct {
	account string
	outcome outcome
}

type noticeable struct {
	next time.Time
	more int64
}

// of logs a refusal. Nothing that was sent is in it, not even a name.
func (n *notices) of(account string, o outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key, now := noticed{account, o}, n.now()
	was := n.seen[key]
	if was == nil {
		was = &noticeable{}
		n.seen[key] = was
	}
	was.more++
	if now.Before(was.next) {
		return
	}
	n.log.Warn("requests are refused", "account", account, "outcome", o.String(), "requests", was.more)
	was.next, was.more = now.Add(quiet), 0
}

// notice logs what somebody may have to see to. What strangers send to no account
// is only counted: the internet does so all day.
func (s *Service) notice(account *room, o outcome) {
	switch o {
	case stored, odd, notFound, wrongMethod, unavailable, gone:
		return
	default:
		if account != s.nobody {
			s.notices.of(account.name, o)
		}
	}
}
