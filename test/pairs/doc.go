// Package pairs runs the bridge against every pair of answers that the
// simulated vendor can be switched to give.
//
// Nothing public says how Planhat answers in some fifty situations; each is a
// switch of the simulator. One switch at a time is not enough: what the bridge
// makes of one answer may hang on another. All combinations are too many. So the
// rows of a covering array are run, in which every two values of every two
// switches meet at least once.
//
// A row is one test, named by its number: a failing one prints the switches that
// it does not leave at their defaults, and is run alone with
//
//	go test ./test/pairs -run TestSwitchPairs/17
//
// Start reading at TestSwitchPairs, then story_test.go for what happens in a row.
package pairs
