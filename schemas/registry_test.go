package schemas

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func fakeRegistry(t *testing.T) (*srfake.Registry, *sr.Client) {
	t.Helper()
	reg := srfake.New()
	t.Cleanup(reg.Close)
	client, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	return reg, client
}

// counted counts the requests that reach the registry, and answers all with a status if one is set.
func counted(reg *srfake.Registry) (requests, status *atomic.Int64) {
	requests, status = new(atomic.Int64), new(atomic.Int64)
	reg.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		requests.Add(1)
		if s := status.Load(); s != 0 {
			http.Error(w, `{"error_code":50001,"message":"no"}`, int(s))
			return true
		}
		return false
	})
	return requests, status
}

const (
	recordV1 = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`
	recordV2 = `{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"b","type":["null","string"],"default":null}]}`
	recordX  = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","string"]}]}`
)

func TestCompatible(t *testing.T) {
	record := func(fields string) string {
		return `{"type":"record","name":"R","namespace":"n","fields":[` + fields + `]}`
	}
	tests := []struct {
		name, reader, writer string
		ok                   bool
	}{
		{"same", record(`{"name":"a","type":"int"}`), record(`{"name":"a","type":"int"}`), true},
		{"remove a field", record(``), record(`{"name":"a","type":"int"}`), true},
		{"int to long", record(`{"name":"a","type":"long"}`), record(`{"name":"a","type":"int"}`), true},
		{"long to int", record(`{"name":"a","type":"int"}`), record(`{"name":"a","type":"long"}`), false},
		{"widen to nullable", record(`{"name":"a","type":["null","int"]}`), record(`{"name":"a","type":"int"}`), true},
		{"narrow from nullable", record(`{"name":"a","type":"int"}`), record(`{"name":"a","type":["null","int"]}`), false},
		{"add with default", record(`{"name":"a","type":"int","default":1}`), record(``), true},
		{"add without default", record(`{"name":"a","type":"int"}`), record(``), false},
		{"add nullable without default", record(`{"name":"a","type":["null","int"]}`), record(``), false},
		{"rename", record(`{"name":"b","type":"int"}`), record(`{"name":"a","type":"int"}`), false},
		{"rename with alias", record(`{"name":"b","aliases":["a"],"type":"int"}`), record(`{"name":"a","type":"int"}`), true},
		{"other name", strings.Replace(record(``), `"R"`, `"S"`, 1), record(``), false},
	}
	for _, tt := range tests {
		if err := Compatible(tt.reader, tt.writer); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := Compatible(`{`, recordV1); err == nil || !strings.Contains(err.Error(), "reader") {
		t.Errorf("bad reader: %v", err)
	}
	// A name of another schema must not resolve: the library's default cache would let it.
	other := strings.Replace(record(``), `"R"`, `"R2"`, 1)
	if err := Compatible(other, other); err != nil {
		t.Fatal(err)
	}
	if err := Compatible(record(`{"name":"a","type":"n.R2"}`), record(``)); err == nil || !strings.Contains(err.Error(), "parse reader") {
		t.Error("a name of the other schema was resolved")
	}
}

func TestRegistrarRegistersOnce(t *testing.T) {
	reg, client := fakeRegistry(t)
	requests, _ := counted(reg)
	r := NewRegistrar(client, true)
	first, err := r.Ensure(t.Context(), "s-value", recordV1)
	if err != nil {
		t.Fatal(err)
	}
	before := requests.Load()
	again, err := r.Ensure(t.Context(), "s-value", recordV1)
	if err != nil || again != first || requests.Load() != before {
		t.Errorf("second time: id %d then %d, %v, %d requests", first, again, err, requests.Load()-before)
	}
	second, err := r.Ensure(t.Context(), "s-value", recordV2)
	if err != nil || second == first {
		t.Errorf("a compatible schema: id %d, %v", second, err)
	}
	other, err := NewRegistrar(client, false).Ensure(t.Context(), "s-value", recordV1)
	if err != nil || other != first {
		t.Errorf("an older version that is still there: id %d, %v", other, err)
	}
}

func TestRegistrarRefusesWhatReadersCannotRead(t *testing.T) {
	reg, client := fakeRegistry(t)
	r := NewRegistrar(client, true)
	if _, err := r.Ensure(t.Context(), "s-value", recordV1); err != nil {
		t.Fatal(err)
	}
	_, err := r.Ensure(t.Context(), "s-value", recordX)
	var bad *IncompatibleError
	if !errors.As(err, &bad) || bad.Subject != "s-value" || bad.Version != 1 || !strings.Contains(err.Error(), "b") || !strings.Contains(err.Error(), "remedy") {
		t.Errorf("got %v", err)
	}
	if _, ok := reg.GetSchema("s-value", 2); ok {
		t.Error("it was registered all the same")
	}
	if _, _, err := reg.RegisterSchema("j-value", sr.Schema{Schema: `{"type":"object"}`, Type: sr.TypeJSON}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Ensure(t.Context(), "j-value", recordV1); !errors.As(err, &bad) || !strings.Contains(err.Error(), "JSON") {
		t.Errorf("over a JSON Schema: %v", err)
	}
}

func TestRegistrarTellsWhatToRegister(t *testing.T) {
	reg, client := fakeRegistry(t)
	_, err := NewRegistrar(client, false).Ensure(t.Context(), "s-value", recordV1)
	var missing *NotRegisteredError
	if !errors.As(err, &missing) || missing.Schema != recordV1 || !strings.Contains(err.Error(), "/subjects/s-value/versions") {
		t.Errorf("got %v", err)
	}
	if reg.SubjectExists("s-value") {
		t.Error("it was registered all the same")
	}
}

func TestRegistrarReportsTheRegistry(t *testing.T) {
	reg, client := fakeRegistry(t)
	_, status := counted(reg)
	r := NewRegistrar(client, true)
	status.Store(500)
	var answer *sr.ResponseError
	if _, err := r.Ensure(t.Context(), "s-value", recordV1); !errors.As(err, &answer) {
		t.Errorf("registry in trouble: %v", err)
	}
	status.Store(0)
	if _, err := r.Ensure(t.Context(), "s-value", recordV1); err != nil {
		t.Errorf("registry well again: %v", err)
	}
	reg.ClearInterceptors()
	reg.Intercept(func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/versions") {
			http.Error(w, `{"error_code":409,"message":"stricter than you"}`, http.StatusConflict)
			return true
		}
		return false
	})
	var bad *IncompatibleError
	if _, err := r.Ensure(t.Context(), "s-value", recordV2); !errors.As(err, &bad) || !strings.Contains(err.Error(), "stricter") {
		t.Errorf("registry refuses: %v", err)
	}
}

// Two processes start at a time, and the registry answers the later one as if its
// schema were incompatible.
func TestRegistrarWhileAnotherRegisters(t *testing.T) {
	for name, theirs := range map[string]string{"the same schema": recordV2, "an older one": recordV1} {
		reg, client := fakeRegistry(t)
		var met atomic.Bool
		reg.Intercept(func(w http.ResponseWriter, q *http.Request) bool {
			if q.Method != http.MethodPost || !strings.HasSuffix(q.URL.Path, "/versions") || met.Swap(true) {
				return false
			}
			reg.SeedSchema("s-value", 1, 17, sr.Schema{Schema: theirs})
			http.Error(w, `{"error_code":409,"message":"already exists"}`, http.StatusConflict)
			return true
		})
		id, err := NewRegistrar(client, true).Ensure(t.Context(), "s-value", recordV2)
		if err != nil || !met.Load() || (id == 17) != (theirs == recordV2) {
			t.Errorf("%s: id %d, %v", name, id, err)
		}
	}
}

// A subject without a version has nothing to be incompatible with: worth a later try.
func TestRegistrarConflictWithNothing(t *testing.T) {
	reg, client := fakeRegistry(t)
	reg.Intercept(func(w http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/versions") {
			http.Error(w, `{"error_code":409,"message":"busy"}`, http.StatusConflict)
			return true
		}
		return false
	})
	_, err := NewRegistrar(client, true).Ensure(t.Context(), "s-value", recordV1)
	if _, bad := errors.AsType[*IncompatibleError](err); err == nil || bad || !strings.Contains(err.Error(), "busy") {
		t.Errorf("got %v", err)
	}
}

func TestResolverAsksOnce(t *testing.T) {
	reg, client := fakeRegistry(t)
	id, _, err := reg.RegisterSchema("c-value", sr.Schema{Schema: CommandSchema()})
	if err != nil {
		t.Fatal(err)
	}
	requests, status := counted(reg)
	r := NewResolver(client)
	want := fullCommand()
	value, err := EncodeCommandAvro(nil, id, &want)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, p := DecodeCommand(t.Context(), value, r)
		if p != nil {
			t.Fatal(p)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Command{})); diff != "" {
			t.Error(diff)
		}
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	if _, p := DecodeCommand(t.Context(), framed(id+1, nil), r); p == nil || p.Wait || p.Code != CodeUnknownSchema {
		t.Errorf("unknown id: %+v", p)
	}
	status.Store(503)
	if _, p := DecodeCommand(t.Context(), framed(id+1, nil), r); p == nil || !p.Wait {
		t.Errorf("registry down: %+v", p)
	}
	if _, p := DecodeCommand(t.Context(), value, r); p != nil {
		t.Errorf("registry down, known id: %v", p)
	}
}

func TestResolverIsBounded(t *testing.T) {
	r := &registryResolver{known: map[int]*resolved{}}
	for id := range maxResolved {
		r.known[id] = &resolved{made: map[string]any{}}
	}
	reg, client := fakeRegistry(t)
	r.client = client
	reg.SeedSchema("s-value", 1, 5000, sr.Schema{Schema: recordV1})
	if kind, text, err := r.SchemaByID(t.Context(), 5000); err != nil || kind != kindAvro || text != recordV1 {
		t.Fatalf("%s %s %v", kind, text, err)
	}
	if len(r.known) > maxResolved {
		t.Errorf("%d schemas kept", len(r.known))
	}
}

func TestDecodeAnyEnvelopeOfAnotherVersion(t *testing.T) {
	reg, client := fakeRegistry(t)
	c := testCodec(t, "company")
	// Another version: without a field, with a foreign one, in the envelope and in the row.
	older := strings.Replace(c.EnvelopeSchema(), `{"name":"h","type":["null","long"]`, `{"name":"hh","type":["null","string"]`, 1)
	older = strings.Replace(older, `{"name":"op",`, `{"name":"transaction","type":["null",{"type":"map","values":{"type":"array","items":"double"}}],"default":null},{"name":"op",`, 1)
	id, _, err := reg.RegisterSchema("c-value", sr.Schema{Schema: older})
	if err != nil {
		t.Fatal(err)
	}
	writer, err := newCodec(older)
	if err != nil {
		t.Fatal(err)
	}
	want := testEnvelope(`{"_id":"1","h":7,"hh":"x"}`, `{"_id":"1","h":null}`)
	value, err := writer.AppendEnvelope(nil, id, want)
	if err != nil {
		t.Fatal(err)
	}
	// AppendEnvelope writes no foreign fields: put a map with one entry where it belongs.
	at := strings.LastIndex(string(value), "\x02u")
	value = append(value[:at:at], append([]byte{2, 2, 2, 'k', 2, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}, value[at:]...)...)
	r := NewResolver(client)
	for range 2 {
		got, err := DecodeAnyEnvelope(t.Context(), value, r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	if _, err := c.DecodeEnvelope(value); err == nil {
		t.Error("this version's codec reads what another version wrote")
	}
}
