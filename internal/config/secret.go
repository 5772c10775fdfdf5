package config

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// masked is what every way of printing a secret shows instead of it.
const masked = "******"

// Secret is a token or password given in a variable or in a file. Every way of
// printing it (fmt, JSON, slog) shows asterisks; only Current gives the value.
//
// A secret from a file is read again when the file changes: Current compares
// the file's identity, size and time of change, which costs one stat. A
// Kubernetes mount changes a secret by swapping a symlink, which shows as
// another file. While the file cannot be read or is empty, the last good value
// stands: a rotation that is half done must not log everybody out.
//
// An optional secret differs in that its empty file means that there is none.
//
// The nil Secret is an absent one: Current gives "" and IsSet false.
type Secret struct {
	path     string // empty: a fixed value
	optional bool   // an empty file is a value: none

	mu    sync.Mutex
	value string
	seen  os.FileInfo
}

// NewSecret holds a fixed value.
func NewSecret(value string) *Secret { return &Secret{value: value} }

// FileSecret holds the content of a file without its trailing newlines. It
// fails if the file cannot be read or holds nothing.
func FileSecret(path string) (*Secret, error) { return fileSecret(&Secret{path: path}) }

// OptionalFileSecret is the same for a secret that comes and goes: while its file
// is empty, Current gives "".
func OptionalFileSecret(path string) (*Secret, error) {
	return fileSecret(&Secret{path: path, optional: true})
}

func fileSecret(s *Secret) (*Secret, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	value, err := s.read()
	if err != nil {
		return nil, err
	}
	s.value, s.seen = value, info
	return s, nil
}

// Current is the secret's value now. It is safe for concurrent use.
func (s *Secret) Current() string {
	if s == nil {
		return ""
	}
	if s.path == "" {
		return s.value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Stat before read: if the file changes between the two, the next call
	// sees another file and reads again.
	info, err := os.Stat(s.path)
	if err != nil || s.unchanged(info) {
		return s.value
	}
	if value, err := s.read(); err == nil {
		s.value, s.seen = value, info
	}
	return s.value
}

// settled is how old a file's time of change must be before an equal time can
// be taken as "not changed since": file systems count time in steps.
const settled = 2 * time.Second

func (s *Secret) unchanged(info os.FileInfo) bool {
	if !os.SameFile(s.seen, info) || s.seen.Size() != info.Size() || !s.seen.ModTime().Equal(info.ModTime()) {
		return false
	}
	return time.Since(info.ModTime()) > settled
}

// maxSecretFile is far above any token; a path to something else is a mistake.
const maxSecretFile = 64 << 10

func (s *Secret) read() (string, error) {
	value, err := readSecret(s.path)
	if value == "" && err == nil && !s.optional {
		return "", fmt.Errorf("read secret: %s is empty", s.path)
	}
	return value, err
}

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretFile {
		return "", fmt.Errorf("read secret: %s is not a regular file of at most %d bytes", path, maxSecretFile)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return string(bytes.TrimRight(raw, "\r\n")), nil
}

// IsSet tells a secret from an absent one.
func (s *Secret) IsSet() bool { return s != nil }

// Origin is the path of the secret's file, or "" for a fixed value.
func (s *Secret) Origin() string {
	if s == nil {
		return ""
	}
	return s.path
}

// String shows asterisks, or nothing for an absent secret.
func (s *Secret) String() string {
	if s == nil {
		return ""
	}
	return masked
}

// Format shows the same for every verb and flag.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText shows the same in JSON, YAML and XML.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue shows the same in structured logs.
func (s *Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
