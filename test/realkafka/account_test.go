package realkafka

import (
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
)

// One source takes the webhooks of an account and owns it, and dies at point after
// point; the company lives on all the while.
func (k cluster) accountKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	at := port.Address(t)
	door := rig.OpenDoor(t, at)
	r := rig.New(t, rig.Options{
		Broker: k.broker, Bridge: bridge(t),
		Pipedrive: &pipedrivesim.Options{Seed: 5, Organizations: 5, Persons: 5, Deals: 10, Notes: 5, Scale: 300, RequestsPerWindow: -1, DailyTokens: -1},
		Env:       map[string]string{"PIPEDRIVE_WEBHOOK_URL": door.URL, "PIPEDRIVE_DELETE_GUARD": "off", "WEBHOOK_ADDR": at},
	})
	sim := r.Stage.PipedriveSimulator
	for _, d := range []death{
		{account.PointRowsRead, 3},
		{account.PointAdmitted, 3},
		{webhook.PointReceived, 5},
		{account.PointChangesAcked, 2},
		{shard.PointProduced, 13},
		{webhook.PointWritten, 5},
		{shard.PointCommitted, 12},
		{account.PointAfterFlush, 2},
	} {
		p := r.Start("source", d.point, d.after)
		sim.SetLife(40)
		p.Killed(t)
		sim.SetLife(0)
	}
	p := r.Start("source", "", 0)
	before := r.Judge()
	sim.Live(40)
	after := r.Judge()
	p.Stop(t)
	if c := after.Coverage.Webhooks; before.Changes < 40 || after.Changes <= before.Changes || c.Answered == 0 || c.Retried == 0 {
		t.Errorf("%d changes, then %d, %+v: the run proves little", before.Changes, after.Changes, *c)
	}
}
