// Package simkit is what the simulators of both vendors share because it is about simulating, not about a vendor:
// switches read from struct tags, the log of calls, rules of faults and how often they strike, a life that makes
// changes at a rate, answers and connections that end badly, and the handlers that every control API has.
package simkit
