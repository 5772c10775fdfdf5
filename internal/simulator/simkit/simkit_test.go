package simkit

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallRingKeepsTheLast(t *testing.T) {
	var log CallLog
	for range keptCalls + 5 {
		log.End(Call{N: log.Begin("GET", "/x")})
	}
	calls, counts := log.Snapshot()
	if len(calls) != keptCalls || calls[0].N != 6 || calls[len(calls)-1].N != keptCalls+5 || counts["GET /x"] != keptCalls+5 {
		t.Errorf("%d calls from %d, %v", len(calls), calls[0].N, counts)
	}
}

type twoSwitches struct {
	Colour string `json:"colour" values:"red,green"`
	Size   string `json:"size" values:"small,large"`
}

func TestSwitchesAreReadFromTags(t *testing.T) {
	s, err := With(twoSwitches{}, "size", "large")
	if err != nil || s != (twoSwitches{"red", "large"}) {
		t.Errorf("With = %+v, %v", s, err)
	}
	for _, bad := range []string{`{"shape":"round"}`, `{"size":"huge"}`, `[]`} {
		if got, err := Merged(s, []byte(bad)); err == nil || got != s {
			t.Errorf("Merged(%s) = %+v, %v: want an error and what was there", bad, got, err)
		}
	}
	if err := Validate(twoSwitches{Colour: "blue"}); err == nil || !strings.Contains(err.Error(), "red, green") {
		t.Errorf("Validate = %v, want an error that lists the values", err)
	}
	if got := Values[twoSwitches]()["size"]; len(got) != 2 || got[0] != "small" {
		t.Errorf("Values = %v", got)
	}
}

func TestResetEndsTheConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { Reset(w) }))
	defer server.Close()
	res, err := server.Client().Post(server.URL, "text/plain", strings.NewReader("x"))
	if err == nil {
		_ = res.Body.Close()
		t.Fatalf("answered %s, want no answer", res.Status)
	}
}

func TestFaultsAreMetAsTheirRulesSay(t *testing.T) {
	list := NewFaultList(rand.New(rand.NewPCG(1, 1)), func(r Rule) Rule { return r })
	for _, r := range []Rule{{Kind: "slow", Ms: 5}, {Kind: "500", Skip: 1, Count: 1}, {Kind: "slow", Ms: 7}, {Kind: "reset", Method: "post"}} {
		list.Add(r)
	}
	req := httptest.NewRequest(http.MethodGet, "/x", http.NoBody)
	var got []string
	for range 3 {
		wait, fault := list.OfRequest("slow", func(r Rule) bool { return r.About(req) })
		if wait != 12*time.Millisecond {
			t.Errorf("slowed down by %s, want 12 ms", wait)
		}
		got = append(got, fmt.Sprint(fault != nil && fault.Status() == 500))
	}
	if strings.Join(got, " ") != "false true false" || list.Injected()["500"] != 1 || list.Injected()["slow"] != 6 || list.Injected()["reset"] != 0 {
		t.Errorf("500 was met %v, injected %v", got, list.Injected())
	}
	if left := list.Active(); len(left) != 3 || left[1].Kind != "slow" {
		t.Errorf("left are %v: want all but the one that was used up", left)
	}
	if list.Clear(); len(list.Active()) != 0 {
		t.Error("faults outlive Clear")
	}
}

func TestLifeKeepsItsRateAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		life := NewLifeLoop(func(n int) int { asked += n; return n / 2 })
		life.SetLife(100)
		time.Sleep(10 * time.Second) //nolint:forbidigo // fake clock
		life.SetLife(0)
		rate, made := life.Life()
		if rate != 0 || asked < 990 || asked > 1000 {
			t.Errorf("%d changes in 10 s at 100 a second; the rate after it is %g", asked, rate)
		}
		if now := asked; life.Live(4) != 2 || asked != now+4 || made > now/2 {
			t.Errorf("4 changes more make %d of %d; %d took effect by themselves", asked, now, made)
		}
	})
}

func TestPickKeepsTheWeights(t *testing.T) {
	picked := map[string]int{}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		picked[Pick(rng, []string{"a", "", "ccc"}, func(s string) int { return len(s) })]++
	}
	if picked[""] != 0 || picked["a"] < 150 || picked["ccc"] < 650 {
		t.Errorf("picked %v, want one to three and none without weight", picked)
	}
}
