// Package bubble holds what stories in virtual time have instead of a network: servers
// that are called without sockets, on which a bubble's clock would wait for ever, and
// lines to them that can break.
package bubble

import (
	"net/http"
	"net/http/httptest"
)

// Handled is a handler as a transport.
type Handled struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (h Handled) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	h.ServeHTTP(rec, r)
	return rec.Result(), nil
}
