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
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.stage.Registry+"/subjects/"+subject+"/versions", nil)
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
	file := filepath.Join(t.TempDir(), "token")
	write := func(w *world, token string) {
		next := file + ".next"
		if err := os.WriteFile(next, []byte(token), 0o600); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Rename(next, file); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte(stage.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	tell(t, []story{
		{name: "rotated by its file", setting: setting{env: map[string]string{"PLANHAT_TOKEN": "", "PLANHAT_TOKEN_FILE": file}}, begin: func(w *world) {
			allow(w, map[string]planhatsim.Token{"the-next": {}})
			w.until("the token to be refused", func() bool { return refused(w) })
		}, end: func(w *world) { write(w, "the-next") }},
		narrow("403"), narrow("404"), narrow("401"),
		{name: "one object unpaid", silent: "licenses", begin: func(w *world) {
			w.fault(planhatsim.Fault{Kind: "402", Path: "/licenses"})
			w.until("the licenses to be forbidden", func() bool { return forbidden(w) })
			w.otherListingsGoOn("licenses")
		}},
	})
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
			gone := w.metric("changes_total", map[string]string{"op": "d"})
			w.judge()
			if n := w.metric("changes_total", map[string]string{"op": "d"}); n != gone {
				w.t.Errorf("%v deletes of records that were archived", n-gone)
			}
		}},
	})
}
