package workspaces

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// redirects answers every request with the next kind of redirect to a target.
type redirects struct {
	target string
	asked  atomic.Int64
}

var redirectKinds = []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}

func (h *redirects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := h.asked.Add(1)
	http.Redirect(w, r, h.target+r.URL.Path, redirectKinds[int(n)%len(redirectKinds)])
}

// A token goes to its own Planhat and to nobody else: not to another
// workspace's, not where a redirect points to, not into logs, pages or
// printed configurations. One token's rotation is no other's.
func TestTokensStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ofOneShard("own", "rotated", "moved")...)
	own, rotated, moved := w.tenants[0], w.tenants[1], w.tenants[2]
	elsewhere := &redirects{target: own.url}
	redirect := httptest.NewServer(elsewhere)
	t.Cleanup(redirect.Close)
	moved.url = redirect.URL
	talkative := map[string]string{"LOG_LEVEL": "debug", "KAFKA_LOG_LEVEL": "info"}
	services := []*running{w.start("source", w.tenants, talkative), w.start("sink", w.tenants, talkative)}
	for _, tn := range []*tenant{own, rotated} {
		w.watch.until(changes(tn), tn.add("first"), patience)
		w.watch.until(results(tn), w.watch.send(tn.name, upsert("first", "x")), patience)
	}
	w.watch.send(moved.name, upsert("first", "x"))
	rotated.accept("tok-second")
	refused := w.watch.send(rotated.name, upsert("refused", "x"))
	for _, r := range services {
		r.untilState(rotated, "unauthorized")
	}
	rotated.rotate("tok-second")
	for _, r := range services {
		r.untilState(rotated, "ok")
	}
	w.watch.until(changes(rotated), rotated.add("second"), patience)
	w.watch.until(results(rotated), refused, patience)
	w.works(own, 0)

	wait.Until(t, "every kind of redirect was answered", patience, func() bool { return elsewhere.asked.Load() >= int64(len(redirectKinds)) })
	for tn, want := range map[*tenant][]string{own: {own.token}, rotated: {"tok-" + rotated.name, "tok-second"}, moved: nil} {
		if got := tn.tokens(); !slices.Equal(got, want) {
			t.Errorf("the Planhat of %s has seen the tokens %q, want %q", tn.name, got, want)
		}
	}
	for _, r := range services {
		texts := map[string]string{"log": r.Log.String()}
		for _, path := range []string{"/status", "/metrics", "/readyz"} {
			_, texts[path] = r.Page(path)
		}
		if !strings.Contains(texts["log"], rotated.name) {
			t.Errorf("%s logged nothing of the rotation: the run proves little", r.Role)
		}
		for where, text := range texts {
			if strings.Contains(text, "tok-") {
				t.Errorf("%s shows a token on %s:\n%s", r.Role, where, text)
			}
		}
	}
}

// main runs a service as its main does, with flags that end it.
func main(t *testing.T, role string, args, environ []string) (code int, output string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = ops.Main(service.Program(role, builds[role]), args, environ, &out, &errs)
	return code, out.String() + errs.String()
}

func TestPrintedConfigurationsAndFaultsShowNoToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "acme", "acme-eu", "gamma")
	for role := range builds {
		code, text := main(t, role, []string{"--print-config"}, w.env(role+"-0", w.tenants, nil))
		if code != 0 || strings.Contains(text, "tok-") {
			t.Errorf("%s: code %d, or a token is shown:\n%s", role, code, text)
		}
		for _, tn := range w.tenants {
			if !strings.Contains(text, "****** (from "+tn.file+")") {
				t.Errorf("%s does not say where the token of %s is from:\n%s", role, tn.name, text)
			}
		}
		w.tenants[1].file = filepath.Join(t.TempDir(), "gone")
		code, text = main(t, role, nil, w.env(role+"-0", w.tenants, nil))
		if code != ops.CodeBadSetup || !strings.Contains(text, "PLANHAT_ACME_EU_TOKEN_FILE=") || strings.Contains(text, "GAMMA") || strings.Contains(text, "tok-") {
			t.Errorf("%s: code %d, want %d and the one file that is missing named:\n%s", role, code, ops.CodeBadSetup, text)
		}
		w.tenants[1].file = w.tenants[0].file
		code, text = main(t, role, nil, append(w.env(role+"-0", w.tenants[:2], nil), "PLANHAT_ACME_EU_BASE_URL="+w.tenants[0].url))
		if code != ops.CodeBadSetup || !strings.Contains(text, "PLANHAT_ACME_EU_TOKEN_FILE: gives the token of workspace acme too") {
			t.Errorf("%s: one token for two workspaces: code %d:\n%s", role, code, text)
		}
	}
}
