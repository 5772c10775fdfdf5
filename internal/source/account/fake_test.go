package account

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// fakeVendor answers from memory.
type fakeVendor struct {
	rows  map[int64]string // by id, of whatever object
	err   map[int64]error
	lists error // of every listing
	asked []string
}

func (f *fakeVendor) Verify(context.Context) (pipedrive.Me, error) {
	return pipedrive.Me{CompanyID: 1}, nil
}
func (f *fakeVendor) Usage() pipedrive.Usage { return pipedrive.Usage{} }

func (f *fakeVendor) Get(_ context.Context, o pipedrive.Object, id int64) (pipedrive.Row, error) {
	f.asked = append(f.asked, fmt.Sprintf("get %s %d", o, id))
	if err := f.err[id]; err != nil {
		return pipedrive.Row{}, err
	}
	text, there := f.rows[id]
	if !there {
		return pipedrive.Row{}, &pipedrive.Error{Kind: pipedrive.KindNotFound, Action: "get", Subject: string(o)}
	}
	return pipedrive.Row{ID: id, Raw: []byte(text)}, nil
}

func (f *fakeVendor) Page(_ context.Context, o pipedrive.Object, opts pipedrive.ListOptions) (pipedrive.Page, error) {
	f.asked = append(f.asked, fmt.Sprintf("list %s %d", o, len(opts.IDs)))
	if f.lists != nil {
		return pipedrive.Page{}, f.lists
	}
	var page pipedrive.Page
	ids := opts.IDs
	if !opts.UpdatedSince.IsZero() {
		ids = slices.Collect(maps.Keys(f.rows))
	}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		if text, there := f.rows[id]; there && !strings.Contains(text, `"is_deleted":true`) {
			page.Rows = append(page.Rows, pipedrive.Row{ID: id, Raw: []byte(text)})
		}
	}
	return page, nil
}

// bare is an account without a lease: what it would write stays pending.
func bare(t *testing.T, f *fakeVendor) *Account {
	t.Helper()
	token := config.NewSecret("0123456789012345678901234567890123456789")
	a := New(Options{
		Config: config.Account{Name: "demo", Token: token, WebhookURL: "http://hooks.example", ReconcileInterval: time.Hour, SweepInterval: time.Hour},
		Client: f, Names: kafka.Names{Bridge: "b"}, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	a.identity = identity{sure: true, token: token.Current()}
	return a
}

func dealAt(id int64, stamp, more string) string {
	return fmt.Sprintf(`{"id":%d,"update_time":"2026-11-19T13:%sZ","is_deleted":false%s}`, id, stamp, more)
}

func ms(stamp string) int64 { return parseStamp("2026-11-19T13:" + stamp + "Z") }

// know puts a record into the index, as if it had been written.
func know(t *testing.T, s *stream, text string) {
	t.Helper()
	r := rowOf(t, text)
	fingerprint, err := cdc.Fingerprint(r.write(nil), &s.shape)
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if _, err := fmt.Sscan(string(r.values["id"]), &id); err != nil {
		t.Fatal(err)
	}
	s.index.Put(idOf(id), cdc.Entry{Fingerprint: fingerprint, Stamp: r.stamp()})
}

// see has a row admitted, and gives the operations that are pending.
func see(t *testing.T, a *Account, s *stream, by looker, text string) (verdict, string) {
	t.Helper()
	a.pending = pending{}
	var id int64
	if _, err := fmt.Sscan(string(rowOf(t, text).values["id"]), &id); err != nil {
		t.Fatal(err)
	}
	v, err := a.admit(s, look{row: pipedrive.Row{ID: id, Raw: []byte(text)}, by: by})
	if err != nil {
		t.Fatal(err)
	}
	return v, opsOf(a)
}

func opsOf(a *Account) (out string) {
	for _, c := range a.pending.changes {
		out += c.op
	}
	return out
}
