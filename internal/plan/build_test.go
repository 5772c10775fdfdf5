package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// TestBuild tells what becomes of small batches. A line of a batch is
// "<kafka key or -> <command>"; a plan is written as stages, and in them calls
// with the numbers of their commands, merged ones joined by +.
func TestBuild(t *testing.T) {
	company := func(key, rest string) string {
		return key + ` {"object":"company",` + rest + `}`
	}
	up := func(e, fields string) string {
		return `"op":"upsert","target":{"externalId":"` + e + `"},"fields":{` + fields + `}`
	}
	id := func(n int) string { return fmt.Sprintf("%024x", n) }
	update := func(n int, fields string) string {
		return `"op":"update","target":{"_id":"` + id(n) + `"},"fields":{` + fields + `}`
	}
	tests := []struct {
		name  string
		batch []string
		want  string
	}{
		{"upserts of one key share a call", []string{company("a", up("A", `"name":"x"`)), company("b", up("B", `"name":"x"`))},
			"bulk(0 1)"},
		{"a lone upsert goes to the bulk endpoint, a lone update does not", []string{company("a", up("A", `"name":"x"`)), company("b", update(1, `"phase":"x"`))},
			"bulk(0) put(1)"},
		{"updates by _id share a call", []string{company("a", update(1, `"phase":"x"`)), company("b", update(2, `"phase":"x"`))},
			"bulk(0 1)"},
		{"an update that could create goes singly", []string{company("a", update(1, `"name":"x"`)), company("b", update(2, `"phase":"x"`)), company("c", update(3, `"phase":"x"`))},
			"put(0) bulk(1 2)"},
		{"neighbours merge", []string{company("a", up("A", `"name":"x"`)), company("a", up("A", `"phase":"p"`)), company("b", up("B", `"name":"y"`))},
			"bulk(0+1 2)"},
		{"an update that changes its own key stays alone", []string{
			company("a", `"op":"update","target":{"externalId":"A"},"fields":{"phase":"x"}`), company("a", `"op":"update","target":{"externalId":"A"},"fields":{"externalId":"B"}`)},
			"put(0) | put(1)"},
		{"other commands of the key are barriers", []string{company("a", up("A", `"name":"x"`)), company("a", `"op":"get","target":{"externalId":"A"}`), company("a", up("A", `"phase":"x"`))},
			"bulk(0) | read(1) | bulk(2)"},
		{"coalesce false is a barrier", []string{company("a", up("A", `"name":"x"`)), company("a", `"coalesce":false,`+up("A", `"phase":"x"`))},
			"bulk(0) | bulk(1)"},
		{"a precondition is a barrier", []string{company("a", up("A", `"name":"x"`)), company("a", `"ifUnchangedSince":"2026-01-01T00:00:00Z",`+up("A", `"phase":"x"`))},
			"bulk(0) | resolve(1)"},
		{"a deadline is a barrier: what expires takes nobody with it", []string{company("a", up("A", `"name":"x"`)), company("a", `"notAfter":"2026-03-04T12:00:01Z",`+up("A", `"phase":"x"`)), company("a", up("A", `"phase":"y"`))},
			"bulk(0) | bulk(1) | bulk(2)"},
		{"one target chains commands of different keys", []string{company("a", up("A", `"name":"x"`)), company("-", up("A", `"phase":"x"`))},
			"bulk(0+1)"},
		{"a key before the target in the matching order goes another way", []string{company("a", up("A", `"name":"x","sourceId":"S"`)), company("b", up("B", `"name":"x"`)), company("c", up("C", `"name":"x"`))},
			"resolve(0) bulk(1 2)"},
		{"a key behind the target does not", []string{`- {"object":"company","op":"upsert","target":{"sourceId":"S"},"fields":{"externalId":"E","name":"x"}}`},
			"bulk(0)"},
		{"a user is not known to be matched by email", []string{
			`- {"object":"user","op":"upsert","target":{"email":"a@b"},"fields":{"firstName":"x"}}`,
			`- {"object":"user","op":"upsert","target":{"email":"c@d"},"fields":{"firstName":"x"}}`,
			`- {"object":"user","op":"upsert","target":{"externalId":"x"},"fields":{"firstName":"x"}}`},
			"resolve(0) resolve(1) bulk(2)"},
		{"an email is matched last", []string{
			`- {"object":"enduser","op":"upsert","target":{"email":"a@b"},"fields":{"firstName":"x"}}`,
			`- {"object":"enduser","op":"upsert","target":{"email":"c@d"},"fields":{"externalId":"x"}}`},
			"resolve(1) bulk(0)"},
		{"a parent is written first", []string{
			`- {"object":"license","op":"create","fields":{"companyId":"extid-A","_currency":"EUR","fromDate":"2026-01-01","value":1}}`,
			`- {"object":"enduser","op":"create","fields":{"companyId":"extid-A","email":"a@b"}}`,
			company("-", up("A", `"name":"x"`))},
			"bulk(2) | post(1) | post(0)"},
		{"a parent in a later wave is waited for", []string{
			company("a", `"op":"delete","target":{"externalId":"Z"}`), company("a", up("A", `"name":"x"`)),
			`- {"object":"enduser","op":"create","fields":{"companyId":"extid-A","email":"a@b"}}`},
			"remove(0) | bulk(1) | post(2)"},
		{"an upsert that is too little for a new record is not waited for", []string{
			`b {"object":"enduser","op":"create","fields":{"companyId":"extid-A","email":"a@b"}}`,
			company("a", up("A", `"phase":"x"`)), company("a", `"op":"get","target":{"externalId":"A"}`), company("a", up("A", `"name":"x"`))},
			"bulk(1) | read(2) | bulk(3) | post(0)"},
		{"users wait for the users that they refer to", []string{
			`- {"object":"user","op":"upsert","target":{"externalId":"B"},"fields":{"email":"b@x","nickName":"b","firstName":"b","lastName":"b","managers":["extid-A"]}}`,
			`- {"object":"user","op":"upsert","target":{"externalId":"A"},"fields":{"email":"a@x","nickName":"a","firstName":"a","lastName":"a"}}`},
			"bulk(1) | bulk(0)"},
		{"what the vendor may refuse is not replaced", []string{company("a", up("A", `"name":"x","status":"lost"`)), company("a", up("A", `"status":"canceled"`)), company("a", up("A", `"phase":"p"`)), company("a", up("A", `"phase":"q"`))},
			"bulk(0) | bulk(1+2+3)"},
		{"what a record needs is not replaced by what it is not given", []string{company("a", up("A", `"name":""`)), company("a", up("A", `"name":"x"`))},
			"bulk(0) | bulk(1)"},
		{"a match within a company is no match in all of them", []string{
			`- {"object":"license","op":"upsert","target":{"externalId":"L"},"fields":{"companyId":"extid-A","_currency":"EUR","fromDate":"2026-01-01","value":1}}`,
			`- {"object":"license","op":"upsert","target":{"externalId":"L"},"fields":{"product":"p"}}`},
			"bulk(0) | bulk(1)"},
		{"nobody is made to wait by a later command of his", []string{company("a", up("A", `"name":"x"`)), company("a", up("A", `"owner":"extid-U"`))},
			"bulk(0) | bulk(1)"},
		{"children are deleted first", []string{
			company("a", `"op":"delete","target":{"externalId":"A"}`),
			`- {"object":"enduser","op":"delete","target":{"externalId":"A"}}`,
			`- {"object":"note","op":"delete","target":{"_id":"` + id(7) + `"}}`},
			"remove(2) | remove(1) | remove(0)"},
		{"who waits for each other does not wait for ever", []string{
			`a {"object":"enduser","op":"create","fields":{"companyId":"extid-B","email":"a@b"}}`, company("a", up("A", `"name":"x"`)),
			`b {"object":"enduser","op":"create","fields":{"companyId":"extid-A","email":"c@d"}}`, company("b", up("B", `"name":"x"`))},
			"post(0) post(2) | bulk(1 3)"},
		{"a call is cut by its limit", []string{company("a", up("A", `"name":"x"`)), company("b", up("B", `"name":"x"`)), company("c", up("C", `"name":"x"`)), company("d", up("D", `"name":"x"`)), company("e", up("E", `"name":"x"`))},
			"bulk(0 1 2 3) bulk(4)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var orders []*Order
			for n, line := range tt.batch {
				key, text, _ := strings.Cut(line, " ")
				o, refusal := Check(command(t, text), Rules{Now: noon})
				if refusal != nil {
					t.Fatalf("%s: %+v", line, *refusal)
				}
				o.Seq, o.Chain = n, strings.TrimPrefix(key, "-")
				orders = append(orders, &o)
			}
			if got := outline(Build(orders, Limits{Items: 4})); got != tt.want {
				t.Fatalf("planned as\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestExpired: a command that has expired is answered so, if nothing else is wrong with
// it; whatever is wrong with it, it is in no plan.
func TestExpired(t *testing.T) {
	past := noon.Add(-time.Second)
	for op, text := range map[Op]string{
		Create: `{"op":"create","object":"company","fields":{"name":"x"}}`,
		Update: `{"op":"update","object":"company","target":{"externalId":"A"},"fields":{"name":"x"}}`,
		Upsert: `{"op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"x"},"ifUnchangedSince":"2026-01-01T00:00:00Z"}`,
		Delete: `{"op":"delete","object":"company","target":{"externalId":"A"}}`,
		Get:    `{"op":"get","object":"company","target":{"externalId":"A"}}`,
	} {
		c := command(t, text)
		c.NotAfter = &past
		_, refusal := Check(c, Rules{Now: noon})
		if refusal == nil || refusal.Code != schemas.CodeExpired || refusal.Status != schemas.StatusExpired || refusal.Remedy == "" {
			t.Errorf("%s: %+v", op, refusal)
		}
		c.Object = "compny"
		if _, refusal := Check(c, Rules{Now: noon}); refusal == nil || refusal.Code != schemas.CodeUnknownObject {
			t.Errorf("%s of an unknown object: %+v", op, refusal)
		}
		c.Object, c.NotAfter = "company", &noon
		if o, refusal := Check(c, Rules{Now: noon}); refusal != nil || o.Expired(noon) || !o.Expired(noon.Add(1)) {
			t.Errorf("%s at its deadline: %+v", op, refusal)
		}
	}
}

func outline(stages []Stage) string {
	var out []string
	for _, stage := range stages {
		var calls []string
		for _, c := range stage {
			var items []string
			for _, i := range c.Items {
				var orders []string
				for _, o := range i.Orders {
					orders = append(orders, fmt.Sprint(o.Seq))
				}
				items = append(items, strings.Join(orders, "+"))
			}
			calls = append(calls, fmt.Sprintf("%s(%s)", c.Way, strings.Join(items, " ")))
		}
		out = append(out, strings.Join(calls, " "))
	}
	return strings.Join(out, " | ")
}

func TestBulkBodyCarriesTheKey(t *testing.T) {
	o, refusal := Check(command(t, `{"op":"upsert","object":"enduser","target":{"email":"a@b"},"fields":{"firstName":"\u00e9","custom.T":1}}`), Rules{Now: noon})
	if refusal != nil {
		t.Fatal(*refusal)
	}
	if got, want := string(itemOf(&o).BulkBody()), `{"firstName":"\u00e9","custom":{"T":1},"email":"a@b"}`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}
