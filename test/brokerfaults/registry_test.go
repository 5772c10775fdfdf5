package brokerfaults

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// bad are the ways in which a registry does not answer.
var bad = map[string]func(http.ResponseWriter, *http.Request){
	"503": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error_code":50301,"message":"no"}`, http.StatusServiceUnavailable)
	},
	"500": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error_code":50001,"message":"no"}`, http.StatusInternalServerError)
	},
	"HTML": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Welcome</body></html>")
	},
	"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"slow":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
}

// spoil makes the registry answer badly until it is mended.
func (w *world) spoil(answer func(http.ResponseWriter, *http.Request)) (mend func()) {
	w.registry.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		answer(rw, r)
		return true
	})
	return w.registry.ClearInterceptors
}

// A registry that is in trouble at the start is waited for.
func TestRegistryInTroubleAtTheStart(t *testing.T) {
	t.Parallel()
	for name, answer := range bad {
		if name == "slow" {
			continue // ten seconds are allowed for one answer; see TestUnreachable in test/startup
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{})
			mend := w.spoil(answer)
			w.source = w.launch(w.wire, nil)
			w.live(10)
			wait.Until(t, "the source says that it waits", metWithin, func() bool { return strings.Contains(w.source.Log.String(), "schema registry") })
			if code, _ := w.source.Page("/readyz"); code == http.StatusOK {
				t.Error("ready without a registry")
			}
			mend()
			w.fresh()
			w.judge()
			w.source.Stop()
		})
	}
}

// One that stays in trouble ends the process with the code for it.
func TestRegistryThatStaysInTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{env: map[string]string{"STARTUP_TIMEOUT": "1s"}})
	for name, answer := range bad {
		mend := w.spoil(answer)
		cfg, err := config.Load(w.environ(nil), service.Objects())
		if err != nil {
			t.Fatal(err)
		}
		log := &logbook.Book{}
		err = service.Run(t.Context(), ops.NewProcess("source", cfg, log), "source", source.Build)
		if !errors.Is(err, ops.ErrUnreachable) || !strings.Contains(err.Error(), "wait for the schema registry") { // exit code 3
			t.Errorf("%s: %v", name, err)
		}
		mend()
	}
}

// Once the source is at work it needs no registry: ids are known.
func TestRegistryInTroubleInMidRun(t *testing.T) {
	t.Parallel()
	var stories []story
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		answer := bad[name]
		stories = append(stories, story{name: name, begin: func(w *world) trouble {
			mend := w.spoil(answer)
			w.live(10)
			w.fresh() // in mid-trouble
			return trouble{end: mend}
		}})
	}
	inWorlds(t, setting{}, stories)
}

// The registry has lost the schema that earlier events were written with: their
// images cannot be read, which leaves before empty and loses nothing.
func TestEarlierSchemaIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	id := w.company(`{"name":"written with the schema of old"}`)
	w.seen(id, prompt)
	w.source.Stop()
	w.registry.Reset()
	for i := range 40 { // ids of other people's schemas
		other := sr.Schema{Schema: fmt.Sprintf(`{"type":"record","name":"R%d","fields":[]}`, i)}
		if _, _, err := w.registry.RegisterSchema(fmt.Sprintf("other-%d", i), other); err != nil {
			t.Fatal(err)
		}
	}
	w.edit("companies", id, `{"phase":"after"}`)
	w.live(10)
	w.source = w.launch(w.wire, nil)
	w.fresh()
	w.judge()
	if e := w.last("company", id); e.Op != "u" || e.Before != nil || !strings.Contains(string(e.After), "after") {
		t.Errorf("the update is op %q, before %s, after %s", e.Op, e.Before, e.After)
	}
	if n := w.source.Metric("planhat_bridge_source_before_missing_total", `object="company"`); n == 0 {
		t.Error("no image is counted as missing")
	}
	w.edit("companies", id, `{"phase":"and on"}`)
	wait.Until(t, "the next update has an image again", metWithin, func() bool {
		e := w.last("company", id)
		return strings.Contains(string(e.After), "and on") && strings.Contains(string(e.Before), `"after"`)
	})
	w.source.Stop()
}

// last is the last event of a record.
func (w *world) last(object, id string) (out schemas.Envelope) {
	w.t.Helper()
	codec, err := schemas.NewCodec("planhat", object)
	if err != nil {
		w.t.Fatal(err)
	}
	w.raw(changesOf(object), func(r *kgo.Record) {
		if string(r.Key) != id || r.Value == nil {
			return
		}
		if out, err = codec.DecodeEnvelope(r.Value); err != nil {
			w.t.Error(err)
		}
	})
	return out
}
