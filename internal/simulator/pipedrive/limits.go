package pipedrivesim

import (
	"cmp"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

const (
	growthPerWindow  = 40
	growthDaily      = 180_000
	searchPerWindow  = 10
	burstWindow      = 2 * time.Second
	dailyWritesLimit = 10_000
)

// limits are the burst window of each token and the daily budget of the company.
type limits struct {
	mu         sync.Mutex
	now        func() time.Time // the vendor's clock, for the day
	window     time.Duration
	perWindow  int // less than 0 = none
	daily      int64
	blockAfter int

	day      string
	used     int64
	writes   int64
	recent   map[string][]time.Time // requests of the last window, by token
	searches map[string][]time.Time
	refused  map[string]int // 429s in a row, by token
}

func newLimits(o Options) *limits {
	return &limits{
		window: cmp.Or(o.Window, burstWindow), perWindow: cmp.Or(o.RequestsPerWindow, growthPerWindow), daily: cmp.Or(o.DailyTokens, growthDaily),
		blockAfter: o.BlockAfter, recent: map[string][]time.Time{}, searches: map[string][]time.Time{}, refused: map[string]int{},
	}
}

// admit counts a request, puts the headers and refuses what is too much; a refused request costs nothing.
func (l *limits) admit(c *call, h http.Header) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newDay(c.sw)
	now := time.Now()
	l.recent[c.token] = within(l.recent[c.token], now.Add(-l.window))
	l.searches[c.token] = within(l.searches[c.token], now.Add(-l.window))
	burst := l.perWindow >= 0 && (len(l.recent[c.token]) >= l.perWindow || c.route.search && len(l.searches[c.token]) >= searchPerWindow)
	spent := l.daily >= 0 && l.used+int64(c.route.price) > l.daily
	switch {
	case spent:
		l.used = max(l.used, l.daily)
		return l.refuse(c, h, now, false)
	case burst:
		return l.refuse(c, h, now, true)
	}
	l.refused[c.token] = 0
	l.used += int64(c.route.price)
	l.recent[c.token] = append(l.recent[c.token], now)
	if c.route.search {
		l.searches[c.token] = append(l.searches[c.token], now)
	}
	if c.Method == http.MethodPost || c.Method == http.MethodPut {
		l.writes++
	}
	l.headers(c, h, now)
	return nil
}

func within(times []time.Time, since time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(since) {
		times = times[1:]
	}
	return times
}

func (l *limits) newDay(sw Switches) {
	zone := time.UTC
	if sw.BudgetMidnight == "company" {
		zone = local
	}
	if day := l.now().In(zone).Format(dateLayout); day != l.day {
		l.day, l.used, l.writes = day, 0, 0
	}
}

// refuse answers 429, or with the proxy's page to those who do not stop.
func (l *limits) refuse(c *call, h http.Header, now time.Time, burst bool) *answer {
	l.refused[c.token]++
	l.headers(c, h, now)
	a := tooMany(c, h, burst)
	if l.blockAfter > 0 && l.refused[c.token] > l.blockAfter {
		a = blocked(h)
	}
	return &a
}

// blocked is the page of the proxy before the vendor, which knows nothing of the vendor's headers.
func blocked(h http.Header) answer {
	for name := range h {
		if name != "Date" {
			h.Del(name)
		}
	}
	return answer{Status: http.StatusForbidden, Kind: typeHTML, Body: []byte(blockedPage)}
}

// tooMany is a 429; with the headers of one limit or the other.
func tooMany(c *call, h http.Header, burst bool) answer {
	if burst {
		h.Set("X-Ratelimit-Remaining", "0")
		if c.sw.RetryAfter == "seconds" {
			h.Set("Retry-After", "2")
		}
	} else if c.sw.DailyHeaders == "present" {
		h.Set("X-Daily-Ratelimit-Token-Remaining", "0")
	}
	switch c.sw.LimitBody {
	case "text":
		return answer{Status: http.StatusTooManyRequests, Kind: simkit.TypeText, Body: []byte("Too Many Requests")}
	case "html":
		return answer{Status: http.StatusTooManyRequests, Kind: typeHTML, Body: []byte("<html><body>429 Too Many Requests</body></html>")}
	case "empty":
		return answer{Status: http.StatusTooManyRequests}
	}
	return said(http.StatusTooManyRequests, map[string]any{"success": false, "error": "Rate limit exceeded"})
}

func (l *limits) headers(c *call, h http.Header, now time.Time) {
	most := l.perWindow
	if most < 0 {
		most = growthPerWindow
	}
	reset := l.window
	if recent := l.recent[c.token]; len(recent) > 0 {
		reset = recent[0].Add(l.window).Sub(now)
	}
	h.Set("X-Ratelimit-Limit", strconv.Itoa(most))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, min(most-1, most-len(l.recent[c.token])))))
	switch c.sw.RateReset {
	case "milliseconds":
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(reset.Milliseconds(), 10))
	case "epoch":
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(now.Add(reset).Unix()+1, 10))
	default:
		h.Set("X-Ratelimit-Reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	}
	h.Set("X-Daily-Requests-Left", strconv.FormatInt(max(0, dailyWritesLimit-l.writes), 10))
	if c.sw.DailyHeaders == "present" {
		most := l.daily
		if most < 0 {
			most = growthDaily
		}
		h.Set("X-Daily-Ratelimit-Token-Limit", strconv.FormatInt(most, 10))
		h.Set("X-Daily-Ratelimit-Token-Remaining", strconv.FormatInt(max(0, most-l.used), 10))
	}
}

// Budget is the daily budget of the company and the burst window of a token.
type Budget struct {
	Daily     int64 `json:"daily"` // less than 0 = none
	Used      int64 `json:"used"`
	PerWindow int   `json:"per_window"`
}

// Budget gives the budget as it is.
func (s *Server) Budget() Budget {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.newDay(*s.switches.Load())
	return Budget{Daily: s.limits.daily, Used: s.limits.used, PerWindow: s.limits.perWindow}
}

// SetBudget replaces the budget: Used 0 is the reset at midnight.
func (s *Server) SetBudget(b Budget) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.newDay(*s.switches.Load())
	s.limits.daily, s.limits.used, s.limits.perWindow = b.Daily, b.Used, b.PerWindow
}
