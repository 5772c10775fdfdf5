package rest

import (
	"net/http"
	"testing"
	"time"
)

func TestReadQuota(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		header map[string]string
		want   Quota
	}{
		"nothing":     {nil, Quota{-1, -1, 0}},
		"dashed":      {map[string]string{"X-Rate-Limit-Limit": "200", "X-Rate-Limit-Remaining": "199"}, Quota{200, 199, 0}},
		"plain":       {map[string]string{"x-ratelimit-limit": "150", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, Quota{150, 0, 30 * time.Second}},
		"epoch":       {map[string]string{"X-Ratelimit-Reset": "1772625660", "Date": "Wed, 04 Mar 2026 12:00:30 GMT"}, Quota{-1, -1, 30 * time.Second}},
		"no numbers":  {map[string]string{"X-Rate-Limit-Limit": "many", "X-Rate-Limit-Remaining": "-3"}, Quota{-1, -1, 0}},
		"no nonsense": {map[string]string{"X-Rate-Limit-Limit": "NaN", "X-Rate-Limit-Remaining": "1e12"}, Quota{-1, -1, 0}},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got := ReadQuota(h, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
