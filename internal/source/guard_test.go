package source_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

// A vendor that has lost everything for a while, or a token that sees nothing
// any more, looks like an emptied tenant in every single answer.
func TestAnEmptiedTenantIsHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 11, Companies: 150, EndusersPerCompany: -1, ConversationsPerCompany: -1, CoreOnly: true},
		map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, _ := r.start()
	first := r.judge()
	r.proxy.gone.Store(true)
	until(t, "the deletes to be held", func() bool { return heldStreams(svc) >= 2 })
	r.proxy.gone.Store(false)
	until(t, "the hold to end by itself", func() bool { return heldStreams(svc) == 0 && r.candidates(svc) == 0 })
	if second := r.judge(); second.Changes != first.Changes {
		t.Errorf("%d events after %d: nothing has changed", second.Changes, first.Changes)
	}
}

func TestAnOperatorReleasesHeldDeletes(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 12, Companies: 150, EndusersPerCompany: -1, ConversationsPerCompany: -1}, nil)
	svc, _ := r.start()
	r.judge()
	if code, out := r.release("licenses"); code != 1 || !bytes.Contains(out, []byte("not held")) {
		t.Errorf("release of what is not held: exit code %d, %s", code, out)
	}
	r.mutate(func(tx *planhatsim.Tx) error {
		for _, id := range tx.IDs("licenses")[:140] {
			if err := tx.Delete("licenses", id); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "the deletes to be held", func() bool { return heldStreams(svc) == 1 })
	if n := r.total("planhat_bridge_source_changes_total", "op=d"); n != 0 {
		t.Fatalf("%v deletes were written while held", n)
	}
	if code, out := r.release("licenses"); code != 0 {
		t.Fatalf("release: exit code %d, %s", code, out)
	}
	r.judge()
	if n := r.total("planhat_bridge_source_changes_total", "op=d"); n != 140 {
		t.Errorf("%v deletes, want 140", n)
	}
}

// release is the command that the log names as the remedy.
func (r *rig) release(stream string) (code int, out []byte) {
	r.t.Helper()
	args := []string{
		"signal", "release", "--workspace", r.cfg.Planhat[0].Name,
		"--bootstrap", r.env["KAFKA_BOOTSTRAP_SERVERS"], "--registry", r.env["SCHEMA_REGISTRY_URL"],
	}
	if stream != "" { // else all that is held of the workspace
		args = append(args, "--stream", stream)
	}
	var b bytes.Buffer
	code = ctl.Run(r.t.Context(), args, ctl.Surroundings{Environ: os.Environ(), Stdin: new(bytes.Buffer), Stdout: &b, Stderr: &b})
	return code, b.Bytes()
}

func heldStreams(svc *source.Service) int {
	st, _ := svc.Status().(source.Status)
	n := 0
	for _, w := range st.Workspaces {
		for _, s := range w.Streams {
			if s.Held {
				n++
			}
		}
	}
	return n
}
