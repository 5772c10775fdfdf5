package source_test

import (
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// A quiet stream is polled with small pages; what does not fit into one is
// still found.
func TestQuietPollsAreSmall(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 13, Companies: 200}, map[string]string{"PLANHAT_OBJECTS": "enduser"})
	r.start()
	before := r.judge()
	polls := func(limit string) (n int) {
		calls, _ := r.stage.Simulator.Calls()
		for _, c := range calls {
			if c.Path == "/endusers" && strings.Contains(c.Query, "sort=-updatedAt") && strings.Contains(c.Query, "limit="+limit) {
				n++
			}
		}
		return n
	}
	until(t, "a small poll", func() bool { return polls("200") > 0 })
	full := polls("2000")
	r.mutate(func(tx *planhatsim.Tx) error {
		for _, id := range tx.IDs("endusers")[:500] {
			if err := tx.Update("endusers", id, `{"position":"Edited"}`); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "the poll that takes full pages", func() bool { return polls("2000") > full })
	if after := r.judge(); after.Changes != before.Changes+500 {
		t.Errorf("%d changes for 500 edits", after.Changes-before.Changes)
	}
}
