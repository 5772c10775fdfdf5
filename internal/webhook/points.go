package webhook

// The points at which Deps.OnPoint is called, in the order in which a webhook
// passes them.
const (
	PointReceived = "webhook.received" // its body was read, nothing of it is on the log
	PointWritten  = "webhook.written"  // all replicas have it, it was not answered
)

// Points lists them.
func Points() []string { return []string{PointReceived, PointWritten} }
