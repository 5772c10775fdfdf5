package pipedrive

import (
	"net/http"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Headers of the daily budget: undocumented, seen on live answers, missing after a
// quiet time.
const (
	dailyLimitHeader     = "X-Daily-Ratelimit-Token-Limit"
	dailyRemainingHeader = "X-Daily-Ratelimit-Token-Remaining"
)

// Usage is what calls cost, and what is left. Costs are Pipedrive's price list; limit
// and rest are what it last said, for all users and integrations of the company.
type Usage struct {
	Total int64 // tokens that the calls of this budget cost since it was made
	Spent int64 // of these, since the day began: an estimate, as nobody says in which time zone it begins

	Limit     int64     // tokens of the company a day; -1: not said yet
	Remaining int64     // of these, left; -1: not said yet
	Said      time.Time // when it was last said

	WindowLimit     int // calls of the token in two seconds; -1: not said yet
	WindowRemaining int // of these, left; -1: not said yet
}

// Beyond reports whether these calls have had their share of the company's day, between
// 0 and 1. While nobody says how much a day has, they have not.
func (u Usage) Beyond(share float64) bool {
	return u.Limit > 0 && float64(u.Spent) >= share*float64(u.Limit)
}

// newDay is by how much the rest must rise to be that of another day: more than
// answers that overtake each other could make it.
const newDay = 1000

// meter keeps the usage of a budget.
type meter struct {
	mu  sync.Mutex
	now Usage
	day time.Time // UTC day of Spent, where no header tells
}

func newMeter() *meter {
	return &meter{now: Usage{Limit: -1, Remaining: -1, WindowLimit: -1, WindowRemaining: -1}}
}

// note counts an attempt that was answered. What was refused for its number, or by who
// stands before the API, costs nothing.
func (m *meter) note(c rest.Call, h http.Header, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hear(h, at)
	if m.now.Said.IsZero() {
		if day := at.UTC().Truncate(24 * time.Hour); !day.Equal(m.day) {
			m.day, m.now.Spent = day, 0
		}
	}
	switch {
	case c.Status == 0, c.Kind == rest.KindThrottled, c.Kind == rest.KindDailyBudget, c.Kind == rest.KindBlocked:
		return
	}
	m.now.Total += int64(c.Cost)
	m.now.Spent += int64(c.Cost)
}

func (m *meter) hear(h http.Header, at time.Time) {
	if left, ok := headerCount(h, dailyRemainingHeader); ok {
		if m.now.Remaining >= 0 && left > m.now.Remaining+newDay {
			m.now.Spent = 0
		}
		m.now.Remaining, m.now.Said = left, at
	}
	if limit, ok := headerCount(h, dailyLimitHeader); ok {
		m.now.Limit = limit
	}
	if limit, ok := headerCount(h, "X-Ratelimit-Limit"); ok {
		m.now.WindowLimit = int(limit)
	}
	if left, ok := headerCount(h, "X-Ratelimit-Remaining"); ok {
		m.now.WindowRemaining = int(left)
	}
}

func (m *meter) usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}
