package pipedrive

import (
	"testing"
	"time"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func yearly() pipedrivesim.Options {
	return pipedrivesim.Options{Seed: 3, Organizations: 5, Persons: 5, Deals: 10, Notes: 5, RequestsPerWindow: -1}
}

// While the company's tokens of the day are spent, one call is tried every hour, the
// webhooks wait in their topic, and when Pipedrive accepts calls again nothing is missing.
func TestDailyBudgetGone(t *testing.T) {
	t.Parallel()
	inBubble(t, yearly(), nil, func(c *calendar) {
		b := c.sim.Budget()
		b.Used = b.Daily
		c.sim.SetBudget(b)
		c.sim.Live(20)
		c.await("word of the budget", 20*time.Minute, func() bool { return c.status().State == "budget_spent" })
		gone := time.Now()
		<-time.After(2*time.Hour - time.Minute)
		calls := c.line.Calls(gone.Add(time.Second))
		if len(calls) != 1 || of(calls, "/users/me") != 1 {
			t.Errorf("in two hours without tokens it called %d times: %v", len(calls), calls)
		}
		if st := c.status(); st.State != "budget_spent" || st.Cause == "" {
			t.Errorf("status: %+v", st)
		}
		if n := c.told(schemas.NotifyCallsStopped); n != 1 {
			t.Errorf("%d notifications that calls have stopped", n)
		}
		c.sim.Live(20)
		b.Used = 0
		c.sim.SetBudget(b)
		c.await("calls", 5*time.Minute, func() bool { return c.status().State == "ok" })
		c.await("word that calls go on", 10*time.Minute, func() bool { return c.told(schemas.NotifyCallsResumed) == 1 })
		report := c.judge(10 * time.Minute)
		if w := report.Coverage.Webhooks; w.Answered < 20 || w.Lost > 0 {
			t.Errorf("%+v: the webhooks were to wait in the topic", *w)
		}
	})
}

// A page of the proxy that shuts callers out stops the calls: half an hour, then doubled.
func TestBlockedCallerStopsCalling(t *testing.T) {
	t.Parallel()
	inBubble(t, yearly(), nil, func(c *calendar) {
		if err := c.sim.AddFault(pipedrivesim.Fault{Kind: "403-html"}); err != nil {
			t.Fatal(err)
		}
		c.sim.Live(10)
		c.await("word of the block", 20*time.Minute, func() bool { return c.status().State == "blocked" })
		shut := time.Now()
		<-time.After(29 * time.Minute)
		if calls := c.line.Calls(shut.Add(time.Second)); len(calls) > 0 {
			t.Errorf("within half an hour it called on: %v", calls)
		}
		<-time.After(58 * time.Minute) // half an hour, and an hour behind it
		calls := c.line.Calls(shut.Add(time.Second))
		if n := len(calls); n != 1 {
			t.Errorf("in an hour and a half it called %d times: %v", n, calls)
		}
		if n := c.told(schemas.NotifyCallsStopped); n != 1 {
			t.Errorf("%d notifications that calls have stopped", n)
		}
		c.sim.ClearFaults()
		c.await("calls", 10*time.Minute, func() bool { return c.status().State == "ok" })
		c.judge(10 * time.Minute)
	})
}

// After a 429 of the window no call comes before the window is over, and none is lost.
func TestBurstWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, yearly(), nil, func(c *calendar) {
		for round := range 5 {
			begun := time.Now()
			if err := c.sim.AddFault(pipedrivesim.Fault{Kind: "429-burst", Count: 1}); err != nil {
				t.Fatal(err)
			}
			c.sim.Live(5)
			c.await("a 429", time.Hour, func() bool { return len(c.sim.Faults()) == 0 && len(c.line.Calls(begun)) > 1 })
			calls := c.line.Calls(begun)
			if waited := calls[1].At.Sub(calls[0].At); waited < 2*time.Second {
				t.Errorf("round %d: the call behind a 429 came after %s", round, waited)
			}
			<-time.After(time.Minute)
		}
		c.judge(10 * time.Minute)
	})
}

// Webhooks that fail for three days are removed by the vendor. They come back, and what
// was lost meanwhile is found, counted and told.
func TestRemovedWebhooksComeBack(t *testing.T) {
	t.Parallel()
	sim := yearly()
	sim.Scale = 100 // a ban takes 18 seconds, three days take 43 minutes
	inBubble(t, sim, map[string]string{"PIPEDRIVE_SWEEP_INTERVAL": "20m"}, func(c *calendar) {
		c.mail.turn(true)
		for range 25 {
			c.sim.Live(3)
			<-time.After(2 * time.Minute)
		}
		removed := 0
		for _, h := range c.sim.Hooks() {
			if !h.Active {
				removed++
			}
		}
		if removed == 0 {
			t.Fatal("the vendor has removed no webhook: the story proves nothing")
		}
		c.mail.turn(false)
		c.await("webhooks", time.Hour, func() bool { return c.hooks() == 5 })
		c.sim.Live(10)
		report := c.judge(30 * time.Minute)
		if w := report.Coverage.Webhooks; w.Lost == 0 || w.Answered == 0 {
			t.Errorf("%+v: events were to be lost, and later ones answered", *w)
		}
		if n := c.told(schemas.NotifyEventsMissed); n == 0 {
			t.Error("nobody was told of changes that no webhook had told of")
		}
	})
}
