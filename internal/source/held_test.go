package source_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

// streamOf is what the status says of a stream.
func streamOf(svc *source.Service, name string) source.StreamStatus {
	st, _ := svc.Status().(source.Status)
	for _, w := range st.Workspaces {
		for _, s := range w.Streams {
			if s.Name == name {
				return s
			}
		}
	}
	return source.StreamStatus{}
}

// admin changes topics behind the source's back.
func (r *rig) admin(change func(ctx context.Context, adm *kadm.Client, topic string) error) {
	r.t.Helper()
	r.adminOf(kafka.Names{Bridge: r.cfg.Bridge}.Changes("planhat", stage.Workspace, "license"), change)
}

func (r *rig) adminOf(topic string, change func(ctx context.Context, adm *kadm.Client, topic string) error) {
	r.t.Helper()
	cl, err := r.kafka.NewClient()
	if err != nil {
		r.t.Fatal(err)
	}
	defer cl.Close()
	if err := change(r.t.Context(), kadm.NewClient(cl), topic); err != nil {
		r.t.Fatal(err)
	}
}

func recreate(ctx context.Context, adm *kadm.Client, topic string) error {
	if _, err := adm.DeleteTopic(ctx, topic); err != nil {
		return err
	}
	policy, week := "compact", "604800000" // what a source that prepares itself asks for
	config := map[string]*string{"cleanup.policy": &policy, "min.compaction.lag.ms": &week, "delete.retention.ms": &week}
	_, err := adm.CreateTopic(ctx, 3, 1, config, topic)
	return err
}

func widen(ctx context.Context, adm *kadm.Client, topic string) error {
	_, err := adm.CreatePartitions(ctx, 2, topic)
	return err
}

// A topic that is not the one that the state refers to holds its stream, tells
// why and what to do, and leaves the other streams alone.
func TestATopicThatIsNotTheOneOfTheState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change  func(context.Context, *kadm.Client, string) error
		running bool
		says    string
	}{
		"recreated while stopped": {recreate, false, "created anew"},
		"recreated while running": {recreate, true, "created anew"},
		"more partitions":         {widen, false, "partitions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 12, Companies: 6}, nil)
			svc, stop := r.start()
			r.judge()
			if !tc.running {
				stop()
			}
			r.admin(tc.change)
			if !tc.running {
				svc, _ = r.start()
			}
			r.mutate(func(tx *planhatsim.Tx) error {
				for _, id := range tx.IDs("licenses") {
					if err := tx.Update("licenses", id, `{"product":"another"}`); err != nil {
						return err
					}
				}
				return nil
			})
			until(t, "the stream to be held", func() bool { return streamOf(svc, "licenses").State == "held" })
			if cause := streamOf(svc, "licenses").Cause; !strings.Contains(cause, tc.says) || !strings.Contains(cause, "to repair: ") {
				t.Errorf("the status says %q", cause)
			}
			before := streamOf(svc, "companies").LastFlush
			r.mutate(func(tx *planhatsim.Tx) error {
				return tx.Update("companies", tx.IDs("companies")[0], `{"city":"Bodø"}`)
			})
			until(t, "the companies to go on", func() bool { return streamOf(svc, "companies").LastFlush.After(before) })
			if s := streamOf(svc, "licenses"); s.State != "held" {
				t.Errorf("the stream is %s", s.State)
			}
		})
	}
}

// Records outside a selection that has become narrower are no deletes, and
// cost no calls.
func TestANarrowerSelectionDeletesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 13, Companies: 12}, nil)
	_, stop := r.start()
	r.judge()
	stop()
	var chosen string
	r.mutate(func(tx *planhatsim.Tx) error { chosen = tx.IDs("companies")[3]; return nil })
	r.cfg.Planhat[0].CompanyIDs = []string{chosen}
	_, before := r.stage.Simulator.Calls()
	asked := before["GET /companies/{id}"] + before["GET /licenses/{id}"] + before["GET /endusers/{id}"]
	sweeps := r.proxy.sweeps.Load()
	svc, stopAgain := r.start()
	until(t, "three sweeps of every listing", func() bool { return r.proxy.sweeps.Load() >= sweeps+3*21 && r.candidates(svc) == 0 })
	_, after := r.stage.Simulator.Calls()
	if n := after["GET /companies/{id}"] + after["GET /licenses/{id}"] + after["GET /endusers/{id}"] - asked; n > 0 {
		t.Errorf("%d calls for records that are not selected", n)
	}
	if n := r.total("planhat_bridge_source_changes_total", "op=d"); n != 0 {
		t.Errorf("%v deletes", n)
	}
	stopAgain()
	r.cfg.Planhat[0].CompanyIDs = nil
	r.start()
	report := r.judge()
	if n := r.total("planhat_bridge_source_changes_total", "workspace="+stage.Workspace); n != 0 {
		t.Errorf("%v of %d changes were written again when everything was selected", n, report.Changes)
	}
}

// A record that cannot be asked for keeps neither the other candidates nor the
// changes of its listing waiting.
func TestOneRecordThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 14, Companies: 12}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, _ := r.start()
	until(t, "the snapshot", func() bool { return streamOf(svc, "licenses").SnapshotDone && streamOf(svc, "licenses").Records > 5 })
	r.mutate(func(tx *planhatsim.Tx) error {
		ids := tx.IDs("licenses")
		broken := "/licenses/" + ids[0]
		r.proxy.forbid.Store(&broken)
		for _, id := range ids[:3] {
			if err := tx.Delete("licenses", id); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "the others to be deleted", func() bool { return r.total("planhat_bridge_source_changes_total", "op=d") >= 2 })
	r.proxy.forbid.Store(nil)
	until(t, "the last one", func() bool { return r.total("planhat_bridge_source_changes_total", "op=d") == 3 })
}

// Where no GET is answered, deletes wait and changes do not.
func TestChangesGoOnWhereDeletesCannotBeConfirmed(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 15, Companies: 12}, map[string]string{"PLANHAT_OBJECTS": "company"})
	svc, _ := r.start()
	until(t, "the snapshot", func() bool { return streamOf(svc, "companies").SnapshotDone })
	all := "/companies/"
	r.proxy.forbid.Store(&all)
	r.mutate(func(tx *planhatsim.Tx) error { return tx.Delete("companies", tx.IDs("companies")[11]) })
	until(t, "the trouble", func() bool { return streamOf(svc, "companies").State == "retrying" })
	for i := range 4 {
		before, began := r.total("planhat_bridge_source_changes_total", "op=u"), time.Now()
		r.mutate(func(tx *planhatsim.Tx) error {
			return tx.Update("companies", tx.IDs("companies")[i], `{"city":"Vardø"}`)
		})
		until(t, "a change", func() bool { return r.total("planhat_bridge_source_changes_total", "op=u") > before })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("a change took %s", took)
		}
	}
}

// forbidden answers for the paths that the vendor shall refuse.
func (p *proxy) forbidden(w http.ResponseWriter, r *http.Request) bool {
	prefix := p.forbid.Load()
	if prefix == nil || !strings.HasPrefix(r.URL.Path, *prefix) {
		return false
	}
	p.refused.Add(1)
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"error":"not this one"}`))
	return true
}
