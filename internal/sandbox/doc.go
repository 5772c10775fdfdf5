// Package sandbox runs the whole bridge in one process for a first look and
// for end-to-end tests: an embedded Kafka broker and schema registry, the
// simulators of Planhat and Pipedrive with a seeded tenant and company and life in
// them, and source and sink wired as in production, against real ports of this host.
//
// With a duration it also sends commands, makes the vendors fail in every way
// that it knows, and ends with the oracle's word on whether anything was lost,
// invented or repeated. It is the only production code that may use the
// in-process broker and the simulators.
//
// Start reading at sandbox.go; traffic.go and trouble.go are what happens to
// the bridge while it runs.
package sandbox
