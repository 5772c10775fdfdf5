package sinkfaults

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// limit is how long poison may take to its dead letter, and later how much later
// another command may be answered for it.
const (
	limit = time.Second
	later = 100 * time.Millisecond
)

// framed is a value in the wire format of registries.
func framed(id int, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), data...)
}

// register puts a schema under the commands' subject and returns its id.
func (w *world) register(text string) int {
	w.t.Helper()
	id, _, err := w.registry.RegisterSchema(fmt.Sprint("writer-of-", len(text)), sr.Schema{Schema: text, Type: sr.TypeAvro})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// Row 13: poison of every kind. It is a dead letter within a second, byte for byte, and
// nobody else is later for it.
func TestPoison(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{env: map[string]string{"TOPIC_PARTITIONS": "1"}}) // in front of the others, in their partition
	w.start()
	hostile := w.register(`{"type":"record","name":"Command","namespace":"planhatbridge","fields":[
		{"name":"junk","type":{"type":"array","items":"null"}},{"name":"op","type":"string"},{"name":"object","type":"string"}]}`)
	own := w.register(schemas.CommandSchema())
	poison := map[string]struct {
		value []byte
		code  schemas.Code
	}{
		"cut JSON":           {[]byte(`{"op":`), schemas.CodeUndecodable},
		"no JSON":            {[]byte("\xff\xfe\xfd"), schemas.CodeUndecodable},
		"nothing":            {nil, schemas.CodeUndecodable},
		"unknown schema id":  {framed(4711, []byte("rest")), schemas.CodeUnknownSchema},
		"hostile Avro array": {framed(hostile, binary.AppendVarint(nil, 1<<62)), schemas.CodeUndecodable},
		"cut Avro":           {framed(own, []byte{2, 6}), schemas.CodeUndecodable},
		"unknown object":     {[]byte(`{"op":"create","object":"compny","fields":{"name":"x"}}`), schemas.CodeUnknownObject},
		"missing target":     {[]byte(`{"op":"update","object":"company","fields":{"name":"x"}}`), schemas.CodeMissingTarget},
		"unknown operation":  {[]byte(`{"op":"merge","object":"company"}`), schemas.CodeUnknownOperation},
		"oversized":          {[]byte(`{"id":"large","op":"create","object":"company","fields":{"name":"` + strings.Repeat("x", schemas.MaxCommandBytes) + `"}}`), schemas.CodeTooLarge},
		"deeply nested":      {[]byte(`{"id":"deep","op":"create","object":"company","fields":{"name":"x","custom":` + deep(50_000) + `}}`), ""},
	}
	before := w.neighbors("healthy", 6)
	for name, p := range poison {
		began := time.Now()
		key := "poison " + name
		w.produce(&kgo.Record{Topic: commands, Key: []byte(key), Value: p.value})
		took := w.neighbors("beside "+name, 1)
		if took > before+time.Duration(float64(later)*runnable()) {
			t.Errorf("%s: another command took %s, %s without it", name, took, before)
		}
		var got letter
		w.until("the dead letter of "+name, func() bool {
			w.mail.pull("")
			for id, letters := range w.mail.letters {
				if letters[0].key == key {
					got = letters[0]
					w.refused[id] = "REJECTED " + got.code
					return true
				}
			}
			return false
		})
		if wait := got.at.Sub(began); wait > time.Duration(float64(limit)*runnable()) {
			t.Errorf("%s: the dead letter came after %s", name, wait)
		}
		if p.code != "" && got.code != string(p.code) {
			t.Errorf("%s: dead-lettered as %s, want %s", name, got.code, p.code)
		}
		if len(p.value) < 500_000 && string(got.value) != string(p.value) {
			t.Errorf("%s: the dead letter's value is %.80q, not what was sent", name, got.value)
		}
	}
	w.judge()
	w.sink.Stop()
	w.nothingLeft()
}

// neighbors sends some commands one after the other and gives the slowest answer.
func (w *world) neighbors(name string, n int) (slowest time.Duration) {
	w.t.Helper()
	for i := range n {
		began := time.Now()
		id := fmt.Sprint(name, " ", i)
		w.await(w.send(id, id, fmt.Sprintf(`"op":"upsert","object":"company","target":{"externalId":%q},"fields":{"name":%q}`, id, id)), patience)
		slowest = max(slowest, w.mail.when[id].Sub(began))
	}
	return slowest
}

// bad are the ways in which a registry does not answer.
var bad = map[string]http.HandlerFunc{
	"503": func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, `{"error_code":50301}`, http.StatusServiceUnavailable)
	},
	"HTML":  func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>Welcome</html>")) },
	"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

// Row 14: the registry is in trouble. Commands whose schema is known go on; one whose
// schema is not waits, and is not poison.
func TestRegistryInTrouble(t *testing.T) {
	t.Parallel()
	var stories []story
	for name, answer := range bad {
		stories = append(stories, story{name: name, begin: func(w *world) {
			known, text := w.register(schemas.CommandSchema()), strings.Replace(schemas.CommandSchema(), "{", `{"comment":"`+name+`",`, 1)
			w.await(w.avro(known, "known-"+name), patience)
			next := w.register(text)
			w.registry.Intercept(func(rw http.ResponseWriter, r *http.Request) bool { answer(rw, r); return true })
			w.await(w.avro(known, "known-still-"+name), patience)
			w.await(w.send("json", "json-"+name, `"op":"get","object":"company","target":{"externalId":"home"}`), patience)
			w.avro(next, "unknown-"+name)
			w.until("the sink says that it waits", func() bool { return strings.Contains(w.sink.Log.String(), "commands wait for the schema registry") })
			if w.mail.pull("unknown-" + name) {
				w.t.Errorf("a command of a schema that nobody could ask for is answered: %+v", w.mail.results["unknown-"+name])
			}
		}, end: func(w *world) { w.registry.ClearInterceptors() }, after: func(w *world) {
			w.await("unknown-"+name, patience)
		}})
	}
	inWorlds(t, setting{}, stories...)
}

// avro sends an upsert in Avro.
func (w *world) avro(schema int, id string) string {
	w.t.Helper()
	c := schemas.Command{ID: id, Op: schemas.OpUpsert, Object: "company", Target: schemas.Target{ExternalID: id}, Fields: []byte(`{"name":"in Avro"}`)}
	value, err := schemas.EncodeCommandAvro(nil, schema, &c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.produce(&kgo.Record{Topic: commands, Key: []byte(id), Value: value})
	return id
}

// Row 14: a registry that is down at the start is waited for.
func TestRegistryIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.registry.Intercept(func(rw http.ResponseWriter, r *http.Request) bool { bad["503"](rw, r); return true })
	w.sink = w.launch(w.wire, nil)
	w.until("the sink says that it waits", func() bool { return strings.Contains(w.sink.Log.String(), "schema registry") })
	if code, _ := w.sink.Page("/readyz"); code == http.StatusOK {
		t.Error("ready without a registry")
	}
	w.registry.ClearInterceptors()
	w.listen()
	w.await(w.send("home", "home", `"op":"upsert","object":"company","target":{"externalId":"home"},"fields":{"name":"Home"}`), soon)
	w.work(busy)
	w.judge()
	w.sink.Stop()
	w.nothingLeft()
}
