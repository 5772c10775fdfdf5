package source_test

import (
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

// A token that may not see a listing is told so with a 403, or as if the token
// were bad, or as if there were no such path: the stream says that it is
// forbidden, and the others go on.
func TestAForbiddenListingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for _, word := range planhatsim.SwitchValues()["forbidden"] {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 21, Companies: 5, Switches: planhatsim.Switches{Forbidden: word},
				Tokens: map[string]planhatsim.Token{stage.Token: {Deny: map[string]bool{"company": true, "license": true}}}}, nil)
			svc, _ := r.start()
			until(t, "the states", func() bool {
				states := map[string]string{}
				for _, s := range streams(svc) {
					states[s.Name] = s.State
					if s.State == "ok" && !s.SnapshotDone {
						return false
					}
				}
				return states["companies"] == "forbidden" && states["licenses"] == "forbidden" && states["endusers"] == "ok" && states["conversations"] == "ok"
			})
			if s := state(svc); s != "ok" {
				t.Errorf("the workspace is %q", s)
			}
		})
	}
}

func streams(svc *source.Service) []source.StreamStatus {
	st, _ := svc.Status().(source.Status)
	var out []source.StreamStatus
	for _, w := range st.Workspaces {
		out = append(out, w.Streams...)
	}
	return out
}
