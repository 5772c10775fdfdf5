package config

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// age sets the file's time back, so that nothing but a change makes it read
// again.
func age(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func TestSecretFollowsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "one\r\n\n")
	age(t, path)
	s, err := FileSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name   string
		change func()
		want   string
	}{
		{"as loaded", func() {}, "one"},
		{"written over, same size", func() { write(t, path, "two") }, "two"},
		{"written over again at once", func() { write(t, path, "six") }, "six"},
		{"made empty: the old value stands", func() { write(t, path, "\n") }, "six"},
		{"taken away: the old value stands", func() { _ = os.Remove(path) }, "six"},
		{"back again", func() { write(t, path, "seven") }, "seven"},
		{"spaces inside are kept", func() { write(t, path, " a b ") }, " a b "},
	}
	for _, step := range steps {
		step.change()
		if got := s.Current(); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

// An optional secret is gone when its file is empty, and not when it is missing.
func TestOptionalSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "previous")
	if _, err := OptionalFileSecret(path); err == nil {
		t.Error("a missing file is accepted")
	}
	write(t, path, "\n")
	s, err := OptionalFileSecret(path)
	if err != nil || s.Current() != "" || !s.IsSet() {
		t.Fatalf("of an empty file: %q, %v", s.Current(), err)
	}
	for _, step := range []struct {
		name   string
		change func()
		want   string
	}{
		{"written", func() { write(t, path, "one\n") }, "one"},
		{"taken away: the old value stands", func() { _ = os.Remove(path) }, "one"},
		{"back, and empty", func() { write(t, path, "\n") }, ""},
	} {
		step.change()
		if got := s.Current(); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

// Kubernetes mounts token -> ..data/token, ..data -> ..2026_01; an update makes
// a new folder and renames a new ..data over the old. Size and time can be the
// same.
func TestSecretFollowsASymlinkSwap(t *testing.T) {
	dir := t.TempDir()
	for folder, value := range map[string]string{"..1": "old", "..2": "new"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, folder, "token"), value)
		age(t, filepath.Join(dir, folder, "token"))
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..1", "..data")
	link("..data/token", "token")
	s, err := FileSecret(filepath.Join(dir, "token"))
	if err != nil || s.Current() != "old" {
		t.Fatalf("%q, error %v", s.Current(), err)
	}
	link("..2", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if got := s.Current(); got != "new" {
		t.Errorf("after the swap: %q", got)
	}
}

func TestSecretIsSafeForConcurrentUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "a")
	s, err := FileSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if got := s.Current(); got != "a" && got != "bb" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	for _, v := range []string{"bb", "a", "bb"} {
		tmp := path + ".tmp"
		write(t, tmp, v)
		if err := os.Rename(tmp, path); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if s.Current() != "bb" {
		t.Error("the last value did not arrive")
	}
}

func TestAbsentSecret(t *testing.T) {
	var s *Secret
	if s.Current() != "" || s.IsSet() || s.String() != "" || s.Origin() != "" {
		t.Error("an absent secret has a value")
	}
}
