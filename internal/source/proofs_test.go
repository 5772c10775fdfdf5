package source

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// asker is a workspace whose vendor is a function of the path.
func asker(t *testing.T, answer func(path string) (status int, body string), streams ...*stream) *workspace {
	t.Helper()
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := answer(r.URL.Path)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(vendor.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("token-one"), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := config.FileSecret(file)
	if err != nil {
		t.Fatal(err)
	}
	client, err := planhat.New(vendor.URL, token.Current, planhat.WithRetry(planhat.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return &workspace{
		cfg: config.Workspace{Name: "acme", Token: token}, client: client, streams: streams,
		now: time.Now, log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry()),
	}
}

// confirms takes steps until a batch is about to be written, or trouble comes.
func confirms(t *testing.T, w *workspace, s *stream) (gone int, err error) {
	t.Helper()
	w.identity.token = w.cfg.Token.Current()
	for range 50 {
		c := &s.scan.confirm
		if len(c.gone) > 0 && len(c.gone) == len(s.cursor.Candidates) {
			proved := true
			for _, e := range c.gone {
				proved = proved && c.again.has(e.Object)
			}
			if proved {
				return len(c.gone), nil
			}
		}
		if len(s.cursor.Candidates) == 0 {
			return 0, nil
		}
		if err := w.stepConfirm(t.Context(), s); err != nil {
			return 0, err
		}
	}
	t.Fatal("no end after 50 steps")
	return 0, nil
}

// A token may have lost the right for notes and not for other conversations: a
// note is proved by a note.
func TestEachObjectOfAListingIsProved(t *testing.T) {
	t.Parallel()
	s := streamFor(t, "conversations")
	notes := map[string]bool{}
	for i := range 20 {
		s.index.Put(oldID(i), cdc.Entry{Object: uint8(i % 2)})
		notes[oldID(i).String()] = i%2 == 0
	}
	forbidden := true
	w := asker(t, func(path string) (int, string) {
		id := strings.TrimPrefix(path, "/conversations/")
		note, exists := notes[id]
		if !exists || note && forbidden || id == oldID(4).String() {
			return http.StatusNotFound, "not found"
		}
		return http.StatusOK, `{"_id":"` + id + `"}`
	}, s)
	s.cursor.AddCandidates(oldID(4), oldID(6))
	if gone, err := confirms(t, w, s); err == nil || gone != 0 {
		t.Errorf("%d notes are gone for a token that may read none", gone)
	}
	forbidden, s.scan.confirm = false, confirmation{}
	if gone, err := confirms(t, w, s); gone != 1 || err != nil {
		t.Errorf("%d notes are gone, %v: one is", gone, err)
	}
}

// A listing that shows nothing any more is proved by a record of another one.
func TestAnEmptyListingIsProvedElsewhere(t *testing.T) {
	t.Parallel()
	campaigns, companies := streamFor(t, "campaigns"), streamFor(t, "companies")
	campaigns.index.Put(oldID(1), cdc.Entry{})
	companies.index.Put(oldID(2), cdc.Entry{})
	companies.health.state = stateOK
	blind := true
	w := asker(t, func(path string) (int, string) {
		if blind || path != "/companies/"+oldID(2).String() {
			return http.StatusNotFound, "not found"
		}
		return http.StatusOK, `{"_id":"` + oldID(2).String() + `"}`
	}, campaigns, companies)
	campaigns.cursor.AddCandidates(oldID(1))
	if gone, err := confirms(t, w, campaigns); err == nil {
		t.Errorf("%d records are gone, says a token that sees nothing at all", gone)
	}
	blind, campaigns.scan.confirm = false, confirmation{}
	if gone, err := confirms(t, w, campaigns); gone != 1 || err != nil {
		t.Errorf("%d records are gone, %v", gone, err)
	}
}

// listings of companies that show some ids, and a GET that finds them.
func showing(from, to int) func(path string) (int, string) {
	return func(path string) (int, string) {
		var rows []string
		for i := from; i < to; i++ {
			row := fmt.Sprintf(`{"_id":"%s"}`, oldID(i))
			if path == "/companies/"+oldID(i).String() {
				return http.StatusOK, row
			}
			rows = append(rows, row)
		}
		if strings.Count(path, "/") > 1 {
			return http.StatusNotFound, "not found"
		}
		return http.StatusOK, "[" + strings.Join(rows, ",") + "]"
	}
}

func TestATenantIsKnownByItsRecords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known    int
		from, to int
		same     bool
	}{
		"the same records":              {10, 0, 10, true},
		"only the newest is left":       {10, 9, 10, true},
		"records of another tenant":     {10, 100, 110, false},
		"nothing":                       {10, 0, 0, false},
		"too little is known to say so": {service.FewKnown - 1, 100, 110, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := streamFor(t, "companies")
			for i := range tc.known {
				s.index.Put(oldID(i), cdc.Entry{})
			}
			w := asker(t, showing(tc.from, tc.to), s)
			if err := w.identify(t.Context(), s); (err == nil) != tc.same || err != nil && !errors.Is(err, errWrongTenant) {
				t.Errorf("%v", err)
			}
		})
	}
}

// An answer is used only for the token whose tenant was recognised; and a page
// of which nothing is known has the tenant looked at again.
func TestTheTenantIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := streamFor(t, "companies")
	s.cursor.SnapshotDone = true
	for i := range 10 {
		s.index.Put(oldID(i), cdc.Entry{})
	}
	shown := showing(0, 10)
	w := asker(t, func(path string) (int, string) { return shown(path) }, s)
	if err := w.identify(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	rows := []cdc.Sighting{{ID: oldID(100)}, {ID: oldID(101)}}
	if err := w.familiar(t.Context(), s, rows); err != nil {
		t.Errorf("a page of new records: %v", err)
	}
	shown = showing(100, 110)
	if err := w.familiar(t.Context(), s, append(rows, cdc.Sighting{ID: oldID(3)})); err != nil {
		t.Errorf("a page with a record that is known: %v", err)
	}
	if err := w.familiar(t.Context(), s, rows); !errors.Is(err, errWrongTenant) {
		t.Errorf("a page of another tenant: %v", err)
	}
	if err := os.WriteFile(w.cfg.Token.Origin(), []byte("token-two!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.page(t.Context(), s, "_id", cdc.Request{Limit: 10}, nil); !errors.Is(err, errTokenChanged) {
		t.Errorf("a page that was read with another token: %v", err)
	}
	if _, err := w.get(t.Context(), planhat.Company, oldID(1)); !errors.Is(err, errTokenChanged) {
		t.Errorf("a record that was read with another token: %v", err)
	}
}

// Rows that are not captured are known to nobody: a page of them says nothing of
// the tenant, and costs no questions.
func TestAPageOfWhatIsNotCapturedSaysNothing(t *testing.T) {
	t.Parallel()
	const ours = "66f0a1b2c3d4e5f600000001"
	s := streamFor(t, "conversations", "note")
	s.cursor.SnapshotDone, s.companies = true, []string{ours}
	for i := range 10 {
		s.index.Put(oldID(i), cdc.Entry{})
	}
	asked := 0
	w := asker(t, func(string) (int, string) { asked++; return http.StatusNotFound, "[]" }, s)
	for row, want := range map[string]int{
		`{"type":"email","companyId":"` + ours + `"}`: 0, `{"type":"note","companyId":"66f0a1b2c3d4e5f600000002"}`: 0,
		`{"type":"note","companyId":"` + ours + `"}`: 1,
	} {
		asked = 0
		err := w.familiar(t.Context(), s, []cdc.Sighting{{ID: oldID(100), Raw: []byte(row)}})
		if asked != want || (err != nil) != (want > 0) {
			t.Errorf("%s: %d questions, %v", row, asked, err)
		}
	}
}

// A tenant is looked for among the companies that are captured.
func TestATenantIsLookedForWhereItIsCaptured(t *testing.T) {
	t.Parallel()
	s := streamFor(t, "licenses")
	for i := range 10 {
		s.index.Put(oldID(i), cdc.Entry{})
	}
	w := asker(t, func(string) (int, string) { return http.StatusNotFound, "" }, s)
	shown := showing(0, 10)
	vendor := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		status, body := http.StatusNotFound, ""
		if r.URL.Query().Get("companyId") != "" {
			status, body = shown(r.URL.Path)
		}
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}))
	t.Cleanup(vendor.Close)
	var err error
	if w.client, err = planhat.New(vendor.URL, w.cfg.Token.Current, planhat.WithRetry(planhat.Retry{Attempts: 1})); err != nil {
		t.Fatal(err)
	}
	s.companies = []string{"66f0a1b2c3d4e5f600000001"}
	s.filter = planhat.CompanyFilter(s.companies)
	if err := w.identify(t.Context(), s); err != nil {
		t.Error(err)
	}
}
