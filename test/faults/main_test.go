package faults_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/test/rig/front"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // a dozen tenants at once, each for some seconds
	if err := front.Install(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
