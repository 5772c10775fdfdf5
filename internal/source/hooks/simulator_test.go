package hooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// inMemory answers requests by a handler, without a network; what the handler does not
// answer, as a fault holds it back, is an answer that is lost.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer func() {
		if aborted := recover(); aborted != nil {
			err = errors.New("connection reset by peer")
		}
	}()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return w.Result(), nil
}

// account is a simulated company, and the controller of an account of it.
type account struct {
	*pipedrivesim.Server
	t      *testing.T
	memory hooks.Memory
	want   hooks.Wanted
	token  string
	status atomic.Int64 // that our receiver answers
}

func newAccount(t *testing.T, switches pipedrivesim.Switches) *account {
	t.Helper()
	a := &account{
		t: t, token: pipedrivesim.DefaultToken,
		want: hooks.Wanted{
			URL: "https://hooks.example/pipedrive/demo", User: "bridge", Password: "correct horse",
			Objects: []string{"deal", "organization", "person", "note", "pipeline"}, Bridge: "planhat-bridge", Account: "demo",
		},
	}
	a.status.Store(http.StatusOK)
	a.Server = pipedrivesim.New(pipedrivesim.Options{
		Switches: switches, Organizations: 2, Persons: 2, Deals: 2, Notes: 2, Workers: 1, Transport: inMemory{http.HandlerFunc(a.receive)},
	})
	return a
}

// receive is our receiver.
func (a *account) receive(w http.ResponseWriter, r *http.Request) {
	if _, password, _ := r.BasicAuth(); password != a.want.Password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(int(a.status.Load()))
}

// look is a look of another process at the webhooks, with the memory that was kept.
func (a *account) look() (hooks.Report, error) {
	a.t.Helper()
	u, err := pipedrive.ParseURL("nordlicht-demo")
	if err != nil {
		a.t.Fatal(err)
	}
	client, err := pipedrive.New(u, func() string { return a.token }, pipedrive.WithHTTPClient(&http.Client{Transport: inMemory{a.Server}}),
		pipedrive.WithCallDeadline(5*time.Second), pipedrive.WithRetry(pipedrive.Retry{Attempts: 2}))
	if err != nil {
		a.t.Fatal(err)
	}
	me, err := client.Me(a.t.Context())
	if err != nil {
		return hooks.Report{}, err
	}
	a.want.UserID = me.ID
	c := hooks.New(hooks.Options{API: client, Log: slog.New(slog.DiscardHandler), Memory: a.memory})
	r, err := c.Tend(a.t.Context(), a.want)
	a.memory = r.Memory
	return r, err
}

func (a *account) mustLook() hooks.Report {
	a.t.Helper()
	r, err := a.look()
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

// right fails unless there is one webhook for each object, as it should be, and another
// look finds nothing to do.
func (a *account) right(when string) {
	a.t.Helper()
	var objects []string
	for _, h := range a.Hooks() {
		if !h.Active || h.URL != a.want.URL {
			continue
		}
		objects = append(objects, h.Object)
		if h.Version != "2.0" || h.Action != "*" || h.User != a.want.UserID || h.Name != "planhat-bridge/demo "+h.Object {
			a.t.Errorf("%s: %+v", when, h)
		}
	}
	slices.Sort(objects)
	want := slices.Sorted(slices.Values(a.want.Objects))
	if !slices.Equal(objects, want) {
		a.t.Errorf("%s: there are webhooks for %q", when, objects)
	}
	if r := a.mustLook(); len(r.Done) != 0 || r.State != hooks.StateOK || r.Changed || len(r.Hooks) != len(a.want.Objects) {
		a.t.Errorf("%s: another look came to %+v", when, r)
	}
}

// life is what befalls webhooks, one thing after the other.
func (a *account) life(sw pipedrivesim.Switches) {
	a.mustLook()
	a.right("at first")
	a.must(a.DeleteHook(a.memory.Hooks[1].ID))
	if r := a.mustLook(); !r.Lost || !strings.Contains(r.Done[0], "is gone") {
		a.t.Errorf("one deleted by hand: %+v", r)
	}
	a.right("one deleted by hand")
	a.want.Password = "battery staple"
	a.mustLook()
	a.right("another password")
	a.memory = hooks.Memory{}
	a.mustLook()
	a.right("the memory is lost")
	a.must(a.DeleteHook(0))
	a.mustLook()
	a.right("all are gone")

	a.SetTokens(map[string]pipedrivesim.Token{"another": {}}) // revoked
	if _, err := a.look(); pipedrive.KindOf(err) != pipedrive.KindUnauthorized {
		a.t.Errorf("a revoked token: %v", err)
	}
	a.token = "another"
	if r := a.mustLook(); r.Lost != (sw.TokenRegenerated == "removed") {
		a.t.Errorf("a token made anew: %+v", r)
	}
	a.right("a token made anew")

	a.want.URL = "https://moved.example/pipedrive/demo"
	a.mustLook()
	a.right("another address")
	a.want.Objects = []string{"deal", "note"}
	a.mustLook()
	a.right("fewer objects")
	a.want.URL = ""
	if r := a.mustLook(); r.State != hooks.StateOff || len(r.Done) != 2 {
		a.t.Errorf("no address: %+v", r)
	}
	for _, h := range a.Hooks() {
		if h.Active {
			a.t.Errorf("left %+v", h)
		}
	}
}

func (a *account) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// Webhooks are right again after whatever befell them, in every company that there may
// be by what nobody documents.
func TestLifeOfWebhooks(t *testing.T) {
	all := pipedrivesim.SwitchValues()
	for _, passwords := range all["hook_passwords"] {
		for _, removed := range all["removed_hooks"] {
			for _, regenerated := range all["token_regenerated"] {
				if testing.Short() && passwords == "clear" {
					continue
				}
				sw := pipedrivesim.Switches{HookPasswords: passwords, RemovedHooks: removed, TokenRegenerated: regenerated, HookName: "required"}
				t.Run(passwords+" "+removed+" "+regenerated, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						a := newAccount(t, sw)
						defer a.Close()
						a.life(sw)
					})
				})
			}
		}
	}
}

// The owner of the webhooks is removed; the account goes on with a token of another user.
func TestTheOwnerIsRemoved(t *testing.T) {
	for _, kept := range pipedrivesim.SwitchValues()["owner_removed"] {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t, pipedrivesim.Switches{OwnerRemoved: kept, HookPasswords: "masked"})
			defer a.Close()
			a.SetTokens(map[string]pipedrivesim.Token{a.token: {User: pipedrivesim.SecondUser}, "admin": {}})
			a.mustLook()
			a.right("at first")
			a.must(a.RemoveUser(pipedrivesim.SecondUser))
			if _, err := a.look(); pipedrive.KindOf(err) != pipedrive.KindUnauthorized {
				t.Errorf("%s: the token of a removed user: %v", kept, err)
			}
			a.token = "admin"
			if r := a.mustLook(); !r.Lost {
				t.Errorf("%s: %+v", kept, r)
			}
			a.right("with another user")
		})
	}
}

// The user has 40 webhooks: what there is room for is made, and the rest when there is.
func TestTheLimitOfTheSimulator(t *testing.T) {
	for _, body := range pipedrivesim.SwitchValues()["hook_limit_body"] {
		for _, scope := range pipedrivesim.SwitchValues()["hook_limit_scope"] {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t, pipedrivesim.Switches{HookLimitBody: body, HookLimitScope: scope})
				defer a.Close()
				client := a.other()
				var theirs []int64
				for range pipedrive.WebhookLimit - 2 {
					h, err := client.CreateWebhook(t.Context(), pipedrive.NewWebhook{Name: "n", Action: "*", Object: "deal", URL: "https://other.example"})
					a.must(err)
					theirs = append(theirs, h.ID)
				}
				r := a.mustLook()
				if r.State != hooks.StateLimited || len(r.Hooks) != 2 || !strings.Contains(r.Cause, "person") {
					t.Errorf("%s %s: %+v", body, scope, r)
				}
				for _, id := range theirs[:3] {
					a.must(client.DeleteWebhook(t.Context(), id))
				}
				a.mustLook()
				a.right("when there is room")
			})
		}
	}
}

// other is another integration of the company.
func (a *account) other() *pipedrive.Client {
	a.t.Helper()
	u, err := pipedrive.ParseURL("nordlicht-demo")
	a.must(err)
	client, err := pipedrive.New(u, func() string { return a.token }, pipedrive.WithHTTPClient(&http.Client{Transport: inMemory{a.Server}}))
	a.must(err)
	return client
}

// Answers are lost before and after the call was carried out, one in three, for a while:
// there is never more than one webhook too many, and in the end there is none.
func TestLostAnswersOfTheSimulator(t *testing.T) {
	for _, kind := range []string{"timeout-before", "timeout-after", "500"} {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t, pipedrivesim.Switches{HookPasswords: "null"})
			defer a.Close()
			a.must(a.AddFault(pipedrivesim.Fault{Kind: kind, Probability: 0.33}))
			for range 15 {
				if _, err := a.look(); errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				count := map[string]int{}
				for _, h := range a.Hooks() {
					if h.Active {
						count[h.Object]++
					}
					if count[h.Object] > 2 {
						t.Fatalf("%s: %d webhooks for %s", kind, count[h.Object], h.Object)
					}
				}
			}
			if n := a.Injected()[kind]; n < 5 {
				t.Errorf("%s: %d answers were lost", kind, n)
			}
			a.ClearFaults()
			a.mustLook()
			a.right(kind)
		})
	}
}

// A receiver that fails gets its webhook banned, and what happens meanwhile is lost; one
// that fails for three days loses the webhook. Each time a reconciliation is asked for,
// and in the end events come again.
func TestABanAndADeletion(t *testing.T) {
	for _, removed := range pipedrivesim.SwitchValues()["removed_hooks"] {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t, pipedrivesim.Switches{RemovedHooks: removed})
			defer a.Close()
			a.want.Objects = []string{"deal"}
			a.mustLook()
			a.edit(1)
			if r := a.mustLook(); r.State != hooks.StateOK || r.Lost || r.Hooks[0].LastStatus != http.StatusOK {
				t.Errorf("while all is well: %+v", r)
			}
			a.status.Store(http.StatusServiceUnavailable)
			a.edit(12)
			if !a.Hooks()[0].Banned {
				t.Fatalf("the webhook is not banned: %+v", a.Hooks())
			}
			if r := a.mustLook(); r.State != hooks.StateFailing || !r.Lost || r.Since.IsZero() {
				t.Errorf("while it is banned: %+v", r)
			}
			a.status.Store(http.StatusOK)
			pass(31 * time.Minute)
			a.edit(1)
			if r := a.mustLook(); r.State != hooks.StateOK || !r.Lost {
				t.Errorf("after the ban: %+v", r)
			}
			a.status.Store(http.StatusServiceUnavailable)
			for range 80 {
				a.edit(1)
				pass(time.Hour)
			}
			if a.Hooks()[0].Active {
				t.Fatalf("the webhook is still there: %+v", a.Hooks())
			}
			a.status.Store(http.StatusOK)
			r := a.mustLook()
			if !r.Lost || len(r.Done) != 1 || !strings.Contains(r.Done[0], "is gone") {
				t.Errorf("when it was deleted: %+v", r)
			}
			a.right("made anew")
			a.edit(1)
			if r := a.mustLook(); r.State != hooks.StateOK || r.Lost || r.Hooks[0].LastStatus != http.StatusOK {
				t.Errorf("at last: %+v", r)
			}
		})
	}
}

// edit changes a deal some times, and lets the deliveries end.
func (a *account) edit(times int) {
	a.t.Helper()
	var deal struct {
		ID int64 `json:"id"`
	}
	a.must(json.Unmarshal(a.State("deal")[0], &deal))
	for range times {
		pass(time.Second)
		a.must(a.Update("deal", deal.ID, fmt.Sprintf(`{"title":"at %d"}`, time.Now().UnixNano())))
	}
	if !a.Settle(time.Hour) {
		a.t.Fatal("deliveries do not end")
	}
}

// pass lets time go by in a bubble.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake clock

// Where a banned webhook looks inactive, it is made anew, and events come again at once.
func TestABanThatIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, pipedrivesim.Switches{BannedHooks: "inactive"})
		defer a.Close()
		a.want.Objects = []string{"deal"}
		a.mustLook()
		a.status.Store(http.StatusServiceUnavailable)
		a.edit(12)
		a.status.Store(http.StatusOK)
		if r := a.mustLook(); !r.Lost || r.State != hooks.StateOK || !strings.Contains(r.Done[0], "is not active") {
			t.Errorf("while it is banned: %+v", r)
		}
		a.right("made anew")
		a.edit(1)
		if r := a.mustLook(); r.State != hooks.StateOK || r.Lost || r.Hooks[0].LastStatus != http.StatusOK {
			t.Errorf("then: %+v", r)
		}
	})
}
