package planhat

import (
	"slices"
	"strings"
	"testing"
)

func TestPathOfARecord(t *testing.T) {
	tests := []struct {
		ref  Ref
		want string // "": refused
	}{
		{ByID(hexID(1)), "/companies/" + hexID(1)},
		{ByExternalID("acct-1"), "/companies/extid-acct-1"},
		{BySourceID("a/b?c#d%"), "/companies/srcid-a%2Fb%3Fc%23d%25"},
		{ByExternalID("../endusers"), "/companies/extid-..%2Fendusers"},
		{ByExternalID("å b"), "/companies/extid-%C3%A5%20b"},
		{ByID(""), ""},
		{ByExternalID(""), ""},
		{ByID(".."), ""},
		{ByID("extid-acct-1"), ""},
		{Ref{KeyEmail, "kari@example.org"}, ""},
		{Ref{}, ""},
	}
	for _, tt := range tests {
		fake := always(200, record(1, `"externalId":"acct-1","sourceId":"a/b?c#d%"`))
		_, err := clientFor(t, fake).Get(t.Context(), Company, tt.ref)
		switch asked := fake.asked(); {
		case tt.want == "" && (KindOf(err) != KindInvalid || len(asked) != 0):
			t.Errorf("%v: got %v after %d requests", tt.ref, err, len(asked))
		case tt.want != "" && (len(asked) == 0 || asked[0].Path != tt.want):
			t.Errorf("%v: asked %+v, want %s", tt.ref, asked, tt.want)
		}
	}
	if _, err := clientFor(t, always(200, record(1))).Get(t.Context(), Note, ByExternalID("x")); KindOf(err) != KindInvalid {
		t.Errorf("a note by externalId: %v", err)
	}
}

func TestGet(t *testing.T) {
	tests := []struct {
		name   string
		ref    Ref
		status int
		body   string
		kind   Kind
		asked  int
	}{
		{"found", ByID(hexID(1)), 200, record(1, `"n":1.50`), KindNone, 1},
		{"another record", ByID(hexID(1)), 200, record(2), KindMalformed, 3},
		{"without an id", ByID(hexID(1)), 200, `{}`, KindMalformed, 3},
		{"the list", ByID(hexID(1)), 200, records(1, 2), KindMalformed, 3},
		{"empty", ByID(hexID(1)), 200, ``, KindMalformed, 3},
		{"by key", ByExternalID("a"), 200, record(1, `"externalId":"a"`), KindNone, 1},
		{"by key, another record", ByExternalID("a"), 200, record(1, `"externalId":"b"`), KindMalformed, 1},
		{"by key, a record without it", BySourceID("a"), 200, record(1, `"externalId":"a"`), KindMalformed, 1},
		{"missing", ByID(hexID(1)), 404, "Not Found", KindNotFound, 1},
		{"missing, says a proxy", ByID(hexID(1)), 404, "<html><title>404</title>", KindUnavailable, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := always(tt.status, tt.body)
			row, err := clientFor(t, fake).Get(t.Context(), Company, tt.ref)
			if KindOf(err) != tt.kind || len(fake.asked()) != tt.asked {
				t.Fatalf("got %v after %d requests, want %s after %d", err, len(fake.asked()), tt.kind, tt.asked)
			}
			if tt.kind == KindNone && string(row) != tt.body {
				t.Errorf("got %s", row)
			}
		})
	}
}

func TestFind(t *testing.T) {
	company, other := hexID(100), hexID(200)
	kari := `"email":"Kari@example.org","companyId":"` + company + `"`
	tests := []struct {
		name      string
		key       Key
		value     string
		companyID string
		rule      func(n int, r request) (int, string, string)
		want      []string
		asked     []string // path and the part of the query that matters
	}{
		{"by e-mail, filtered", KeyEmail, "kari@example.org", "",
			func(int, request) (int, string, string) { return 200, "", "[" + record(1, kari) + "]" },
			[]string{hexID(1)}, []string{"email=kari%40example.org"}},
		{"by e-mail, the filter is ignored", KeyEmail, "kari@example.org", "",
			func(int, request) (int, string, string) {
				return 200, "", "[" + record(1, kari) + "," + record(2, `"email":"ola@example.org"`) + "," + record(3) + "]"
			},
			[]string{hexID(1)}, []string{"email="}},
		{"by e-mail, ignored by a listing of many pages", KeyEmail, "kari@example.org", "",
			func(n int, _ request) (int, string, string) {
				if n == 1 {
					return 200, "", records(1000, 3000)
				}
				return 200, "", "[" + record(1, kari) + "]"
			},
			[]string{hexID(1)}, []string{"offset=0", "offset=2000"}},
		{"by e-mail, archived", KeyEmail, "kari@example.org", "",
			func(n int, r request) (int, string, string) {
				if strings.Contains(r.Query, "archived=true") {
					return 200, "", "[" + record(1, kari) + "]"
				}
				return 200, "", "[]"
			},
			[]string{hexID(1)}, []string{"email=", "archived=true"}},
		{"by e-mail, twice in use", KeyEmail, "kari@example.org", "",
			func(int, request) (int, string, string) {
				return 200, "", "[" + record(1, kari) + "," + record(2, kari) + "]"
			},
			[]string{hexID(1), hexID(2)}, []string{"email="}},
		{"by e-mail, of a company", KeyEmail, "kari@example.org", company,
			func(int, request) (int, string, string) {
				return 200, "", "[" + record(1, kari) + "," + record(2, `"email":"kari@example.org","companyId":"`+other+`"`) + "]"
			},
			[]string{hexID(1)}, []string{"companyId=" + company}},
		{"by externalId", KeyExternalID, "u 1", "",
			func(int, request) (int, string, string) { return 200, "", record(1, `"externalId":"u 1"`) },
			[]string{hexID(1)}, []string{"/endusers/extid-u%201?"}},
		{"by sourceId", KeySourceID, "u1", "",
			func(int, request) (int, string, string) { return 200, "", record(1, `"sourceId":"u1"`) },
			[]string{hexID(1)}, []string{"/endusers/srcid-u1?"}},
		{"by externalId, missing", KeyExternalID, "u1", "",
			func(int, request) (int, string, string) { return 404, "", "Not Found" }, nil, []string{"extid-u1"}},
		{"by externalId, of another company", KeyExternalID, "u1", company,
			func(n int, r request) (int, string, string) {
				if n == 1 {
					return 200, "", record(9, `"externalId":"u1","companyId":"`+other+`"`)
				}
				return 200, "", "[" + record(1, `"externalId":"u1"`, `"companyId":"`+company+`"`) + "," + record(2, `"externalId":"u2"`) + "]"
			},
			[]string{hexID(1)}, []string{"extid-u1", "companyId=" + company}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &api{rule: tt.rule}
			rows, err := clientFor(t, fake).Find(t.Context(), Enduser, tt.key, tt.value, tt.companyID)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range rows {
				got = append(got, row.ID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("found %v, want %v", got, tt.want)
			}
			asked := fake.asked()
			for i, r := range asked {
				if i >= len(tt.asked) || !strings.Contains(r.Path+"?"+r.Query, tt.asked[i]) {
					t.Errorf("request %d was %s?%s, want %v", i, r.Path, r.Query, tt.asked)
				}
			}
			if len(asked) < len(tt.asked) {
				t.Errorf("%d requests, want %d", len(asked), len(tt.asked))
			}
		})
	}
}

// Objects spell keys and companies in their own way.
func TestFindBySpelling(t *testing.T) {
	company, other := hexID(100), hexID(200)
	for _, tt := range []struct {
		object    Object
		key       Key
		value     string
		companyID string
		answer    string
		asked     string
		found     bool
	}{
		{Invoice, KeyExternalID, "i1", company, record(1, `"extId":"i1","cId":"`+company+`"`), "/invoices/extid-i1", true},
		{Invoice, KeyExternalID, "i1", "", record(1, `"externalId":"i1"`), "/invoices/extid-i1", false},
		{NPS, KeySourceID, "n1", company, record(1, `"sourceId":"n1","cId":"`+company+`"`), "/nps/srcid-n1", true},
		{Issue, KeySourceID, "s1", company, record(1, `"sourceId":"s1","companyIds":["`+other+`","`+company+`"]`), "/issues/srcid-s1", true},
		{Ticket, KeySourceID, "t1", "", record(1, `"externalId":"t1","type":"ticket"`), "/tickets/srcid-t1", true},
		{User, KeyExternalID, "u1", company, record(1, `"externalId":"u1"`), "/users/extid-u1", true},
		{Churn, KeySourceID, "c1", "", record(1, `"sourceId":"c1"`), "/churn/srcid-c1", true},
	} {
		fake := always(200, tt.answer)
		rows, err := clientFor(t, fake).Find(t.Context(), tt.object, tt.key, tt.value, tt.companyID)
		if (err == nil && len(rows) == 1) != tt.found {
			t.Errorf("%s by %s: found %d, %v", tt.object, tt.key, len(rows), err)
		}
		if asked := fake.asked(); len(asked) != 1 || asked[0].Path != tt.asked {
			t.Errorf("%s by %s: asked %+v", tt.object, tt.key, asked)
		}
	}
}

func TestFindTrustsNoAnswer(t *testing.T) {
	_, err := clientFor(t, always(200, record(1, `"externalId":"u2"`))).Find(t.Context(), Enduser, KeyExternalID, "u1", "")
	if KindOf(err) != KindMalformed || !strings.HasPrefix(err.Error(), "find enduser externalId u1: malformed") {
		t.Errorf("got %v", err)
	}
	for _, bad := range []struct {
		object         Object
		key            Key
		value, company string
	}{
		{"unicorn", KeyEmail, "x", ""}, {Company, KeyEmail, "x", ""}, {Enduser, KeyEmail, "", ""},
		{Enduser, KeyID, hexID(1), ""}, {Note, KeyExternalID, "x", ""}, {Enduser, KeyEmail, "x", "extid-1"},
	} {
		if _, err := clientFor(t, always(200, "[]")).Find(t.Context(), bad.object, bad.key, bad.value, bad.company); KindOf(err) != KindInvalid {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
}
