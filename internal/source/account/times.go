package account

import (
	"cmp"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
)

// Times are the waits of an account. Zero values are the defaults; tests have
// shorter ones.
type Times struct {
	Linger    time.Duration // how long webhooks are collected for, from the first on: 200 ms
	Look      time.Duration // between looks at the topic of webhooks: 1 min
	Delivery  time.Duration // from a change to the last try to deliver its webhook: 4 min
	Again     time.Duration // until a record is asked for again that REST did not show as its webhook said; doubled each time: 1 s
	Tries     int           // how often it is asked for: 8, within about four minutes
	Echo      time.Duration // after a delete, until a row of the same second is believed: 20 s
	Tend      time.Duration // between looks at the webhooks: 10 min
	Budget    time.Duration // between tries while the day's tokens are spent, or the company is unpaid: 1 h
	Blocked   time.Duration // until a blocked caller tries again; doubled each time, up to 8 h: 30 min
	Refused   time.Duration // between tries of a token that is refused: 30 s
	Retry     time.Duration // after a failure; doubled each time, up to 1 min: 1 s
	Forbidden time.Duration // until a listing is tried again that the token may not see: 30 min
}

func (t Times) withDefaults() Times {
	return Times{
		Linger:    cmp.Or(t.Linger, 200*time.Millisecond),
		Look:      cmp.Or(t.Look, time.Minute),
		Delivery:  cmp.Or(t.Delivery, 4*time.Minute),
		Again:     cmp.Or(t.Again, time.Second),
		Tries:     cmp.Or(t.Tries, 8),
		Echo:      cmp.Or(t.Echo, 20*time.Second),
		Tend:      cmp.Or(t.Tend, hooks.Every),
		Budget:    cmp.Or(t.Budget, time.Hour),
		Blocked:   cmp.Or(t.Blocked, 30*time.Minute),
		Refused:   cmp.Or(t.Refused, 30*time.Second),
		Retry:     cmp.Or(t.Retry, time.Second),
		Forbidden: cmp.Or(t.Forbidden, 30*time.Minute),
	}
}

// doubled is a wait that has been doubled some times, up to a bound.
func doubled(d time.Duration, times int, most time.Duration) time.Duration {
	return min(d<<min(max(times, 0), 16), most)
}
