package sink

// The points at which Deps.OnPoint is called, in the order in which a batch
// passes them.
const (
	PointIntentWritten = "sink.intent-written" // intents are committed, no create has been sent
	PointBeforeCall    = "sink.before-call"    // before every call that writes
	PointAfterCall     = "sink.after-call"     // after its answer
	PointInDoubt       = "sink.in-doubt"       // a create that may have been carried out is about to be looked up
	PointBeforeCommit  = "sink.before-commit"  // the batch is done, nothing is written
	PointDeadLettered  = "sink.dead-lettered"  // dead letters are produced beside their results, nothing is committed
	PointAfterCommit   = "sink.after-commit"   // results and positions are committed
)

// Points lists them.
func Points() []string {
	return []string{
		PointIntentWritten, PointBeforeCall, PointAfterCall, PointInDoubt, PointBeforeCommit, PointDeadLettered, PointAfterCommit,
	}
}
