package rig

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestDoor(t *testing.T) {
	t.Parallel()
	said := make(chan string, 10)
	receiver := func(name string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			user, _, _ := r.BasicAuth()
			said <- name + " " + user + " " + r.URL.Path + " " + string(body)
			w.WriteHeader(http.StatusNoContent)
		}))
	}
	a, b := receiver("a"), receiver("b")
	defer b.Close()
	door := OpenDoor(t, a.Listener.Addr().String(), b.Listener.Addr().String())
	post := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, door.URL+"/pipedrive/demo", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("u", "p")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	heard := map[string]bool{}
	for range 2 {
		if code := post(); code != http.StatusNoContent {
			t.Errorf("answered %d", code)
		}
		heard[<-said] = true
	}
	if !heard["a u /pipedrive/demo x"] || !heard["b u /pipedrive/demo x"] {
		t.Errorf("heard %v", heard)
	}
	a.Close()
	for range 2 {
		if code, by := post(), <-said; code != http.StatusNoContent || !strings.HasPrefix(by, "b ") {
			t.Errorf("with one receiver down: %d by %s", code, by)
		}
	}
	door.Lead()
	if code := post(); code != http.StatusBadGateway {
		t.Errorf("a door that is shut answers %d", code)
	}
}
