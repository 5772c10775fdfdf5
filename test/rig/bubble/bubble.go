// Package bubble holds what stories in virtual time have instead of a network and a
// screen: servers that are called without sockets, on which a bubble's clock would wait
// for ever, and logs that can be asked.
package bubble

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

// Logbook keeps a log of JSON lines.
type Logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Lines are the entries with a message, as JSON objects.
func (l *Logbook) Lines(message string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for line := range strings.Lines(l.text.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			out = append(out, entry)
		}
	}
	return out
}

// String is all that was said.
func (l *Logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
