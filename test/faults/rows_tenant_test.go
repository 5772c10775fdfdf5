package faults_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// Row 15: the vendor's model changes under the source. Nothing is dropped, and the
// schema stays: what nobody documented is in extra, which the oracle reads.
func TestTheModelChanges(t *testing.T) {
	t.Parallel()
	put := func(round int, fields string) func(*world) {
		return func(w *world) {
			w.edit(func(tx *planhatsim.Tx) error {
				for n, listing := range []string{"companies", "endusers", "licenses", "conversations"} {
					for i := range 4 {
						text := fmt.Sprintf(`{"_id":"78f0a1b2c3d4e5f60%03x%04x","companyId":%q,"type":"note","name":"Round %d",%s}`, n, i, tx.IDs("companies")[i], round, fields)
						if err := tx.Put(listing, text); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
	}
	var stories []story
	for name, fields := range map[string]string{
		"a custom field more": `"custom":{"Born today 🌍":{"a":[1,2.50]},"Seats":1}`, "a field of another type": `"updatedAt":17,"createDate":{},"csmScore":"high","archived":"no","tags":"none","value":"7"`,
		"fields gone": `"custom":null`, "a new field": `"brandNew":{"deep":[null,1e400]},"another one":1.0`, "nulls": `"phase":null,"owner":null,"position":null,"value":null,"subject":null`,
	} {
		stories = append(stories, story{name: name, begin: func(w *world) {
			put(1, `"custom":{"Seats":1},"phase":"A","tags":["a"],"value":1`)(w)
			w.judgeQuiet()
			put(2, fields)(w)
			w.judgeQuiet()
			put(3, `"custom":{"Seats":2}`)(w)
		}, end: func(*world) {}, after: func(w *world) {
			for _, o := range w.objects() {
				if n := w.versions("planhat.changes." + stage.Workspace + "." + o + "-value"); n != 1 {
					w.t.Errorf("the schema of %s has %d versions", o, n)
				}
			}
		}})
	}
	tell(t, stories)
}

// judgeQuiet lets the oracle judge in the middle of a story.
func (w *world) judgeQuiet() {
	w.t.Helper()
	w.sim.SetLife(0)
	w.judge()
}

// versions counts those of a subject.
func (w *world) versions(subject string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.stage.Registry+"/subjects/"+subject+"/versions", http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []int
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

// Row 22: the token is refused, changed, and narrowed. What it may not see stops, and
// nothing else; nothing that cannot be seen is deleted.
func TestTokens(t *testing.T) {
	t.Parallel()
	allow := func(w *world, tokens map[string]planhatsim.Token) { w.sim.SetTokens(tokens) }
	good := map[string]planhatsim.Token{stage.Token: {}}
	refused := func(w *world) bool { return w.status().State == "unauthorized" }
	forbidden := func(w *world) bool { return w.stream("licenses").State == "forbidden" }
	narrow := func(how string) story {
		return story{
			name: "narrowed, and told by " + how, setting: setting{sim: func(o *planhatsim.Options) { o.Switches.Forbidden = how }}, silent: "licenses",
			begin: func(w *world) {
				allow(w, map[string]planhatsim.Token{stage.Token: {Deny: map[string]bool{"license": true}}})
				w.until("the licenses to be forbidden", func() bool { return forbidden(w) })
				w.otherListingsGoOn("licenses")
			},
			end: func(w *world) { allow(w, good) },
		}
	}
	rotated, inFile := tokenFile(t)
	tell(t, []story{
		{name: "rotated by its file", setting: inFile, begin: func(w *world) {
			allow(w, map[string]planhatsim.Token{"the-next": {}})
			w.until("the token to be refused", func() bool { return refused(w) })
		}, end: func(*world) { rotated("the-next") }},
		narrow("403"), narrow("404"), narrow("401"),
		{name: "one object unpaid", silent: "licenses", begin: func(w *world) {
			w.fault(planhatsim.Fault{Kind: "402", Path: "/licenses"})
			w.until("the licenses to be forbidden", func() bool { return forbidden(w) })
			w.otherListingsGoOn("licenses")
		}},
	})
}

// tokenFile is a setting whose token is in a file, and what rotates it.
func tokenFile(t *testing.T) (rotate func(token string), s setting) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	rotate = func(token string) {
		if err := os.WriteFile(file+".next", []byte(token), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(file+".next", file); err != nil {
			t.Error(err)
		}
	}
	rotate(stage.Token)
	return rotate, setting{env: map[string]string{"PLANHAT_TOKEN": "", "PLANHAT_TOKEN_FILE": file}}
}

// Row 29: a rotation gives the token of another tenant, and a restart comes upon it.
// Nothing of that tenant is captured, nothing of the own one deleted.
func TestAnotherTenant(t *testing.T) {
	t.Parallel()
	const wrong = "token-of-another-tenant"
	strange := func(w *world) bool { return w.status().State == "wrong_tenant" }
	var stories []story
	for name, restart := range map[string]bool{"while it runs": false, "at a restart": true} {
		rotate, inFile := tokenFile(t)
		stories = append(stories, story{name: name, setting: inFile, begin: func(w *world) {
			other := planhatsim.New(planhatsim.Options{Seed: 77, Companies: 40, CoreOnly: true, CallsPerMinute: -1, Tokens: map[string]planhatsim.Token{wrong: {}}})
			w.t.Cleanup(other.Close)
			w.front.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") != "Bearer "+wrong {
					return false
				}
				other.ServeHTTP(rw, r)
				return true
			})
			if restart {
				w.stop()
			}
			rotate(wrong)
			if restart {
				w.start()
			}
			w.until("the other tenant to be noticed", func() bool { return strange(w) })
			written := w.metric("changes_total")
			other.Live(50)
			w.live(10)
			if n := w.metric("changes_total"); n != written || !strange(w) {
				w.t.Errorf("%v events while the token is another tenant's; the source says %s", n-written, w.status().State)
			}
		}, end: func(*world) { rotate(stage.Token) }})
	}
	tell(t, stories)
}

// otherListingsGoOn holds that what stops one listing stops no other.
func (w *world) otherListingsGoOn(but string) {
	w.t.Helper()
	for _, s := range w.status().Streams {
		if s.Name != but && s.State != "ok" {
			w.t.Errorf("%s is %s (%s) while only %s is forbidden", s.Name, s.State, s.Cause, but)
		}
	}
}

// Row 23: records go, come again under the same key, are merged and archived.
func TestRecordsGo(t *testing.T) {
	t.Parallel()
	stay := func(*world) {}
	tell(t, []story{
		{name: "deleted and made again", end: stay, begin: func(w *world) {
			for round := range 4 {
				w.edit(func(tx *planhatsim.Tx) error {
					if round > 0 {
						if err := tx.Delete("companies", "extid-again"); err != nil {
							return err
						}
					}
					_, err := tx.Create("companies", fmt.Sprintf(`{"name":"Round %d","externalId":"again"}`, round))
					return err
				})
				w.live(5)
			}
		}},
		{name: "merged", end: stay, begin: func(w *world) {
			w.edit(func(tx *planhatsim.Tx) error {
				into, gone := tx.IDs("companies")[0], tx.IDs("companies")[1]
				for _, listing := range []string{"endusers", "licenses", "conversations"} {
					for _, id := range tx.IDs(listing) {
						if !bytes.Contains(tx.Get(listing, id), []byte(gone)) {
							continue
						}
						if err := tx.Update(listing, id, fmt.Sprintf(`{"companyId":%q}`, into)); err != nil {
							return err
						}
					}
				}
				return tx.Delete("companies", gone)
			})
		}},
		{name: "deleted with all that it has", setting: setting{sim: func(o *planhatsim.Options) { o.Switches.CompanyDelete = "cascade" }}, end: stay, begin: func(w *world) {
			w.edit(func(tx *planhatsim.Tx) error { return tx.Delete("companies", tx.IDs("companies")[2]) })
		}},
		{name: "archived is not deleted", end: stay, still: true, begin: func(w *world) {
			w.judgeQuiet()
			w.edit(func(tx *planhatsim.Tx) error {
				for _, id := range tx.IDs("endusers")[5:25] {
					if err := tx.Update("endusers", id, `{"archived":true}`); err != nil {
						return err
					}
				}
				return nil
			})
			gone := w.metric("changes_total", "op=d")
			w.judge()
			if n := w.metric("changes_total", "op=d"); n != gone {
				w.t.Errorf("%v deletes of records that were archived", n-gone)
			}
		}},
	})
}
