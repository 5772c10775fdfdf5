package crash

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// signalPoints are the points of obeying a signal, in their order.
var signalPoints = []string{source.PointSignalHeard, source.PointSignalWritten, source.PointSignalObeyed}

// A signal whose owner is killed over it is obeyed once and answered once by
// the next one.
func TestSourceKilledOverASignal(t *testing.T) {
	t.Parallel()
	for _, point := range signalPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := rig.New(t, rig.Options{Companies: 20})
			first := r.Start("source", point, 0)
			r.Judge()
			say(t, r, schemas.Signal{ID: "again", Signal: schemas.SignalObject, Workspace: stage.Workspace, Object: "license"})
			first.Killed(t)
			r.Stage.Simulator.Live(20)
			second := r.Start("source", "", 0)
			wait.Until(t, "the end of the snapshot", time.Minute, func() bool { return len(heard(t, r, schemas.NotifySnapshotCompleted)) > 0 })
			r.Rereads = map[string]int{"license": 1}
			r.Judge()
			second.Stop(t)
			for _, kind := range []schemas.NotificationKind{schemas.NotifySignalDone, schemas.NotifySnapshotStarted, schemas.NotifySnapshotCompleted} {
				if notes := heard(t, r, kind); len(notes) != 1 {
					t.Errorf("%d notifications of %s for one signal: %+v", len(notes), kind, notes)
				}
			}
			if notes := heard(t, r, schemas.NotifySignalRefused); len(notes) > 0 {
				t.Errorf("the signal was refused, too: %+v", notes)
			}
		})
	}
}

func say(t *testing.T, r *rig.Rig, sig schemas.Signal) {
	t.Helper()
	cl, err := r.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	value, err := json.Marshal(sig)
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.Names.Signals(), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// heard are the notifications of a kind about the signal.
func heard(t *testing.T, r *rig.Rig, kind schemas.NotificationKind) (out []schemas.Notification) {
	t.Helper()
	cl, err := r.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	err = kafka.ReadToStable(t.Context(), cl, r.Names.Notifications(), 0, 0, func(rec *kgo.Record) error {
		var n schemas.Notification
		if err := json.Unmarshal(rec.Value, &n); err != nil {
			return err
		}
		if n.Kind == kind && n.ID == "again" {
			out = append(out, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
