package caller

import (
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 400e6, time.UTC)

func TestSkew(t *testing.T) {
	second := noon.Truncate(time.Second)
	for name, c := range map[string]struct {
		date, sent, received time.Time
		want                 time.Duration
	}{
		"the same second":          {second, noon, noon.Add(100 * time.Millisecond), 0},
		"the second changed":       {second, noon, noon.Add(time.Second), 0},
		"a slow answer":            {second, noon.Add(-20 * time.Second), noon.Add(20 * time.Second), 0},
		"the vendor is ahead":      {second.Add(time.Minute), noon, noon, time.Minute - 400*time.Millisecond},
		"the vendor is behind":     {second.Add(-time.Minute), noon, noon, -time.Minute + 600*time.Millisecond},
		"behind, with slow answer": {second.Add(-time.Minute), noon, noon.Add(time.Hour), -time.Minute + 600*time.Millisecond},
	} {
		if got := skew(c.date, c.sent, c.received); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOneCallIsOneCall(t *testing.T) {
	sim := planhatsim.New(planhatsim.Options{Companies: 1, Now: func() time.Time { return noon.Add(time.Hour) }})
	web := httptest.NewServer(sim)
	defer sim.Close()
	defer web.Close()
	c, err := New(config.Workspace{Name: "acme", Token: config.NewSecret(planhatsim.DefaultToken), BaseURL: web.URL, CallsPerMinute: 200},
		Options{Version: "v", Timeout: 5 * time.Second, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, told := c.Skew(); told || c.Quota().Limit != -1 || c.Spent() != 0 {
		t.Error("something is known before the first call")
	}
	if err := sim.AddFault(planhatsim.Fault{Kind: "503", Count: 1}); err != nil {
		t.Fatal(err)
	}
	list := func() error {
		_, err := c.Page(t.Context(), planhat.Company, planhat.ListOptions{Limit: 1})
		return err
	}
	if err := list(); planhat.KindOf(err) != planhat.KindUnavailable || c.Spent() != 1 {
		t.Errorf("a failed call is repeated, or not failed: %v, %d spent", err, c.Spent())
	}
	if err := list(); err != nil || c.Spent() != 2 {
		t.Errorf("%v, %d spent", err, c.Spent())
	}
	if q := c.Quota(); q.Limit != 200 || q.Remaining != 198 {
		t.Errorf("quota %+v", q)
	}
	if skew, told := c.Skew(); !told || skew < 59*time.Minute || skew > time.Hour {
		t.Errorf("skew %s, %v", skew, told)
	}
}
