package config

import (
	"testing"
	"time"
)

func TestFreshnessRules(t *testing.T) {
	tests := []struct {
		text, object string
		want         time.Duration
	}{
		{"company:60s,*:15m", "company", time.Minute},
		{"company:60s,*:15m", "note", 15 * time.Minute},
		{" company : 90s ", "company", 90 * time.Second},
		{"company:60s", "note", otherFreshness},
		{"", "note", otherFreshness},
	}
	for _, tt := range tests {
		f, err := ParseFreshness(tt.text)
		if err != nil || f.For(tt.object) != tt.want {
			t.Errorf("%q for %s: %s, error %v; want %s", tt.text, tt.object, f.For(tt.object), err, tt.want)
		}
	}
}

func FuzzParseFreshness(f *testing.F) {
	for _, s := range []string{defaultFreshness, "a", "a:", ":1s", "a:1s,a:2s", "a:-1s", "*:1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := ParseFreshness(text)
		if err != nil {
			return
		}
		again, err := ParseFreshness(first.String())
		if err != nil || again.String() != first.String() {
			t.Errorf("%q is written %q and read back as %q, error %v", text, first, again, err)
		}
	})
}
