package sink_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// cutRegistry puts a registry between that can be away, and registers two schemas.
func (b *bench) cutRegistry() (away *atomic.Bool, first, second int) {
	b.t.Helper()
	fake := srfake.New()
	b.t.Cleanup(fake.Close)
	target, err := url.Parse(fake.URL())
	if err != nil {
		b.t.Fatal(err)
	}
	away = &atomic.Bool{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(w, "Back soon", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	b.t.Cleanup(server.Close)
	if b.resolves, err = sr.NewClient(sr.URLs(server.URL)); err != nil {
		b.t.Fatal(err)
	}
	ids := make([]int, 2)
	for n := range ids {
		s, err := b.resolves.CreateSchema(b.t.Context(), fmt.Sprint("s", n), sr.Schema{Schema: fmt.Sprintf(`{"type":"object","title":"%d"}`, n), Type: sr.TypeJSON})
		if err != nil {
			b.t.Fatal(err)
		}
		ids[n] = s.ID
	}
	return away, ids[0], ids[1]
}

// TestRegistryAway takes the registry away: commands whose schema is known go on, and so
// do those without; one whose schema is not waits, with those behind it of its key, and
// with no other of its partition. A restart meanwhile carries nothing out twice.
func TestRegistryAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions = 1
	away, first, second := b.cutRegistry()
	b.start()
	create := func(key string, schema int, id string) string {
		value := fmt.Sprintf(`{"id":%q,"op":"create","object":"company","fields":{"name":%q}}`, id, id)
		if schema != 0 {
			value = framed(schema, value)
		}
		return key + " " + value
	}
	b.send(create("a", first, "known"))
	expect(t, b.results(), "known", "OK CREATED -")
	away.Store(true)
	b.send(create("x", second, "unknown"), create("x", 0, "behind"), create("b", first, "still known"), create("c", 0, "plain"), `d {`)
	waiting := func(want int) {
		t.Helper()
		seen := 0
		b.read(t.Context(), resultTopic, func(r *kgo.Record) bool {
			if key := string(r.Key); key == "unknown" || key == "behind" {
				t.Errorf("%s is answered while the registry is away", key)
			}
			seen++
			return seen < want
		})
	}
	waiting(4)
	b.stop()
	b.start()
	b.send(create("e", 0, "after"))
	waiting(5)
	if n := b.series("planhat_bridge_sink_dead_letters_total"); n > 1 {
		t.Errorf("%d series of dead letters, want that of the poison", n)
	}
	away.Store(false)
	results := b.results()
	for _, id := range []string{"unknown", "behind", "still known", "plain", "after"} {
		expect(t, results, id, "OK CREATED -")
	}
	if r, s := results["unknown"], results["behind"]; s.FinishedAt.Before(r.FinishedAt) {
		t.Error("the command behind the one that waited came before it")
	}
	b.wantCompanies(6)
}
