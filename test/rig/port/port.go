// Package port finds places to listen on for what does not choose one by itself.
package port

import (
	"net"
	"testing"
)

// Free is a port that nobody listened on a moment ago.
func Free(t testing.TB) int {
	t.Helper()
	return free(t).Port
}

// Address is host and port of one that nobody listened on a moment ago.
func Address(t testing.TB) string {
	t.Helper()
	return free(t).String()
}

func free(t testing.TB) *net.TCPAddr {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr) //nolint:forcetypeassert // of a TCP listener
}
