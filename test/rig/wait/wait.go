// Package wait is how a test waits for what others bring about.
package wait

import (
	"testing"
	"time"
)

// Patient is how long a wait may take here: short runs are those under the race
// detector, where everything takes several times as long.
func Patient(d time.Duration) time.Duration {
	if testing.Short() {
		return 4 * d
	}
	return d
}

// Until waits for a condition; one that does not come true in time ends the test.
func Until(t testing.TB, what string, most time.Duration, is func() bool) {
	t.Helper()
	if !Within(most, is) {
		t.Fatalf("waited %s for %s", most, what)
	}
}

// Within tells whether a condition comes true in time.
func Within(most time.Duration, is func() bool) bool {
	deadline := time.After(most)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			return is()
		}
	}
	return true
}
