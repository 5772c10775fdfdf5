package pipedrive

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, spelling := range []string{
		"acme", "ACME", " acme ", "acme/", "acme/v1", "acme.pipedrive.com", "Acme.Pipedrive.com.", "acme.pipedrive.com/v1",
		"https://acme.pipedrive.com", "https://acme.pipedrive.com/", "https://acme.pipedrive.com/v1", "https://acme.pipedrive.com/v1/",
		"https://acme.pipedrive.com/api/v1", "https://acme.pipedrive.com/api/v1/", "https://acme.pipedrive.com/api/v2",
		"https://acme.pipedrive.com/api/v2/deals?limit=1", "https://acme.pipedrive.com/pipeline/1", "acme.pipedrive.com/deal/4471#notes",
		"http://acme.pipedrive.com", "http://acme.pipedrive.com:80", "https://acme.pipedrive.com:443/v1", "HTTPS://ACME.pipedrive.com",
		"<https://acme.pipedrive.com>", `"acme.pipedrive.com"`, "https://acme.pipedrive.com/settings/api?x=y\n",
	} {
		u, err := ParseURL(spelling)
		if err != nil || u.String() != "https://acme.pipedrive.com" || u.CompanyDomain() != "acme" || u.v1 != "/api/v1" {
			t.Errorf("%q: got %+v, %v", spelling, u, err)
		}
	}
}

func TestParseURLOfOtherHosts(t *testing.T) {
	for spelling, want := range map[string]URL{
		"https://api.pipedrive.com":           {base: "https://api.pipedrive.com", v1: "/v1"},
		"api.pipedrive.com/v1":                {base: "https://api.pipedrive.com", v1: "/v1"},
		"http://127.0.0.1:8181":               {base: "http://127.0.0.1:8181", v1: "/api/v1"},
		"127.0.0.1:8181/v1":                   {base: "http://127.0.0.1:8181", v1: "/api/v1"},
		"localhost:8181/api/v2/":              {base: "http://localhost:8181", v1: "/api/v1"},
		"localhost":                           {base: "http://localhost", v1: "/api/v1"},
		"[::1]:8181":                          {base: "http://[::1]:8181", v1: "/api/v1"},
		"https://proxy.example.com/crm/v1":    {base: "https://proxy.example.com/crm", v1: "/api/v1"},
		"proxy.example.com/crm/api/v2":        {base: "https://proxy.example.com/crm", v1: "/api/v1"},
		"http://sandbox:8181":                 {base: "http://sandbox:8181", v1: "/api/v1"},
		"https://acme.pipedrive.com.evil.com": {base: "https://acme.pipedrive.com.evil.com", v1: "/api/v1"},
	} {
		if got, err := ParseURL(spelling); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", spelling, got, err, want)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for spelling, say := range map[string]string{
		"":                                "empty",
		"  ":                              "empty",
		testToken:                         "token",
		"ftp://acme.pipedrive.com":        "https://",
		"https://":                        "no host",
		"https://me:hunter2@acme.example": "user name",
		"me:hunter2@acme.pipedrive.com":   "user name",
		"https://app.pipedrive.com/x":     "no company's address",
		"pipedrive.com":                   "no company's address",
		"www.pipedrive.com":               "no company's address",
		"https://a.b.pipedrive.com":       "no company's name",
		"https://ac_me.pipedrive.com":     "no company's name",
		"my company":                      "",
		"acme.pipedrive.com:8443":         "port 8443",
		"https://acme.example/%zz":        "cannot be read",
	} {
		u, err := ParseURL(spelling)
		if err == nil || !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), testToken) {
			t.Errorf("%q: got %+v, %v, want it to say %q", spelling, u, err, say)
		}
	}
}

func TestCheckToken(t *testing.T) {
	if err := CheckToken(testToken); err != nil {
		t.Error(err)
	}
	for token, say := range map[string]string{
		"":                                  "empty",
		testToken[:39]:                      "39 characters instead of 40",
		testToken + "0":                     "41 characters instead of 40",
		testToken + testToken:               "pasted twice",
		testToken + "\n":                    "white space",
		" " + testToken[:39]:                "39 characters are left",
		testToken[:39] + "%":                "letters and digits",
		testToken[:39] + "\u00e5":           "letters and digits",
		"https://acme.pipedrive.com/v1/xyz": "address",
	} {
		err := CheckToken(token)
		if err == nil || !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), testToken[:20]) {
			t.Errorf("%q: got %v, want it to say %q", token, err, say)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"acme", "https://acme.pipedrive.com/v1", "127.0.0.1:80", "[::1]:1/x", "http://a/b/api"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err != nil {
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again != u {
			t.Errorf("%q is %+v, and that is %+v, %v", s, u, again, err)
		}
		if u.CompanyDomain() != "" && u.String() != "https://"+u.CompanyDomain()+".pipedrive.com" {
			t.Errorf("%q: %+v", s, u)
		}
	})
}
