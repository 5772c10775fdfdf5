package planhatsim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// bulk does a bulk upsert and reads its answer.
func (s *sim) bulk(path, body string) (int, bulkAnswer) {
	s.t.Helper()
	r := s.do("PUT", path, body)
	var a bulkAnswer
	simtest.Decode(s.t, r.body, &a)
	return r.status, a
}

func TestBulkWorkedExample(t *testing.T) {
	s := start(t, Options{Companies: -1})
	changed := s.company(`{"name":"Changed","externalId":"c"}`)
	s.company(`{"name":"Same","externalId":"s"}`)
	status, a := s.bulk("/companies", `[{"name":"New","externalId":"n"},{"name":"Changed!","externalId":"c"},{"name":"Same","externalId":"s"}]`)
	if status != 200 || a.Created != 1 || a.Updated != 1 || a.Nonupdates != 1 {
		t.Fatalf("%d %+v", status, a)
	}
	if len(a.Modified) != 1 || a.Modified[0] != changed || len(a.UpdatesKeys) != 1 || a.UpdatesKeys[0] != (keyFields{ID: changed, ExternalID: "c"}) {
		t.Errorf("modified and updatesKeys name the changed record only: %+v", a)
	}
	created := s.ok("GET", "/companies/extid-n", "")["_id"].(string)
	if len(a.UpsertedIDs) != 1 || a.UpsertedIDs[0] != created || a.InsertsKeys[0] != (keyFields{ID: created, ExternalID: "n"}) {
		t.Errorf("upsertedIds and insertsKeys name the inserted record only: %+v", a)
	}
}

func TestBulkMatching(t *testing.T) {
	s := start(t, Options{Companies: -1})
	a, b := s.company(`{"name":"A","externalId":"ea","sourceId":"sa"}`), s.company(`{"name":"B","externalId":"eb","sourceId":"sb"}`)
	eu := func(fields string) string { return s.ok("POST", "/endusers", fields)["_id"].(string) }
	shared := eu(`{"email":"one@x.example","companyId":"` + a + `","externalId":"shared"}`)
	eu(`{"email":"two@x.example","companyId":"` + b + `","externalId":"shared"}`)
	eu(`{"email":"two@x.example","companyId":"` + b + `","externalId":"twin"}`)
	note := s.ok("POST", "/conversations", `{"companyId":"`+a+`","type":"note","externalId":"n1"}`)["_id"].(string)
	for _, c := range []struct {
		fact, path, item string
		created, updated int
		id               string
	}{
		{"_id before sourceId, which may then change", "/companies", `{"_id":"` + a + `","sourceId":"moved","name":"A1"}`, 0, 1, a},
		{"sourceId before externalId, which may then change", "/companies", `{"sourceId":"sb","externalId":"ec","name":"B1"}`, 0, 1, b},
		{"externalId", "/companies", `{"externalId":"ec","name":"B2"}`, 0, 1, b},
		{"no match inserts", "/companies", `{"externalId":"new","name":"N"}`, 1, 0, ""},
		{"no key inserts, every time", "/companies", `{"name":"N"}`, 1, 0, ""},
		{"externalId within the company of the item", "/endusers", `{"externalId":"shared","companyId":"extid-ea","phone":"1"}`, 0, 1, shared},
		{"e-mail where it is unique", "/endusers", `{"email":"one@x.example","phone":"2"}`, 0, 1, shared},
		{"externalId before e-mail", "/endusers", `{"externalId":"fresh","email":"one@x.example","companyId":"` + a + `"}`, 1, 0, ""},
		{"notes go by _id", "/conversations", `{"_id":"` + note + `","subject":"S"}`, 0, 1, note},
		{"notes do not go by externalId", "/conversations", `{"externalId":"n1","type":"note","companyId":"` + a + `"}`, 1, 0, ""},
	} {
		t.Run(c.fact, func(t *testing.T) {
			status, got := s.bulk(c.path, "["+c.item+"]")
			if status != 200 || got.Created != c.created || got.Updated != c.updated {
				t.Fatalf("%d %+v", status, got)
			}
			if c.id != "" && got.Modified[0] != c.id {
				t.Errorf("modified %v, want %s", got.Modified, c.id)
			}
		})
	}
	if status, got := s.bulk("/endusers", `[{"email":"two@x.example","phone":"3"}]`); status != 400 || len(got.UpdatedErrors) != 1 {
		t.Errorf("an e-mail that two endusers have is no key: %d %+v", status, got)
	}
}

func TestBulkFailures(t *testing.T) {
	s := start(t, Options{Companies: -1, Tokens: map[string]Token{DefaultToken: {}, "narrow": {Deny: map[string]bool{"company:create": true}}}})
	s.company(`{"name":"A","externalId":"a"}`)
	status, a := s.bulk("/companies", `[{"externalId":"a","phase":"p"},{"externalId":"nameless"},7]`)
	if status != 206 || a.Updated != 1 || len(a.CreatedErrors) != 2 {
		t.Fatalf("some failed, some did not: %d %+v", status, a)
	}
	first := a.CreatedErrors[0].(map[string]any)
	if first["message"] != "name is required" || first["item"].(map[string]any)["externalId"] != "nameless" {
		t.Errorf("error element: %v", first)
	}
	if status, _ := s.bulk("/companies", `[{"externalId":"x"}]`); status != 400 {
		t.Errorf("nothing succeeded: %d, want 400", status)
	}
	if status, a := s.bulk("/companies", `[]`); status != 200 || a.Created+a.Updated+a.Nonupdates != 0 {
		t.Errorf("no items: %d", status)
	}
	r := s.as("narrow", "PUT", "/companies", `[{"externalId":"a","phase":"q"},{"name":"N"}]`)
	simtest.Decode(t, r.body, &a)
	if r.status != 403 || a.Updated != 1 || len(a.PermissionErrors) != 1 {
		t.Errorf("permissions: %d %s", r.status, r.body)
	}
	many := "[" + strings.Repeat(`{"name":"x"},`, 5000) + `{"name":"x"}]`
	if r := s.do("PUT", "/companies", many); r.status != 400 || len(s.list("/companies?limit=5000")) != 1 {
		t.Errorf("5,001 items are refused as a whole: %d", r.status)
	}
	for _, body := range []string{`{"name":"single"}`, `"x"`, `[{"name":`} {
		if r := s.do("PUT", "/companies", body); r.status != 400 {
			t.Errorf("%s: %d, want 400", body, r.status)
		}
	}
}

func TestBulkOfTheDocumentedMaximum(t *testing.T) {
	s := start(t, Options{Companies: -1})
	var items []string
	for i := range bulkMax {
		items = append(items, fmt.Sprintf(`{"name":"c%d","externalId":"e%d"}`, i, i))
	}
	body := "[" + strings.Join(items, ",") + "]"
	if status, a := s.bulk("/companies", body); status != 200 || a.Created != bulkMax || len(a.InsertsKeys) != bulkMax {
		t.Fatalf("%d: %d created", status, a.Created)
	}
	if status, a := s.bulk("/companies", body); status != 200 || a.Nonupdates != bulkMax {
		t.Fatalf("%d: %d nonupdates", status, a.Nonupdates)
	}
}

func TestErrorElementShapes(t *testing.T) {
	doc, err := parseObject([]byte(`{"externalId":"e","email":null,"name":"n"}`))
	if err != nil {
		t.Fatal(err)
	}
	for shape, want := range map[string]string{
		"string": `"m"`, "bare": `{"message":"m"}`, "flat": `{"email":null,"externalId":"e","message":"m"}`, "item": `{"item":{"email":null,"externalId":"e"},"message":"m"}`,
	} {
		if got := string(encoded(200, errorElement(shape, "m", doc)).Body); got != want {
			t.Errorf("%s: %s, want %s", shape, got, want)
		}
	}
}
