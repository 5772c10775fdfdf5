// Package logbook keeps what a program says, for tests that ask while it speaks.
package logbook

import (
	"encoding/json"
	"strings"
	"sync"
)

// Book is what was said. It may be read while it is written; its zero value is empty.
type Book struct {
	Limit int // bytes that are kept at the least, the last ones; 0: all

	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (b *Book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if b.Limit > 0 && len(b.text) > 2*b.Limit {
		b.text = append(b.text[:0], b.text[len(b.text)-b.Limit:]...)
	}
	return len(p), nil
}

// String is what was said so far.
func (b *Book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// Lines are the entries with a message, of a log of JSON lines.
func (b *Book) Lines(message string) (out []map[string]any) {
	for line := range strings.Lines(b.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			out = append(out, entry)
		}
	}
	return out
}
