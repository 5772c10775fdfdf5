package pipedrive

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
)

const meOfAcme = `{"id":5,"name":"Kari","email":"kari@acme.example","company_id":"9","company_name":"Acme AS","company_domain":"acme",
	"access":[{"app":"global","admin":true},{"app":"sales","admin":false}],"language":{"language_code":"nb"},"timezone_name":"Europe/Oslo"}`

func TestMe(t *testing.T) {
	me, err := clientFor(t, always(200, one(meOfAcme))).Me(t.Context())
	if err != nil || me.ID != 5 || me.Name != "Kari" || me.Email != "kari@acme.example" || me.CompanyID != 9 || me.CompanyName != "Acme AS" ||
		me.CompanyDomain != "acme" || me.Language != "nb" || me.Timezone != "Europe/Oslo" || me.Admin || len(me.Raw) == 0 {
		t.Errorf("got %+v, %v", me, err)
	}
	for raw, admin := range map[string]bool{
		`{"id":5,"access":[{"app":"sales","admin":true}]}`: true, `{"id":5,"access":[{"app":"sales","admin":1}]}`: true,
		`{"id":5,"is_admin":1}`: true, `{"id":5}`: false, `{"id":5,"access":null}`: false,
	} {
		if me, err := clientFor(t, always(200, one(raw))).Me(t.Context()); err != nil || me.Admin != admin {
			t.Errorf("%s: got %+v, %v", raw, me, err)
		}
	}
}

// One row: what is answered at the company's host and at that of all companies, and which
// setting is wrong.
func TestVerify(t *testing.T) {
	me := func(domain string) reply {
		return reply{200, one(strings.Replace(meOfAcme, `"acme"`, `"`+domain+`"`, 1)), nil}
	}
	refused := reply{401, `{"success":false,"error":"unauthorized access","errorCode":401}`, nil}
	tests := []struct {
		name          string
		company, all  reply
		wrong         Wrong
		kind          Kind
		say           string
		askedGenerics int
	}{
		{"both right", me("acme"), refused, "", KindNone, "", 0},
		{"token of another company", me("globex"), refused, WrongCompany, KindNone, "https://globex.pipedrive.com", 0},
		{"token unknown", refused, refused, WrongToken, KindUnauthorized, "does not know the API token", 1},
		{"token of another company, refused", refused, me("globex"), WrongURL, KindUnauthorized, "of the company globex (Acme AS)", 1},
		{"token refused here and of here", refused, me("acme"), WrongToken, KindUnauthorized, "does not know", 1},
		{"nobody at the generic host", refused, reply{503, ``, nil}, WrongToken, KindUnauthorized, "does not know", 1},
		{"no such company", reply{404, `{"success":false}`, nil}, refused, WrongURL, KindNotFound, "no company of Pipedrive answers", 0},
		{"a page of somebody", reply{404, `<html>`, map[string]string{"Content-Type": "text/html"}}, refused, WrongURL, KindUnavailable, "no company", 0},
		{"a redirect", reply{302, ``, map[string]string{"Location": "https://www.pipedrive.com/"}}, refused, WrongURL, KindMalformed, "no company", 0},
		{"another site", reply{200, `<html>`, map[string]string{"Content-Type": "text/html"}}, refused, WrongURL, KindMalformed, "no company", 0},
		{"not paid", reply{402, `{"success":false}`, nil}, refused, "", KindUnpaid, "", 0},
		{"budget spent", reply{429, ``, map[string]string{"x-ratelimit-remaining": "9"}}, refused, "", KindDailyBudget, "", 0},
		{"shut out", reply{403, `<html>`, nil}, refused, "", KindBlocked, "", 0},
		{"down", reply{503, ``, nil}, refused, "", KindUnavailable, "", 0},
	}
	for _, tt := range tests {
		generics := 0
		fake := &api{rule: func(_ int, r request) reply {
			if r.Host == "api.pipedrive.com" {
				generics++
				if r.Path != "/v1/users/me" {
					t.Errorf("%s: asked %s of the host of all companies", tt.name, r.Path)
				}
				return tt.all
			}
			return tt.company
		}}
		_, err := clientFor(t, fake).Verify(t.Context())
		wrong := Wrong("")
		if account, ok := errors.AsType[*AccountError](err); ok {
			wrong = account.Wrong
		}
		if wrong != tt.wrong || KindOf(err) != tt.kind || generics != tt.askedGenerics || err != nil && !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %q is wrong, kind %s, %d generic calls (%v)", tt.name, wrong, KindOf(err), generics, err)
		}
		if err != nil && strings.Contains(err.Error(), testToken) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestVerifyOfAHostThatNamesNoCompany(t *testing.T) {
	if me, err := clientAt(t, "http://127.0.0.1:1", always(200, one(meOfAcme))).Verify(t.Context()); err != nil || me.CompanyDomain != "acme" {
		t.Errorf("got %+v, %v", me, err)
	}
	fake := always(401, `{"success":false}`)
	_, err := clientAt(t, "http://127.0.0.1:1", fake).Verify(t.Context())
	if a, ok := errors.AsType[*AccountError](err); !ok || a.Wrong != WrongToken || len(fake.asked()) != 1 {
		t.Errorf("got %v after %d requests", err, len(fake.asked()))
	}
}

func TestVerifyBeforeAnythingIsSent(t *testing.T) {
	u, _ := ParseURL("acme")
	fake := always(200, one(meOfAcme))
	c, err := New(u, func() string { return testToken[:39] }, WithHTTPClient(&http.Client{Transport: fake}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Verify(t.Context())
	a, ok := errors.AsType[*AccountError](err)
	if !ok || a.Wrong != WrongToken || !strings.Contains(err.Error(), "39 characters instead of 40") || len(fake.asked()) != 0 {
		t.Errorf("got %v after %d requests", err, len(fake.asked()))
	}
}

func TestVerifyOfAHostThatDoesNotExist(t *testing.T) {
	rt := transport(func(*http.Request) (*http.Response, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "acme.pipedrive.com", IsNotFound: true}
	})
	_, err := clientFor(t, rt).Verify(t.Context())
	if a, ok := errors.AsType[*AccountError](err); !ok || a.Wrong != WrongURL {
		t.Errorf("got %v", err)
	}
}
