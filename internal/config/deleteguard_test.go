package config_test

import (
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

func TestParseDeleteGuard(t *testing.T) {
	t.Parallel()
	limit := func(share float64, count int) config.DeleteLimit {
		return config.DeleteLimit{Share: share, Count: count}
	}
	for text, want := range map[string]config.DeleteGuard{
		"listing:33%,workspace:10%":                  {Listing: limit(.33, 0), Workspace: limit(.1, 0)},
		"listing : 2.5% , listing:40 ,workspace:500": {Listing: limit(.025, 40), Workspace: limit(0, 500)},
		"off": {},
	} {
		got, err := config.ParseDeleteGuard(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := config.ParseDeleteGuard(got.String()); err != nil || again != want {
			t.Errorf("%q is written %q, which is read as %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"33%", "stream:3%", "listing", "listing:", "listing:0%", "listing:101%", "listing:NaN%", "listing:-3", "listing:0", "listing:1,listing:2",
		"workspace:1%,workspace:2%", "listing:x", "off,listing:3", "", ",", " , ",
	} {
		if got, err := config.ParseDeleteGuard(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}
