package account

import (
	"fmt"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// FirstRead is the event that is written for a row that is seen for the first
// time, except for the sequence, which only the owner of a shard can give: it is 0.
func FirstRead(account, bridge, version string, o pipedrive.Object, row pipedrive.Row, now time.Time) (schemas.Envelope, error) {
	read, err := readRow(row.Raw)
	if err != nil {
		return schemas.Envelope{}, fmt.Errorf("%s %d: %w", o, row.ID, err)
	}
	env := schemas.Envelope{
		After: read.write(nil), Op: opRead, TsMs: now.UnixMilli(),
		Source: schemas.Source{
			Version: version, Connector: connector, Name: bridge, TsMs: read.stamp(), Snapshot: "true",
			DB: account, Table: string(o), Stream: string(o),
		},
	}
	if env.Source.TsMs == 0 {
		env.Source.TsMs = env.TsMs
	}
	return env, nil
}

// connector names the vendor in topics and events.
const connector = "pipedrive"
