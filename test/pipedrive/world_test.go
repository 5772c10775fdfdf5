package pipedrive

import (
	"fmt"
	"maps"
	"os/exec"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// world is an account whose webhooks go through a door to as many receivers as there are.
type world struct {
	*rig.Rig
	t    *testing.T
	sim  *pipedrivesim.Server
	door *rig.Door
	at   []string // where the receivers listen
}

func newWorld(t *testing.T, receivers int, sim pipedrivesim.Options, env map[string]string) *world {
	t.Helper()
	w := &world{t: t}
	for range receivers {
		w.at = append(w.at, port.Address(t))
	}
	w.door = rig.OpenDoor(t, w.at...)
	vars := map[string]string{"PIPEDRIVE_WEBHOOK_URL": w.door.URL, "PIPEDRIVE_DELETE_GUARD": "off", "SOURCE_COMPONENTS": config.Poller}
	maps.Copy(vars, env)
	w.Rig = rig.New(t, rig.Options{Pipedrive: &sim, Env: vars, Session: 6 * time.Second})
	w.sim = w.Stage.PipedriveSimulator
	return w
}

// receive starts a receiver: a source that only takes webhooks.
func (w *world) receive(n int, change ...func(*exec.Cmd)) *rig.Process {
	w.t.Helper()
	return w.StartIn("source", fmt.Sprintf("webhook-%d", n), func(c *exec.Cmd) {
		c.Env = append(c.Env, "SOURCE_COMPONENTS="+config.Webhook, "WEBHOOK_ADDR="+w.at[n])
		for _, more := range change {
			more(c)
		}
	})
}

// await waits for a condition.
func (w *world) await(what string, most time.Duration, ok func() bool) {
	w.t.Helper()
	wait.Until(w.t, what, most, ok)
}

// registered waits until the vendor has a live webhook of ours for every object.
func (w *world) registered() {
	w.t.Helper()
	w.await("the webhooks", time.Minute, func() bool {
		live := map[string]bool{}
		for _, h := range w.sim.Hooks() {
			if h.Active && h.URL == w.door.URL+"/pipedrive/"+stage.Account {
				live[h.Object] = true
			}
		}
		return len(live) == len(config.AccountObjects())
	})
}
