package source_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const otherToken = "token-of-another-tenant"

// twoTenants is a rig whose vendor has a second tenant behind another token. use
// rotates the token file.
func twoTenants(t *testing.T, seed int64, env map[string]string) (r *rig, other *planhatsim.Server, use func(token string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	use = func(token string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	use(stage.Token)
	vars := map[string]string{"PLANHAT_TOKEN": "", "PLANHAT_TOKEN_FILE": file}
	maps.Copy(vars, env)
	r = newRig(t, planhatsim.Options{Seed: seed, Companies: 12}, vars)
	other = planhatsim.New(planhatsim.Options{Seed: seed + 1000, Companies: 15, CallsPerMinute: -1, Tokens: map[string]planhatsim.Token{otherToken: {}}})
	t.Cleanup(other.Close)
	instead := func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.Header.Get("Authorization"), otherToken) {
			return false
		}
		other.ServeHTTP(w, req)
		return true
	}
	r.proxy.instead.Store(&instead)
	return r, other, use
}

// notified waits for a notification of a kind, and gives its message.
func (r *rig) notified(kind schemas.NotificationKind) (message string) {
	r.t.Helper()
	cl, err := r.kafka.NewClient(kgo.ConsumeTopics(kafka.Names{Bridge: r.cfg.Bridge}.Notifications()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	until(r.t, "the notification "+string(kind), func() bool {
		for _, rec := range cl.PollRecords(r.t.Context(), 100).Records() {
			var n schemas.Notification
			if err := json.Unmarshal(rec.Value, &n); err != nil {
				r.t.Error(err)
			}
			if n.Kind == kind {
				message = n.Message
			}
		}
		return message != ""
	})
	return message
}

// A token of another tenant, by a rotation that went wrong: nothing of it is
// captured, nothing of the own tenant is deleted, while the source runs and when
// it starts; with the right token all goes on.
func TestATokenOfAnotherTenant(t *testing.T) {
	t.Parallel()
	r, other, use := twoTenants(t, 31, nil)
	svc, stop := r.start()
	first := r.judge()
	for range 2 {
		began := r.total(changesTotal, "workspace="+stage.Workspace)
		use(otherToken)
		until(t, "the other tenant to be noticed", func() bool { return state(svc) == "wrong_tenant" })
		other.Live(20)
		if n := r.total(changesTotal, "workspace="+stage.Workspace) - began; n != 0 {
			t.Errorf("%v changes were written with the token of another tenant", n)
		}
		if n := r.total("planhat_bridge_source_wrong_tenant"); n != 1 {
			t.Errorf("the metric shows %v", n)
		}
		if got := r.notified(schemas.NotifyTenantWrong); !strings.Contains(got, "planhatctl signal release --workspace") {
			t.Errorf("the notifications: %s", got)
		}
		stop()
		svc, stop = r.start()
		until(t, "it to be noticed at the start", func() bool { return state(svc) == "wrong_tenant" })
		if n := r.total(changesTotal, "workspace="+stage.Workspace); n != 0 {
			t.Errorf("%v changes were written after a start with the token of another tenant", n)
		}
		use(stage.Token)
		until(t, "the workspace to go on", func() bool { return state(svc) == "ok" && r.total("planhat_bridge_source_wrong_tenant") == 0 })
		r.stage.Simulator.Live(10)
		r.judge()
	}
	if first.Changes == 0 {
		t.Error("nothing was captured")
	}
}

// If a tenant was really replaced, an operator says so.
func TestAnOperatorAcceptsATenant(t *testing.T) {
	t.Parallel()
	r, other, use := twoTenants(t, 32, map[string]string{"PLANHAT_OBJECTS": "company,user"})
	svc, _ := r.start()
	r.judge()
	use(otherToken)
	until(t, "the other tenant to be noticed", func() bool { return state(svc) == "wrong_tenant" })
	if code, out := r.release(""); code != 0 {
		t.Fatalf("release: exit code %d, %s", code, out)
	}
	var ids []string
	other.Mutate(func(tx *planhatsim.Tx) { ids = tx.IDs("companies") })
	until(t, "the companies of the new tenant", func() bool { return r.ofObject("company", "c") >= float64(len(ids)) })
	until(t, "the old companies to be deleted", func() bool { return r.ofObject("company", "d") >= 12 })
	if s := state(svc); s != "ok" {
		t.Errorf("the workspace is %s", s)
	}
}

// What is known may be gone, out of sight or out of reach: that alone is no other tenant.
func TestTheSameTenantIsRecognised(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *rig){
		"the oldest and the newest are deleted": func(r *rig) {
			r.mutate(func(tx *planhatsim.Tx) error {
				for _, listing := range []string{"companies", "users", "licenses"} {
					ids := tx.IDs(listing)
					for _, id := range append(ids[:1:1], ids[len(ids)-1]) {
						if err := tx.Delete(listing, id); err != nil {
							return err
						}
					}
				}
				return nil
			})
		},
		"most listings are forbidden": func(r *rig) {
			deny := map[string]bool{"user": true, "enduser": true, "license": true, "task": true, "issue": true, "asset": true, "note": true, "conversation": true}
			r.stage.Simulator.SetTokens(map[string]planhatsim.Token{stage.Token: {Deny: deny}})
		},
		"no GET is allowed": func(r *rig) {
			instead := func(w http.ResponseWriter, req *http.Request) bool {
				if strings.Count(req.URL.Path, "/") < 2 {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			r.proxy.instead.Store(&instead)
		},
		"an outage at the start": func(r *rig) {
			if err := r.stage.Simulator.AddFault(planhatsim.Fault{Kind: "503", Count: 12}); err != nil {
				r.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 33, Companies: 8}, nil)
			_, stop := r.start()
			r.judge()
			stop()
			change(r)
			svc, _ := r.start()
			began := time.Now()
			until(t, "the companies to be looked at", func() bool {
				if state(svc) == "wrong_tenant" {
					t.Fatal("the tenant was taken for another one")
				}
				return streamOf(svc, "companies").LastScan.After(began) && streamOf(svc, "companies").State == "ok"
			})
		})
	}
}
