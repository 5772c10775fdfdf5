package plan

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// bulkCall is a bulk call of n upserts by externalId: E0, E1, ...
func bulkCall(op Op, key planhat.Key, n int) Call {
	spec := &tables[planhat.Company].spec
	c := Call{Way: Bulk, Spec: spec, Key: key}
	for i := range n {
		value := fmt.Sprintf("E%d", i)
		if key == planhat.KeyID {
			value = fmt.Sprintf("%024x", i)
		}
		o := &Order{Seq: i, Op: op, Spec: spec, Target: Target{key, value}}
		c.Items = append(c.Items, itemOf(o))
	}
	return c
}

//nolint:dupword // outcomes of several items may be alike
func TestAttribute(t *testing.T) {
	entry := func(id string, keys ...string) planhat.KeySet {
		out := planhat.KeySet{"_id": id}
		for i := 0; i < len(keys); i += 2 {
			out[keys[i]] = keys[i+1]
		}
		return out
	}
	upserts := bulkCall(Upsert, planhat.KeyExternalID, 3)
	one := bulkCall(Upsert, planhat.KeyExternalID, 1)
	updates := bulkCall(Update, planhat.KeyID, 2)
	tests := []struct {
		name   string
		call   Call
		answer planhat.BulkAnswer
		want   string
	}{
		{"each its own", upserts, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("1", "externalId", "E1")},
			Updated: 1, UpdatesKeys: []planhat.KeySet{entry("0", "externalId", "E0")}, Nonupdates: 1}, "updated:0 created:1 unchanged:"},
		{"a keyed error", upserts, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("1", "externalId", "E1")}, Nonupdates: 1,
			CreatedErrors: []planhat.BulkError{{Message: "bad", Keys: planhat.KeySet{"externalId": "E2"}}}}, "unchanged: created:1 refused:"},
		{"an error without keys leaves the rest open", upserts, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("1", "externalId", "E1")}, Nonupdates: 1,
			CreatedErrors: []planhat.BulkError{{Message: "bad"}}}, "again: created:1 again:"},
		{"dropped without a word", upserts, planhat.BulkAnswer{Created: 2, InsertsKeys: []planhat.KeySet{entry("1", "externalId", "E1"), entry("2", "externalId", "E2")}}, "again: created:1 created:2"},
		{"ids only", upserts, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("1")}, Nonupdates: 2}, "look: look: look:"},
		{"ids only, all alike", upserts, planhat.BulkAnswer{Created: 3, InsertsKeys: []planhat.KeySet{entry("1"), entry("2"), entry("3")}}, "created: created: created:"},
		{"a key that another item sent proves nothing", upserts, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("1", "sourceId", "E0")}, Nonupdates: 2}, "look: look: look:"},
		{"permission", upserts, planhat.BulkAnswer{PermissionErrors: []planhat.BulkError{{Message: "no", Keys: planhat.KeySet{"externalId": "E0"}}},
			CreatedErrors: []planhat.BulkError{{Message: "no", Keys: planhat.KeySet{"externalId": "E0"}}}, Nonupdates: 2}, "denied: unchanged: unchanged:"},
		{"said to be two things", upserts, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("1", "externalId", "E1")},
			Updated: 1, UpdatesKeys: []planhat.KeySet{entry("1", "externalId", "E1")}}, "look: again: look:"},
		{"one item, one nameless error", one, planhat.BulkAnswer{CreatedErrors: []planhat.BulkError{{Message: "bad"}}}, "refused:"},
		{"one item, one id", one, planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{entry("9")}}, "created:9"},
		{"one item, nothing said", one, planhat.BulkAnswer{}, "again:"},
		{"modified names records too", updates, planhat.BulkAnswer{Updated: 1, Modified: []string{fmt.Sprintf("%024x", 1)}, Nonupdates: 1},
			"unchanged:000000000000000000000000 updated:000000000000000000000001"},
		{"an update that was not inserted has to be asked for", updates, planhat.BulkAnswer{Nonupdates: 1,
			CreatedErrors: []planhat.BulkError{{Message: "name is required", Keys: planhat.KeySet{"_id": fmt.Sprintf("%024x", 1)}}}},
			"unchanged:000000000000000000000000 alone:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for n, v := range Attribute(tt.call, tt.answer) {
				if n > 0 {
					got += " "
				}
				got += v.Outcome.String() + ":" + v.RecordID
			}
			if got != tt.want {
				t.Fatalf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestAttributeHostile holds Attribute to what any answer may prove, however
// little sense it makes: every item a verdict, nothing written that the answer
// does not report, no panic.
func TestAttributeHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]planhat.Key{planhat.KeyID, planhat.KeyExternalID}).Draw(t, "key")
		op := map[planhat.Key]Op{planhat.KeyID: Update, planhat.KeyExternalID: Upsert}[key]
		call := bulkCall(op, key, rapid.IntRange(1, 6).Draw(t, "items"))
		set := rapid.Custom(func(t *rapid.T) planhat.KeySet {
			out := planhat.KeySet{}
			for _, name := range []string{"_id", "externalId", "sourceId"} {
				if rapid.Bool().Draw(t, name) {
					out[name] = rapid.SampledFrom([]string{"E0", "E1", "E2", "E7", fmt.Sprintf("%024x", 1), fmt.Sprintf("%024x", 2)}).Draw(t, "value")
				}
			}
			return out
		})
		failure := rapid.Custom(func(t *rapid.T) planhat.BulkError { return planhat.BulkError{Message: "m", Keys: set.Draw(t, "keys")} })
		answer := planhat.BulkAnswer{
			Created: rapid.IntRange(0, 4).Draw(t, "created"), Updated: rapid.IntRange(0, 4).Draw(t, "updated"), Nonupdates: rapid.IntRange(0, 4).Draw(t, "nonupdates"),
			InsertsKeys: rapid.SliceOfN(set, 0, 4).Draw(t, "inserts"), UpdatesKeys: rapid.SliceOfN(set, 0, 4).Draw(t, "updates"),
			CreatedErrors: rapid.SliceOfN(failure, 0, 3).Draw(t, "createdErrors"), PermissionErrors: rapid.SliceOfN(failure, 0, 3).Draw(t, "permissionErrors"),
		}
		verdicts := Attribute(call, answer)
		if len(verdicts) != len(call.Items) {
			t.Fatalf("%d verdicts for %d items", len(verdicts), len(call.Items))
		}
		count := map[Outcome]int{}
		for _, v := range verdicts {
			count[v.Outcome]++
		}
		if count[Created] > max(answer.Created, len(answer.InsertsKeys)) || count[Updated] > max(answer.Updated, len(answer.UpdatesKeys)) ||
			count[Unchanged] > answer.Nonupdates || count[Refused] > len(answer.CreatedErrors) || count[Denied] > len(answer.PermissionErrors) {
			t.Fatalf("more is claimed than the answer tells: %v", count)
		}
		if again := Attribute(call, answer); !reflect.DeepEqual(verdicts, again) {
			t.Fatalf("not a function of its arguments: %v, %v", verdicts, again)
		}
	})
}

func TestDifferences(t *testing.T) {
	tests := []struct {
		name, sent, record string
		want               []string
	}{
		{"the same", `{"name":"A","csmScore":3}`, `{"_id":"1","csmScore":3.0,"name":"A","h":2}`, nil},
		{"case and space of text", `{"name":"acme GmbH "}`, `{"name":"Acme Gmbh"}`, nil},
		{"another text", `{"name":"A"}`, `{"name":"B"}`, []string{"name"}},
		{"absent", `{"name":"A","phase":"x"}`, `{"name":"A"}`, []string{"phase"}},
		{"null is absent", `{"phase":null}`, `{}`, nil},
		{"null is not a value", `{"phase":null}`, `{"phase":"x"}`, []string{"phase"}},
		{"custom", `{"custom":{"T":1,"U":"x"}}`, `{"custom":{"T":2,"U":"x","V":3}}`, []string{"custom.T"}},
		{"arrays", `{"tags":["a","b"]}`, `{"tags":["b","a"]}`, []string{"tags"}},
		{"times", `{"custom":{"d":"2026-03-04T13:00:00+01:00"}}`, `{"custom":{"d":"2026-03-04T12:00:00.000Z"}}`, nil},
		{"an absurd number", `{"csmScore":1e999999999}`, `{"csmScore":2}`, []string{"csmScore"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, refusal := Check(command(t, `{"op":"update","object":"company","target":{"externalId":"a"},"fields":`+tt.sent+`}`), Rules{Now: noon})
			if refusal != nil {
				t.Fatal(*refusal)
			}
			got, err := Differences([]byte(tt.record), itemOf(&o))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	o, _ := Check(command(t, `{"op":"create","object":"enduser","fields":{"companyId":"extid-a","email":"a@b"}}`), Rules{Now: noon})
	if got, err := Differences([]byte(`{"companyId":"66f0a1b2c3d4e5f600000001","email":"A@b"}`), itemOf(&o)); err != nil || len(got) > 0 {
		t.Fatalf("a reference by key that became an _id: %v, %v", got, err)
	}
}
