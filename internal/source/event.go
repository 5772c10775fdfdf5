package source

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// origin is what all events of a workspace say of where they come from.
type origin struct{ workspace, bridge, version string }

// envelope is the event of a change, without before, changed and sequence.
func (o origin) envelope(s *stream, c change, now time.Time) schemas.Envelope {
	env := schemas.Envelope{
		After: c.row, Op: c.op, TsMs: now.UnixMilli(),
		Source: schemas.Source{
			Version: o.version, Connector: "planhat", Name: o.bridge, TsMs: c.entry.Stamp, Snapshot: strconv.FormatBool(c.op == opRead),
			DB: o.workspace, Table: string(s.objects[c.entry.Object].spec.Object), Stream: s.listing,
		},
	}
	if env.Source.TsMs == 0 || c.op == opDelete {
		env.Source.TsMs = env.TsMs
	}
	return env
}

// FirstRead is the event that the source writes for a row that it sees for the
// first time, except for the sequence, which only the owner of a shard can
// give: it is 0. The object of the event (Source.Table) is what the row itself
// says it is; o names a listing, which several objects may share.
func FirstRead(workspace, bridge, version string, o planhat.Object, row planhat.Row, now time.Time) (schemas.Envelope, error) {
	spec, _ := planhat.Lookup(o)
	for _, s := range newStreams(func(planhat.Object) string { return "" }, nil) {
		if s.listing != spec.Listing {
			continue
		}
		sightings, err := s.sight(nil, []planhat.Row{row})
		if err == nil {
			err = s.inspect(sightings)
		}
		if err == nil {
			err = s.admitRow(sightings[0])
		}
		if err != nil {
			return schemas.Envelope{}, err
		}
		if len(s.pending.changes) != 1 {
			return schemas.Envelope{}, fmt.Errorf("%w: %s is of type %q", ErrNotCaptured, row.ID, sightings[0].Facts.Type)
		}
		return origin{workspace, bridge, version}.envelope(s, s.pending.changes[0], now), nil
	}
	return schemas.Envelope{}, fmt.Errorf("there is no listing of %q", o)
}

// ErrNotCaptured says that a row of a listing is of no object that there is.
var ErrNotCaptured = errors.New("the row is of no captured object")
