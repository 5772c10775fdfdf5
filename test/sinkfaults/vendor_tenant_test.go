package sinkfaults

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// Row 22: the token is refused, changed, narrowed; the account is not paid.
func TestTokens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	rotate := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Error(err)
		}
	}
	rotate(stage.Token)
	good := map[string]planhatsim.Token{stage.Token: {}}
	inWorlds(t, setting{env: map[string]string{"PLANHAT_TOKEN": "", "PLANHAT_TOKEN_FILE": file}},
		story{name: "refused, and good again", begin: func(w *world) {
			w.sim.SetTokens(map[string]planhatsim.Token{"another": {}})
			w.pauses("unauthorized")
		}, end: func(w *world) { w.sim.SetTokens(good) }},
		story{name: "not paid", begin: func(w *world) {
			w.fault(planhatsim.Fault{Kind: "402"})
			w.pauses("unauthorized")
		}},
		story{name: "rotated by its file", begin: func(w *world) {
			w.sim.SetTokens(map[string]planhatsim.Token{"the-next": {}})
			w.pauses("unauthorized")
		}, end: func(*world) { rotate("the-next") }},
	)
	for _, how := range []string{"403", "404", "401"} {
		s := setting{sim: func(o *planhatsim.Options) { o.Switches.Forbidden = how }}
		inWorlds(t, s, story{name: "narrowed, and told by " + how, begin: func(w *world) {
			w.sim.SetTokens(map[string]planhatsim.Token{stage.Token: {Deny: map[string]bool{"license": true}}})
			for n, op := range []string{"upsert", "update", "delete", "get"} {
				id, fields := fmt.Sprint("narrow-", op), ""
				if n < 2 {
					fields = `,"fields":{"companyId":"extid-home","_currency":"EUR","value":1,"fromDate":"2026-01-01"}`
				}
				w.refused[id] = "REJECTED FORBIDDEN"
				w.send(id, id, fmt.Sprintf(`"op":%q,"object":"license","target":{"externalId":%q}%s`, op, id, fields))
			}
			for id := range w.refused {
				w.await(id, patience)
			}
		}, end: func(w *world) { w.sim.SetTokens(good) }})
	}
}

// pauses sends commands that nobody answers while the workspace is in a state.
func (w *world) pauses(state string) {
	w.t.Helper()
	w.work(busy)
	w.untilState(state)
	id := w.send("paused", fmt.Sprint("paused-", w.made), `"op":"upsert","object":"company","target":{"externalId":"paused"},"fields":{"name":"Paused"}`)
	w.until("it is tried again", func() bool { return w.sink.Metric("planhat_bridge_sink_workspace_paused") == 1 })
	if w.mail.pull(id) {
		w.t.Errorf("a command is answered while the workspace is %s: %+v", state, w.mail.results[id])
	}
}

// Row 23: records go at the vendor, come again under the same key, and are merged.
func TestRecordsGo(t *testing.T) {
	t.Parallel()
	stay := func(*world) {}
	upsert := func(w *world, id string) {
		w.await(w.send("again", id, fmt.Sprintf(`"op":"upsert","object":"company","target":{"externalId":"again"},"fields":{"name":%q}`, id)), patience)
	}
	inWorlds(t, setting{},
		story{name: "deleted by others before it is deleted", end: stay, begin: func(w *world) {
			upsert(w, "gone-0")
			w.edit(func(tx *planhatsim.Tx) error { return tx.Delete("companies", "extid-again") })
			for n := range 2 {
				w.await(w.send("again", fmt.Sprint("gone-delete-", n), `"op":"delete","object":"company","target":{"externalId":"again"}`), patience)
			}
			id := w.mail.results["gone-0"].RecordID
			w.await(w.send("again", "gone-delete-id", fmt.Sprintf(`"op":"delete","object":"company","target":{"_id":%q}`, id)), patience)
		}},
		story{name: "deleted and made again", end: stay, begin: func(w *world) {
			for round := range 3 {
				upsert(w, fmt.Sprint("again-", round))
				w.edit(func(tx *planhatsim.Tx) error {
					if err := tx.Delete("companies", "extid-again"); err != nil {
						return err
					}
					_, err := tx.Create("companies", `{"name":"Made by others","externalId":"again"}`)
					return err
				})
				w.await(w.send("again", fmt.Sprint("again-update-", round), `"op":"update","object":"company","target":{"externalId":"again"},"fields":{"phase":"Live"}`), patience)
			}
		}},
		story{name: "merged into another", end: stay, begin: func(w *world) {
			w.await(w.send("merged", "merged-0", `"op":"upsert","object":"company","target":{"externalId":"merged"},"fields":{"name":"Merged"}`), patience)
			w.edit(func(tx *planhatsim.Tx) error {
				if err := tx.Delete("companies", "extid-merged"); err != nil {
					return err
				}
				return tx.Update("companies", "extid-home", `{"description":"with what Merged had"}`)
			})
			w.refused["merged-1"], w.refused["merged-2"] = "REJECTED NOT_FOUND", "REJECTED NOT_FOUND"
			w.await(w.send("merged", "merged-1", `"op":"update","object":"company","target":{"externalId":"merged"},"fields":{"phase":"x"}`), patience)
			w.await(w.send("merged", "merged-2", `"op":"get","object":"company","target":{"externalId":"merged"}`), patience)
		}},
	)
}

// Row 15: the vendor's model and the commands do not agree.
func TestTheModelChanges(t *testing.T) {
	t.Parallel()
	stay := func(*world) {}
	company := func(w *world, id, more, fields string) string {
		return w.send(id, id, fmt.Sprintf(`"op":"upsert","object":"company","target":{"externalId":%q}%s,"fields":{"name":%q,%s}`, id, more, id, fields))
	}
	inWorlds(t, setting{},
		story{name: "a field that nobody knows", end: stay, begin: func(w *world) {
			w.refused["model-unknown"] = "REJECTED UNKNOWN_FIELD"
			w.await(company(w, "model-unknown", "", `"shoeSize":7`), patience)
			w.await(company(w, "model-passed", `,"allowUnknownFields":true`, `"shoeSize":7`), patience)
		}},
		story{name: "a custom field more", end: stay, begin: func(w *world) {
			w.refused["model-before"] = "REJECTED UNKNOWN_FIELD"
			w.await(company(w, "model-before", "", `"custom":{"Born today":"x"}`), patience)
			w.edit(func(tx *planhatsim.Tx) error {
				_, err := tx.Create("customfields", `{"name":"Born today","type":"text","parent":"Company","isHidden":false}`)
				return err
			})
			w.await(company(w, "model-after", "", `"custom":{"Born today":"x"}`), patience)
		}},
		story{name: "a field of another type", end: stay, begin: func(w *world) {
			w.refused["model-type"] = "REJECTED VENDOR_REJECTED"
			w.await(company(w, "model-type", "", `"csmScore":"high"`), patience)
		}},
	)
}
