package pipedrive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	fake := &api{rule: func(_ int, r request) reply {
		if r.Query.Get("cursor") == "" {
			return reply{200, list("two", `{"field_code":"status","field_name":"Status","field_type":"status","options":[{"id":"open","label":"Open"}]}`), nil}
		}
		return reply{200, list("", `{"field_code":"abc","field_name":"Plan","field_type":"enum","is_custom_field":true,"description":null,"options":[{"id":41,"label":"Enterprise"}],
			"subfields":[{"field_code":"value","field_name":"Value","field_type":"double"}]}`), nil}
	}}
	fields, err := clientFor(t, fake).Fields(t.Context(), Deal)
	got := fmt.Sprintf("%+v", fields)
	want := "[{Code:status Name:Status Type:status Custom:false Description: Options:[{ID:open Label:Open}] Subfields:[]} " +
		"{Code:abc Name:Plan Type:enum Custom:true Description: Options:[{ID:41 Label:Enterprise}] " +
		"Subfields:[{Code:value Name:Value Type:double Custom:false Description: Options:[] Subfields:[]}]}]"
	if err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	for o, path := range map[Object]string{Deal: "/api/v2/dealFields", Person: "/api/v2/personFields", Organization: "/api/v2/organizationFields"} {
		fake := always(200, list(""))
		if _, err := clientFor(t, fake).Fields(t.Context(), o); err != nil || fake.asked()[0].Path != path || fake.asked()[0].Query.Get("limit") != "500" {
			t.Errorf("%s: asked %+v, %v", o, fake.asked(), err)
		}
	}
	for _, o := range []Object{Note, Pipeline, "lead"} {
		if _, err := clientFor(t, fake).Fields(t.Context(), o); KindOf(err) != KindInvalid {
			t.Errorf("%s: %v", o, err)
		}
	}
	for _, row := range []string{`{"field_name":"x"}`, `1`, `{"field_code":"a","subfields":[{}]}`} {
		if fields, err := clientFor(t, always(200, list("", row))).Fields(t.Context(), Deal); KindOf(err) != KindMalformed || fields != nil {
			t.Errorf("%s: got %v, %v", row, fields, err)
		}
	}
	if _, err := clientFor(t, always(200, list("two", `{"field_code":"a"}`))).Fields(t.Context(), Deal); KindOf(err) != KindMalformed {
		t.Errorf("a catalogue without end: %v", err)
	}
}

func TestDealProducts(t *testing.T) {
	fake := &api{rule: func(_ int, r request) reply {
		if ids := r.Query.Get("deal_ids"); strings.HasPrefix(ids, "1,2,") && r.Query.Get("cursor") == "" {
			return reply{200, list("two", `{"id":1,"deal_id":1,"product_id":9,"name":"Platform"}`), nil}
		} else if r.Query.Get("cursor") == "two" && !strings.HasPrefix(ids, "1,2,") {
			return reply{400, `{"success":false,"error":"the deals are not repeated"}`, nil}
		}
		return reply{200, list("", `{"id":2,"deal_id":"101","product_id":null}`), nil}
	}}
	var ids []int64
	for n := range int64(101) {
		ids = append(ids, n+1)
	}
	products, err := clientFor(t, fake).DealProducts(t.Context(), ids...)
	if err != nil || len(products) != 3 || products[0].DealID != 1 || products[0].ProductID != 9 || products[2].DealID != 101 || len(fake.asked()) != 3 {
		t.Errorf("got %+v with %d requests, %v", products, len(fake.asked()), err)
	}
	if last := fake.asked()[2].Query.Get("deal_ids"); last != "101" || fake.asked()[0].Path != "/api/v2/deals/products" {
		t.Errorf("asked for %s of %s", last, fake.asked()[0].Path)
	}
	if none, err := clientFor(t, fake).DealProducts(t.Context()); err != nil || none != nil || len(fake.asked()) != 3 {
		t.Errorf("of no deals: %v, %v", none, err)
	}
	if _, err := clientFor(t, fake).DealProducts(t.Context(), 0); KindOf(err) != KindInvalid {
		t.Errorf("of deal 0: %v", err)
	}
	if _, err := clientFor(t, always(200, list("", `{"id":2}`))).DealProducts(t.Context(), 1); KindOf(err) != KindMalformed {
		t.Errorf("a product of no deal: %v", err)
	}
}

// One row: a type, its values as REST of version 2, webhooks and version 1 write them,
// and how they read.
func TestValues(t *testing.T) {
	options := []FieldOption{{"13", "Core"}, {"14", "Insights"}, {"17", "Enterprise"}}
	tests := []struct {
		kind  string
		raws  []string
		text  string
		label []string
	}{
		{"varchar", []string{`"x"`, `{"type":"varchar","value":"x"}`}, "x", nil},
		{"double", []string{`123.50`, `{"type":"double","value":123.50}`}, "123.50", nil},
		{"monetary", []string{`{"value":200,"currency":"EUR"}`, `{"type":"monetary","value":200,"currency":"EUR"}`}, "200 EUR", nil},
		{"date", []string{`"2026-01-31"`, `{"type":"date","value":"2026-01-31"}`}, "2026-01-31", nil},
		{"daterange", []string{`{"value":"2026-01-31","until":"2026-02-28"}`, `{"type":"daterange","from":"2026-01-31","until":"2026-02-28"}`}, "2026-01-31 to 2026-02-28", nil},
		{"time", []string{`{"value":"09:00:00","timezone_id":1,"timezone_name":"UTC"}`}, "09:00:00", nil},
		{"enum", []string{`17`, `{"id":17,"label":"Enterprise"}`, `{"type":"enum","id":17}`, `"17"`}, "Enterprise", []string{"Enterprise"}},
		{"set", []string{`[13,14]`, `[{"id":13,"label":"Core"},{"id":14,"label":"Insights"}]`, `{"type":"set","values":[{"id":13},{"id":14}]}`, `"13,14"`}, "Core, Insights", []string{"Core", "Insights"}},
		{"set", []string{`[13,99]`, `"13, 99"`}, "Core, 99", []string{"Core", "99"}},
		{"user", []string{`1`, `{"type":"user","id":1}`}, "1", nil},
		{"address", []string{`{"value":"Storgatan 12","route":"Storgatan"}`, `{"formatted_address":"Storgatan 12"}`}, "Storgatan 12", nil},
	}
	for _, tt := range tests {
		c := NewCatalogue([]Field{{Code: "abc", Name: "A field", Type: tt.kind, Options: options}})
		for _, raw := range tt.raws {
			v := c.Value("abc", []byte(raw))
			if v.Text != tt.text || !slices.Equal(v.Labels, tt.label) || v.Name != "A field" || v.Type != tt.kind || string(v.Raw) != raw {
				t.Errorf("%s %s: got %+v", tt.kind, raw, v)
			}
		}
	}
}

func TestValuesOfSamples(t *testing.T) {
	c := NewCatalogue([]Field{
		{Code: "05e9d7b2c8a14f36b0d2e5f7918c34a6de07b1f9", Name: "Plan", Type: "enum", Options: []FieldOption{{"41", "Enterprise"}}},
		{Code: "f60b93d1e47a25c8093bde51a7c4f2860d1e5b97", Name: "Onboarding fee", Type: "monetary"},
	})
	e, err := ParseEvent(readSamples(t).Webhooks["v2_deal_change_status_won"].Body)
	if err != nil {
		t.Fatal(err)
	}
	values, err := c.Values(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range values {
		got = append(got, v.Name+"|"+v.Type+"|"+v.Text)
	}
	want := []string{"|date|2026-12-01", "|daterange|2026-12-01 to 2028-11-30", "|double|24", "Onboarding fee|monetary|1500 EUR", "Plan|enum|Enterprise"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if _, known := c.Field("05e9d7b2c8a14f36b0d2e5f7918c34a6de07b1f9"); !known {
		t.Error("Plan is not in the catalogue")
	}
	if _, known := c.Field("nobody"); known {
		t.Error("nobody is in the catalogue")
	}
	if values, err := c.Values([]byte(`{"id":1,"custom_fields":{"a":null}}`)); err != nil || values != nil {
		t.Errorf("nulls: %v, %v", values, err)
	}
	if _, err := c.Values([]byte(`[]`)); err == nil {
		t.Error("a list is a record")
	}
}
