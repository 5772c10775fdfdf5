package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

const (
	ourURL  = "https://hooks.example/pipedrive/demo"
	ourUser = 5
)

// vendor is a fake of Pipedrive's webhooks.
type vendor struct {
	hooks   []pipedrive.Webhook
	last    int64
	masked  bool                                      // passwords are not shown
	refuse  func(call string, object string) error    // instead of carrying a call out
	lost    func(call string, w pipedrive.NewWebhook) // set: called when a create is to lose its answer
	losing  int                                       // creates that lose their answer
	late    []pipedrive.NewWebhook                    // creates that take effect only after the next list
	calls   []string
	created int
}

func failure(kind pipedrive.Kind, message string) error {
	return &pipedrive.Error{Kind: kind, Action: "do", Subject: "it", Message: message}
}

func (v *vendor) ask(call, object string) error {
	v.calls = append(v.calls, strings.TrimSpace(call+" "+object))
	if v.refuse == nil {
		return nil
	}
	return v.refuse(call, object)
}

func (v *vendor) Webhooks(context.Context) ([]pipedrive.Webhook, error) {
	if err := v.ask("list", ""); err != nil {
		return nil, err
	}
	listed := slices.Clone(v.hooks)
	for i := range listed {
		if v.masked {
			listed[i].AuthPassword = "********"
		}
	}
	late := v.late
	v.late = nil
	for _, w := range late {
		v.add(w)
	}
	return listed, nil
}

func (v *vendor) CreateWebhook(_ context.Context, w pipedrive.NewWebhook) (pipedrive.Webhook, error) {
	if err := v.ask("create", w.Object); err != nil {
		return pipedrive.Webhook{}, err
	}
	if v.losing > 0 {
		v.losing--
		v.lost("create", w)
		return pipedrive.Webhook{}, failure(pipedrive.KindAmbiguous, "the answer is lost")
	}
	return v.add(w), nil
}

func (v *vendor) add(w pipedrive.NewWebhook) pipedrive.Webhook {
	v.last++
	v.created++
	user := w.UserID
	if user == 0 {
		user = ourUser
	}
	h := pipedrive.Webhook{
		ID: v.last, OwnerID: ourUser, UserID: user, Name: w.Name, Action: w.Action, Object: w.Object, URL: w.URL, Version: w.Version,
		AuthUser: w.AuthUser, AuthPassword: w.AuthPassword, Active: true,
	}
	v.hooks = append(v.hooks, h)
	return h
}

func (v *vendor) DeleteWebhook(_ context.Context, id int64) error {
	i := slices.IndexFunc(v.hooks, func(h pipedrive.Webhook) bool { return h.ID == id })
	object := ""
	if i >= 0 {
		object = v.hooks[i].Object
	}
	if err := v.ask("delete", object); err != nil {
		return err
	}
	if i < 0 {
		return failure(pipedrive.KindNotFound, "id: not found")
	}
	v.hooks = slices.Delete(v.hooks, i, i+1)
	return nil
}

// find returns the fake's own webhook, to be changed.
func (v *vendor) find(t *testing.T, id int64) *pipedrive.Webhook {
	t.Helper()
	i := slices.IndexFunc(v.hooks, func(h pipedrive.Webhook) bool { return h.ID == id })
	if i < 0 {
		t.Fatalf("there is no webhook %d", id)
	}
	return &v.hooks[i]
}

// shape is what the vendor has: object, id, version and active of each webhook.
func (v *vendor) shape() string {
	var all []string
	for _, h := range v.hooks {
		all = append(all, fmt.Sprintf("%d:%s", h.ID, h.Object))
	}
	return strings.Join(all, " ")
}

// tended is a controller with its vendor, clock and what it wants.
type tended struct {
	*vendor
	*Controller
	want Wanted
	at   time.Time
}

func newTended(t *testing.T) *tended {
	t.Helper()
	w := &tended{
		vendor: &vendor{},
		want: Wanted{
			URL: ourURL, User: "bridge", Password: "correct horse", Objects: []string{"deal", "note"}, UserID: ourUser,
			Bridge: "planhat-bridge", Account: "demo",
		},
		at: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC),
	}
	w.takeOver(Memory{})
	return w
}

// takeOver is another process with the memory that was kept.
func (w *tended) takeOver(m Memory) {
	w.Controller = New(Options{API: w.vendor, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.at }, Memory: m})
}

// look tends the webhooks ten minutes later and returns the report.
func (w *tended) look(t *testing.T) Report {
	t.Helper()
	r, err := w.tryLook(t)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *tended) tryLook(t *testing.T) (Report, error) {
	t.Helper()
	w.at = w.at.Add(Every)
	w.calls = nil
	return w.Tend(t.Context(), w.want)
}

// quiet fails unless a look finds nothing to do.
func (w *tended) quiet(t *testing.T) Report {
	t.Helper()
	before := w.shape()
	r := w.look(t)
	if len(r.Done) != 0 || w.shape() != before || len(w.calls) != 1 || r.Changed {
		t.Errorf("another look did %q with %q, changed %t", r.Done, w.calls, r.Changed)
	}
	return r
}

func (w *tended) delivered(t *testing.T, id int64, status int) {
	t.Helper()
	h := w.find(t, id)
	h.LastDelivery, h.LastStatus, h.LastFailed = w.at, status, status < 200 || status > 299
}

func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not say %q", text, word)
		}
	}
}

var errStale = errors.New("not the owner any more")
