// Package verdict lets the oracle decide a test.
package verdict

import (
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
)

// Of is what the oracle finds, once the bridge has caught up. Each mismatch fails the
// test.
func Of(t testing.TB, o oracle.Options) oracle.Report {
	t.Helper()
	report, err := oracle.Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Mismatches {
		t.Errorf("oracle: %s", m)
	}
	return report
}
