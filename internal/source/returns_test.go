package source_test

import (
	"bytes"
	"fmt"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// A record that comes back after its delete, under its own id: as it was, or
// edited. It is a create without a before.
func TestARecordThatComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 51, Companies: 20}, map[string]string{"PLANHAT_OBJECTS": "company,license,task"})
	r.start()
	r.judge()
	taken := map[string]string{}
	r.mutate(func(tx *planhatsim.Tx) error {
		for _, listing := range []string{"companies", "licenses", "tasks"} {
			id := tx.IDs(listing)[2]
			taken[listing] = string(tx.Get(listing, id))
			if err := tx.Delete(listing, id); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "the deletes", func() bool { return r.total(changesTotal, "op=d") == 3 })
	r.mutate(func(tx *planhatsim.Tx) error {
		for listing, document := range taken {
			if err := tx.Put(listing, document); err != nil {
				return err
			}
		}
		return nil
	})
	r.judge() // waits until they are there again
	r.mutate(func(tx *planhatsim.Tx) error {
		for listing := range taken {
			if err := tx.Update(listing, tx.IDs(listing)[2], `{"sourceId":"again"}`); err != nil {
				return err
			}
		}
		return nil
	})
	r.judge()
	if n := r.total(changesTotal, "op=c"); n != 3 {
		t.Errorf("%v creates for three records that came back", n)
	}
	if n := r.total("planhat_bridge_source_before_missing_total", "object=company"); n != 0 {
		t.Errorf("%v before images are missing", n)
	}
}

// Deleted and made anew with the same externalId, in either order of ids; and two
// companies merged: what belonged to one belongs to the other, and it is gone.
func TestMadeAnewAndMerged(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 52, Companies: 15, CoreOnly: true}, map[string]string{"PLANHAT_OBJECTS": "company,enduser,license,note,conversation"})
	r.start()
	r.judge()
	for round := range 3 {
		r.mutate(func(tx *planhatsim.Tx) error {
			name := fmt.Sprintf("anew-%d", round)
			old, err := tx.Create("companies", `{"name":"First","externalId":"`+name+`"}`)
			if err != nil {
				return err
			}
			if err := tx.Delete("companies", old); err != nil {
				return err
			}
			_, err = tx.Create("companies", `{"name":"Second","externalId":"`+name+`"}`)
			return err
		})
		r.judge()
		r.mutate(func(tx *planhatsim.Tx) error {
			name := fmt.Sprintf("extid-anew-%d", round)
			if err := tx.Update("companies", name, fmt.Sprintf(`{"externalId":"old-%d"}`, round)); err != nil {
				return err
			}
			if _, err := tx.Create("companies", fmt.Sprintf(`{"name":"Third","externalId":"anew-%d"}`, round)); err != nil {
				return err
			}
			return tx.Delete("companies", fmt.Sprintf("extid-old-%d", round))
		})
		r.mutate(func(tx *planhatsim.Tx) error {
			ids := tx.IDs("companies")
			into, gone := ids[0], ids[1+round]
			for _, listing := range []string{"endusers", "licenses", "conversations"} {
				for _, id := range tx.IDs(listing) {
					if bytes.Contains(tx.Get(listing, id), []byte(gone)) {
						if err := tx.Update(listing, id, `{"companyId":"`+into+`"}`); err != nil {
							return err
						}
					}
				}
			}
			return tx.Delete("companies", gone)
		})
		r.judge()
	}
	if n := r.ofObject("company", "d"); n < 6 {
		t.Errorf("%v deletes of companies", n)
	}
	if d := r.ofObject("license", "d"); d != 0 {
		t.Errorf("%v licenses of merged companies were deleted", d)
	}
}

// A record changes its type, and is edited with it, there and back, while others
// are missing from the listing: a delete on one topic and a create on the other,
// also where only one of the two is captured.
func TestTypesThereAndBack(t *testing.T) {
	t.Parallel()
	for name, objects := range map[string]string{"both": "note,conversation,ticket", "notes": "note", "conversations": "conversation"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 53, Companies: 12}, map[string]string{"PLANHAT_OBJECTS": objects})
			r.start()
			r.judge()
			var notes, calls []string
			r.mutate(func(tx *planhatsim.Tx) error {
				for i := range 4 {
					for kind, ids := range map[string]*[]string{"note": &notes, "call": &calls} {
						id, err := tx.Create("conversations", fmt.Sprintf(`{"type":%q,"companyId":%q,"subject":"a %s"}`, kind, tx.IDs("companies")[i], kind))
						if err != nil {
							return err
						}
						*ids = append(*ids, id)
					}
				}
				return nil
			})
			r.judge()
			for round, kinds := range [][2]string{{"call", "note"}, {"note", "call"}, {"call", "note"}} {
				r.mutate(func(tx *planhatsim.Tx) error {
					for i := range notes {
						if err := tx.Update("conversations", notes[i], fmt.Sprintf(`{"type":%q,"subject":"round %d"}`, kinds[0], round)); err != nil {
							return err
						}
						if err := tx.Update("conversations", calls[i], fmt.Sprintf(`{"type":%q,"description":"round %d"}`, kinds[1], round)); err != nil {
							return err
						}
					}
					if round < 2 { // one of each goes for ever, with its type just changed
						if err := tx.Delete("conversations", notes[0]); err != nil {
							return err
						}
						err := tx.Delete("conversations", calls[0])
						notes, calls = notes[1:], calls[1:]
						return err
					}
					return nil
				})
				r.judge()
			}
		})
	}
}
