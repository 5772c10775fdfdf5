package brokerfaults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// The group hands the shards out anew while a page is read or written.
func TestRebalances(t *testing.T) {
	t.Parallel()
	group := names.ShardGroup("source")
	beats := func(most int, err *kerr.Error) func(*world) trouble {
		return faulty(most, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: err})
	}
	inWorlds(t, setting{}, []story{
		{name: "others join and leave", begin: func(w *world) trouble {
			w.visitors(2)
			return trouble{}
		}},
		{name: "the member is put out", begin: func(w *world) trouble {
			w.putOut("source-0")
			return trouble{}
		}},
		{name: "UNKNOWN_MEMBER_ID", begin: beats(1, kerr.UnknownMemberID)},
		{name: "ILLEGAL_GENERATION", begin: beats(1, kerr.IllegalGeneration)},
		{name: "REBALANCE_IN_PROGRESS", begin: beats(2, kerr.RebalanceInProgress)},
		{name: "GROUP_MAX_SIZE_REACHED after it was put out", begin: both(
			faulty(2, kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Group: group, Err: kerr.GroupMaxSizeReached}),
			beats(4, kerr.UnknownMemberID), // some of the heartbeats only ask
		)},
	})
}

// visitors are members that come and go, without a name to come back to.
func (w *world) visitors(n int) {
	w.t.Helper()
	for i := range n {
		name := fmt.Sprintf("visitor-%d", i)
		v := w.launch(&wire.Wire{}, map[string]string{"INSTANCE_ID": name})
		wait.Until(w.t, "the visitor has shards", metWithin, func() bool {
			w.live(1)
			return len(v.status().Shards) > 0
		})
		w.live(5)
		v.Stop()
		w.putOut(name)
		w.live(5)
	}
}

// putOut takes a member out of the group, as its session's end would.
func (w *world) putOut(instance string) {
	w.t.Helper()
	cl := w.client()
	defer cl.Close()
	if _, err := kadm.NewClient(cl).LeaveGroup(w.t.Context(), kadm.LeaveGroup(names.ShardGroup("source")).InstanceIDs(instance)); err != nil {
		w.t.Fatal(err)
	}
}

// Members join and leave while the snapshot is read, page by page.
func TestRebalancesDuringTheSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{companies: 150, env: map[string]string{"PLANHAT_CALLS_PER_MINUTE": "240"}})
	w.source = w.launch(w.wire, nil)
	w.visitors(2)
	w.putOut("source-0")
	w.live(30)
	w.fresh()
	w.judge()
	w.source.Stop()
}

// Two deployments of one name, by mistake or to be safe: one writes.
func TestTwoSources(t *testing.T) {
	t.Parallel()
	for name, instance := range map[string]string{"with one instance id": "source-0", "with an instance id each": "source-1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{})
			w.start()
			other := w.launch(&wire.Wire{}, map[string]string{"INSTANCE_ID": instance})
			wait.Until(t, "the other has shards", metWithin, func() bool {
				w.live(2)
				return len(other.status().Shards) > 0
			})
			for range 5 {
				w.live(10)
				w.fresh()
			}
			w.judge()
			if instance == "source-0" {
				wait.Until(t, "status and log say that the instance id is there twice", metWithin, func() bool {
					st := w.source.status().Workspaces[0]
					return st.State == "held" && strings.Contains(st.Cause, "INSTANCE_ID") && strings.Contains(w.source.Log.String(), st.Cause)
				})
			}
			other.Stop()
			w.putOut(instance) // what the session's end does
			w.live(10)
			took := w.fresh()
			w.judge()
			t.Logf("alone again, a fresh change took %s", took.Round(time.Millisecond))
			w.source.Stop()
		})
	}
}
