package source

// The points at which Deps.OnPoint is called, in the order in which the work
// passes them. Those of package shard lie between the last ones.
const (
	PointPageRead          = "source.page-read"          // a page was answered, nothing of it is compared
	PointPageAdmitted      = "source.page-admitted"      // its changes are pending, the cursor has not moved
	PointCandidateAnswered = "source.candidate-answered" // the vendor has said whether a record exists
	PointBeforeFlush       = "source.before-flush"       // events are made, the transaction has not begun
	PointChangesAcked      = "source.changes-acked"      // events are on the log, index and cursor are not
	PointAfterFlush        = "source.after-flush"        // all is committed, the memory does not know

	PointEntriesDropped = "source.entries-dropped" // what the index knew of a topic that was lost is gone, in part
	PointSignalHeard    = "source.signal-heard"    // a signal was read, nothing of it is done
	PointSignalWritten  = "source.signal-written"  // what it changes is in its transaction, not committed
	PointSignalObeyed   = "source.signal-obeyed"   // it is settled and answered
)

// Points lists those that all work passes; the others are of signals and of lost topics.
func Points() []string {
	return []string{
		PointPageRead, PointPageAdmitted, PointCandidateAnswered, PointBeforeFlush, PointChangesAcked, PointAfterFlush,
	}
}

// passed tells that the work has come to a point.
func (w *workspace) passed(point string) {
	if w.point != nil {
		w.point(point)
	}
}
