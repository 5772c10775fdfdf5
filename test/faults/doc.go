// Package faults holds the source against everything that goes wrong at the vendor.
//
// A story is a source in this process, on an embedded broker, that captures a
// simulated Planhat whose users edit, create, archive and delete before, during and
// after a fault. Then the oracle judges the topics: nothing lost, nothing invented,
// nothing repeated, sequences strictly increasing. What is new when the fault ends
// has to be on its topic within ten seconds, and a source that has stopped leaves no
// goroutine and no connection.
//
// The stories follow the rows of the fault matrix (rows_*_test.go) and the traps of
// listings that move while they are read (traps_*_test.go). random_test.go throws
// faults of all kinds in any order; it prints its seed, and
//
//	FAULTS_SEED=17 FAULTS_ROUNDS=1 go test ./test/faults -run TestAnyFaults -v
//
// runs that one again. Start reading at story_test.go.
package faults
