package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// shipped are the schemas that the bridge registers, by object or kind.
func shipped(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"results": schemas.ResultSchema(), "commands": schemas.CommandSchema()}
	for _, object := range service.Objects() {
		all[object] = codec(t, object).EnvelopeSchema()
	}
	return all
}

func codec(t *testing.T, object string) *schemas.Codec {
	t.Helper()
	c, err := schemas.NewCodec("planhat", object)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ensure asks as a process that has just started does.
func (r registry) ensure(t *testing.T, auto bool, subject, text string) (int, error) {
	t.Helper()
	return schemas.NewRegistrar(r.client, auto).Ensure(t.Context(), subject, text)
}

func (r registry) registered(t *testing.T, subject, text string) int {
	t.Helper()
	id, err := r.ensure(t, true, subject, text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (r registry) versions(t *testing.T, subject string) []int {
	t.Helper()
	versions, err := r.client.SubjectVersions(t.Context(), subject)
	if answer, ok := errors.AsType[*sr.ResponseError](err); ok && answer.StatusCode == http.StatusNotFound {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

func (r registry) allRegisteredOnce(t *testing.T) {
	prefix := fresh()
	resolver := schemas.NewResolver(r.client)
	for name, text := range shipped(t) {
		subject := prefix + name + "-value"
		id := r.registered(t, subject, text)
		if again := r.registered(t, subject, text); again != id {
			t.Errorf("%s: id %d, then %d", subject, id, again)
		}
		if got := r.versions(t, subject); len(got) != 1 {
			t.Errorf("%s: versions %v", subject, got)
		}
		kind, got, err := resolver.SchemaByID(t.Context(), id)
		if err != nil || kind != "AVRO" {
			t.Fatalf("%s: schema %d: kind %q, %v", subject, id, kind, err)
		}
		// What connect.name, docs and defaults say must come back, too.
		if diff := cmp.Diff(tree(t, text), tree(t, got)); diff != "" {
			t.Errorf("%s comes back otherwise: -sent +got\n%s", subject, diff)
		}
	}
}

func tree(t *testing.T, text string) (out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (r registry) twoAtATime(t *testing.T) {
	subject, text := fresh()+"company-value", codec(t, "company").EnvelopeSchema()
	const processes = 4
	var (
		ids  [processes]int
		errs [processes]error
		wg   sync.WaitGroup
	)
	for i := range processes {
		wg.Go(func() { ids[i], errs[i] = r.ensure(t, true, subject, text) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	if len(slices.Compact(ids[:])) != 1 {
		t.Errorf("ids %v", ids)
	}
	// Some registries make a version for each of them, all of one id.
	if got := r.versions(t, subject); len(got) == 0 || len(got) > processes {
		t.Errorf("versions %v", got)
	}
}

func (r registry) verifyOnly(t *testing.T) {
	subject, text := fresh()+"company-value", codec(t, "company").EnvelopeSchema()
	_, err := r.ensure(t, false, subject, text)
	missing, ok := errors.AsType[*schemas.NotRegisteredError](err)
	if !ok || missing.Subject != subject || !strings.Contains(err.Error(), "POST /subjects/"+subject+"/versions") {
		t.Fatalf("got %v", err)
	}
	if got := r.versions(t, subject); len(got) != 0 {
		t.Fatalf("versions %v were registered all the same", got)
	}
	// The operator does what the remedy says.
	status, answer := r.post(t, "/subjects/"+subject+"/versions", map[string]string{"schemaType": "AVRO", "schema": missing.Schema})
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	var made struct {
		ID int `json:"id"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	if id, err := r.ensure(t, false, subject, text); err != nil || id != made.ID {
		t.Errorf("id %d of %d, %v", id, made.ID, err)
	}
}

const (
	recordOld = `{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int"},{"name":"gone","type":["null","string"],"default":null}]}`
	recordNew = `{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"long"},{"name":"b","type":["null","string"],"default":null}]}`
	recordBad = `{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int"},{"name":"wanted","type":"string"}]}`
)

func (r registry) incompatibleRefused(t *testing.T) {
	subject := fresh() + "r-value"
	r.registered(t, subject, recordOld)
	for _, auto := range []bool{true, false} {
		_, err := r.ensure(t, auto, subject, recordBad)
		bad, ok := errors.AsType[*schemas.IncompatibleError](err)
		if !ok || bad.Version != 1 || !strings.Contains(err.Error(), "wanted") || !strings.Contains(err.Error(), "remedy") {
			t.Errorf("auto-register %v: got %v", auto, err)
		}
	}
	if got := r.versions(t, subject); len(got) != 1 {
		t.Errorf("versions %v: it was registered all the same", got)
	}
}

// During a roll-out, and after a rollback, bridges of two versions run.
func (r registry) olderKeepsItsVersion(t *testing.T) {
	subject := fresh() + "r-value"
	older := r.registered(t, subject, recordOld)
	newer := r.registered(t, subject, recordNew)
	if older == newer {
		t.Errorf("both have id %d", older)
	}
	if id, err := r.ensure(t, false, subject, recordOld); err != nil || id != older {
		t.Errorf("the older one gets id %d, want %d: %v", id, older, err)
	}
	if got := r.versions(t, subject); len(got) != 2 {
		t.Errorf("versions %v", got)
	}
}

func (r registry) changeReadByID(t *testing.T) {
	c := codec(t, "company")
	id := r.registered(t, fresh()+"company-value", c.EnvelopeSchema())
	want := schemas.Envelope{
		After: json.RawMessage(`{"_id":"61a000000000000000000001","name":"Åcme","h":7,"custom":{"Region 🌍":"EMEA"},"followers":["u1","u2"],"owner":null,"odd":{"x":[1.50]}}`),
		Op:    "c", TsMs: 1, Source: schemas.Source{Connector: "planhat", DB: "demo", Table: "company", Sequence: 9, Snapshot: "false"}, Changed: []string{},
	}
	value, err := c.AppendEnvelope(nil, id, &want)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := schemas.WireID(value); !ok || got != id {
		t.Errorf("id on the wire %d, want %d", got, id)
	}
	got, err := schemas.DecodeAnyEnvelope(t.Context(), value, schemas.NewResolver(r.client))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree(t, string(want.After)), tree(t, string(got.After))); diff != "" || got.Source.Sequence != 9 {
		t.Errorf("sequence %d; -want +got\n%s", got.Source.Sequence, diff)
	}
}

func (r registry) unknownID(t *testing.T) {
	const unknown = 1 << 30
	if _, _, err := schemas.NewResolver(r.client).SchemaByID(t.Context(), unknown); !errors.Is(err, schemas.ErrSchemaNotFound) {
		t.Errorf("got %v", err)
	}
}

// The client goes by the status; operators look up the code.
func (r registry) refusals(t *testing.T) {
	subject := fresh() + "r-value"
	r.registered(t, subject, recordOld)
	for _, tt := range []struct {
		what, method, path string
		body               any
		status, code       int
	}{
		{"a subject that is not there", http.MethodGet, "/subjects/" + fresh() + "/versions/latest", nil, 404, 40401},
		{"a version that is not there", http.MethodGet, "/subjects/" + subject + "/versions/99", nil, 404, 40402},
		{"an id that is not there", http.MethodGet, "/schemas/ids/1073741824", nil, 404, 40403},
		{"a lookup under a subject that is not there", http.MethodPost, "/subjects/" + fresh(), map[string]string{"schema": recordOld}, 404, 40401},
		{"a lookup of a schema that is not there", http.MethodPost, "/subjects/" + subject, map[string]string{"schema": recordBad}, 404, 40403},
		{"what is no schema", http.MethodPost, "/subjects/" + subject + "/versions", map[string]string{"schema": `{"type":"rec`}, 422, 42201},
	} {
		status, answer := r.ask(t, tt.method, tt.path, tt.body)
		var refusal struct {
			Code int `json:"error_code"`
		}
		if err := json.Unmarshal(answer, &refusal); err != nil || status != tt.status || refusal.Code != tt.code {
			t.Errorf("%s: %d %s, want %d and code %d", tt.what, status, answer, tt.status, tt.code)
		}
	}
}

func (r registry) post(t *testing.T, path string, body any) (status int, answer []byte) {
	t.Helper()
	return r.ask(t, http.MethodPost, path, body)
}

func (r registry) ask(t *testing.T, method, path string, body any) (status int, answer []byte) {
	t.Helper()
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	q, err := http.NewRequestWithContext(t.Context(), method, r.url+path, &content)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if answer, err = io.ReadAll(w.Body); err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, answer
}
