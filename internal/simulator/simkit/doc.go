// Package simkit is what the simulators of both vendors share because it is about simulating, not about a vendor:
// switches read from struct tags, the log of calls, and connections that end badly.
package simkit
