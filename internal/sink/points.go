package sink

// The points at which Deps.OnPoint is called, in the order in which a batch
// passes them.
const (
	PointIntentWritten = "sink.intent-written" // intents are committed, no create has been sent
	PointBeforeCall    = "sink.before-call"    // before every call that writes
	PointAfterCall     = "sink.after-call"     // after its answer
	PointBeforeCommit  = "sink.before-commit"  // the batch is done, nothing is written
	PointAfterCommit   = "sink.after-commit"   // results and positions are committed
)

// Points lists them.
func Points() []string {
	return []string{PointIntentWritten, PointBeforeCall, PointAfterCall, PointBeforeCommit, PointAfterCommit}
}
