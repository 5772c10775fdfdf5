package account

// The points at which Options.OnPoint is called, in the order in which the work
// passes them. Those of package shard lie between the last ones.
const (
	PointEventsRead   = "account.events-read"   // webhooks are at hand, nothing of them is settled
	PointRowsRead     = "account.rows-read"     // REST has answered, nothing is compared
	PointAdmitted     = "account.admitted"      // changes are pending, nothing is written
	PointBeforeFlush  = "account.before-flush"  // events are made, the transaction has not begun
	PointChangesAcked = "account.changes-acked" // events are on the log, index, cursors and positions are not
	PointAfterFlush   = "account.after-flush"   // all is committed, the memory does not know

	PointSignalHeard  = "account.signal-heard"  // a signal was read, nothing of it is done
	PointSignalObeyed = "account.signal-obeyed" // it is settled and answered
)

// Points lists those that all work passes; the others are of signals.
func Points() []string {
	return []string{PointEventsRead, PointRowsRead, PointAdmitted, PointBeforeFlush, PointChangesAcked, PointAfterFlush}
}

// passed tells that the work has come to a point.
func (a *Account) passed(point string) {
	if a.opts.OnPoint != nil {
		a.opts.OnPoint(point)
	}
}
