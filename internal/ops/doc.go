// Package ops is what every service needs around its work: a Main that reads
// flags and configuration, obeys signals and ends with a known exit code; a
// Supervisor that starts services in order and drains them in reverse; an
// Admin server for health, readiness, metrics and status; WaitFor, which waits
// for what must be there at the start.
//
// It knows nothing of Kafka, of vendors or of what a service does. Readiness
// is what the registered checks say. By convention they ask Kafka and the
// registry, never a vendor: an outage there must not restart anything.
//
// Exit codes: 0 done or drained, 1 unexpected, 2 bad configuration or set-up,
// 3 cannot reach what it needs within STARTUP_TIMEOUT.
//
// Start reading at Main, then Supervisor.
package ops
