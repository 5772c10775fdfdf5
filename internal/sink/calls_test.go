package sink_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

// overlap has each write to the vendor take a moment, and counts the most that are
// under way at a time, of bulk calls and of others.
type overlap struct {
	mu               sync.Mutex
	bulks, singles   int // under way
	mostBulk, mostOf int
	made             int // bulk calls
}

func (o *overlap) watch(b *bench) {
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		bulk := r.Method == http.MethodPut && r.URL.Path == "/companies"
		o.count(bulk, 1)
		defer o.count(bulk, -1)
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // the vendor's own time
		b.sim.ServeHTTP(w, r)
		return true
	})
}

func (o *overlap) count(bulk bool, by int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if bulk {
		o.bulks += by
		o.made += max(by, 0)
		o.mostBulk = max(o.mostBulk, o.bulks)
		return
	}
	o.singles += by
	o.mostOf = max(o.mostOf, o.singles)
}

// TestOneBulkCallAtATime has bulk calls that do not depend on each other, and single
// calls: the first follow each other, as the vendor advises, the others go together.
func TestOneBulkCallAtATime(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	var o overlap
	o.watch(b)
	b.prepare()
	for n := range 8 {
		b.send(
			fmt.Sprintf(`a%d {"id":"a%d","op":"upsert","object":"company","target":{"externalId":"A%d"},"fields":{"name":"A"}}`, n, n, n),
			fmt.Sprintf(`b%d {"id":"b%d","op":"upsert","object":"company","target":{"sourceId":"B%d"},"fields":{"name":"B"}}`, n, n, n),
			fmt.Sprintf(`c%d {"id":"c%d","op":"create","object":"company","fields":{"name":"C","externalId":"C%d"}}`, n, n, n),
		)
	}
	b.start()
	results := b.results()
	for n := range 8 {
		for _, kind := range "abc" {
			expect(t, results, fmt.Sprintf("%c%d", kind, n), "OK CREATED -")
		}
	}
	if o.mostBulk != 1 || o.made < 2 {
		t.Errorf("%d of %d bulk calls were under way at a time, want one", o.mostBulk, o.made)
	}
	if o.mostOf < 4 {
		t.Errorf("%d single calls were under way at a time, want more", o.mostOf)
	}
}

// TestNobodyIsAnsweredWhileTheTokenIsRefused holds a workspace whose token is refused,
// or whose account is not paid, to silence; a new token is tried within a moment.
func TestNobodyIsAnsweredWhileTheTokenIsRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusPaymentRequired} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, empty)
			b.before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == "Bearer new" {
					r.Header.Set("Authorization", "Bearer "+planhatsim.DefaultToken)
					return false
				}
				http.Error(w, `{"message":"no"}`, status)
				return true
			})
			b.start()
			b.send(`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`)
			b.until("the workspace is paused, or the command answered", func() bool {
				return b.service.Status().(sink.Status).Workspaces[0].State == "unauthorized" || b.series("planhat_bridge_sink_commands_total") > 0
			})
			b.writeToken("new")
			began := time.Now()
			b.until("the command is answered", func() bool {
				return b.series("planhat_bridge_sink_commands_total") > 0 || time.Since(began) > 5*time.Second
			})
			if n := b.series("planhat_bridge_sink_commands_total"); n == 0 {
				t.Fatal("a new token is not tried within five seconds")
			}
			expect(t, b.results(), "a", "OK CREATED -")
			if n := b.series("planhat_bridge_sink_dead_letters_total"); n != 0 {
				t.Errorf("%d kinds of dead letters", n)
			}
		})
	}
}

// TestReferenceWaitIsTheBatchs: commands whose references do not come wait together, not
// one after the other.
func TestReferenceWaitIsTheBatchs(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	var asked atomic.Bool
	b.before(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "extid-N") {
			asked.Store(true)
		}
		return false
	})
	b.cfg.Sink.ReferenceWait = 3 * time.Second
	b.prepare()
	for n := range 6 {
		b.send(fmt.Sprintf(`a {"id":"a%d","op":"create","object":"enduser","fields":{"companyId":"extid-N%d","email":"a%d@x.example"}}`, n, n, n))
	}
	b.start()
	// The service's own start is not what is timed: the first command is fetched.
	b.until("the first look-up", asked.Load)
	began := time.Now()
	results := b.results()
	for n := range 6 {
		expect(t, results, fmt.Sprint("a", n), "REJECTED NONE REFERENCE_NOT_FOUND")
	}
	// One after the other they would wait 18 seconds.
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("six commands waited %s for their references, one batch waits three seconds", took)
	}
}

// TestConflictAfterOurOwnAttempt lets a create be done, its answer be lost and the
// repetition be refused: the record that holds the fields is the command's own, one
// that does not is somebody else's.
func TestConflictAfterOurOwnAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.fault(planhatsim.Fault{Kind: "timeout-before", Method: http.MethodPost, Path: "/companies", Close: true, Count: 2})
	var once sync.Once
	b.before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			once.Do(func() {
				b.sim.Mutate(func(tx *planhatsim.Tx) {
					for _, fields := range []string{`{"name":"Ours","externalId":"A","phase":"x"}`, `{"name":"Another","externalId":"B","phase":"x"}`} {
						if _, err := tx.Create("companies", fields); err != nil {
							b.t.Error(err)
						}
					}
				})
			})
		}
		return false
	})
	b.prepare()
	b.send(
		`a {"id":"ours","op":"create","object":"company","fields":{"name":"Ours","externalId":"A","phase":"x"}}`,
		`b {"id":"theirs","op":"create","object":"company","fields":{"name":"Theirs","externalId":"B","phase":"x"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "ours", "OK CREATED -")
	expect(t, results, "theirs", "UNKNOWN NONE OUTCOME_UNKNOWN")
}
