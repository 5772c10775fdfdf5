package simkit

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
