package rig

import "sync"

// Log is what a process says. It may be read while it is written.
type Log struct {
	Limit int // bytes that are kept at the least, the last ones; 0: all

	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if l.Limit > 0 && len(l.text) > 2*l.Limit {
		l.text = append(l.text[:0], l.text[len(l.text)-l.Limit:]...)
	}
	return len(p), nil
}

// String is what was said so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
