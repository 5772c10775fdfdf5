// Package freshness holds the source to what it promises of time: how old a
// change may be when it is on its topic, how many calls that costs, what it
// says before it begins, and how soon it goes on after an outage.
//
// The whole source runs, with an embedded broker and a simulated Planhat, on
// virtual time: hours pass in seconds, and nothing depends on how fast the
// machine is. Start reading at world_test.go.
package freshness
