package pipedrive

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	pipedriveHost = "pipedrive.com"
	genericHost   = "api." + pipedriveHost // for every company
)

// URL is where the API of a company is called. It is made by [ParseURL].
type URL struct {
	base    string // scheme, host and perhaps the path of a proxy, without a slash at its end
	company string // label before .pipedrive.com; "": another host, or the generic one
	v1      string // path of version 1 below the base
}

// String returns the address without the path of a version: "https://acme.pipedrive.com".
func (u URL) String() string { return u.base }

// CompanyDomain returns the company that the address names, as users/me spells it;
// "" where it names none: a proxy, a simulator, api.pipedrive.com.
func (u URL) CompanyDomain() string { return u.company }

// otherHosts of Pipedrive are no company's.
var otherHosts = []string{"app", "www", "oauth", "developers", "support", "community", "marketplace", "status", "help"}

var companyLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ParseURL reads a company's address in every spelling that people paste: "acme",
// "acme.pipedrive.com", with or without https://, with /v1, /api/v1 or /api/v2 at its end
// or the path of a page. A host outside pipedrive.com, such as a proxy or a simulator,
// keeps its scheme and the path before the API's. Errors do not repeat what was
// pasted, which may hold a password or the token.
func ParseURL(s string) (URL, error) {
	s = strings.Trim(s, " \t\r\n\"'<>")
	switch {
	case s == "":
		return URL{}, errors.New("the company URL is empty; give the address of any page, such as https://acme.pipedrive.com")
	case len(s) == tokenLength && strings.Trim(strings.ToLower(s), "0123456789abcdef") == "":
		return URL{}, errors.New("the company URL looks like an API token; were the two mixed up?")
	}
	if !strings.Contains(s, "://") {
		s = withScheme(s)
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return URL{}, errors.New("the company URL cannot be read; give one such as https://acme.pipedrive.com")
	case u.Scheme != "https" && u.Scheme != "http":
		return URL{}, fmt.Errorf("the company URL starts with %q, want https://", u.Scheme+":")
	case u.User != nil:
		return URL{}, errors.New("the company URL holds a user name; the token is given apart")
	case u.Hostname() == "":
		return URL{}, errors.New("the company URL has no host")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == pipedriveHost || strings.HasSuffix(host, "."+pipedriveHost) {
		return companyURL(host, u.Port())
	}
	return otherURL(u), nil
}

// withScheme completes what has no scheme. A word without dots is a company's name.
func withScheme(s string) string {
	end := strings.IndexAny(s, "/?#")
	if end < 0 {
		end = len(s)
	}
	host, rest := s[:end], s[end:]
	switch {
	case isLoopback(host):
		return "http://" + s
	case !strings.ContainsAny(host, ".:@"):
		return "https://" + host + "." + pipedriveHost + rest
	}
	return "https://" + s
}

// isLoopback reports whether a host, perhaps with a port, is this machine.
func isLoopback(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	if strings.EqualFold(host, "localhost") || host == "[" { // [::1]
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func companyURL(host, port string) (URL, error) {
	company := strings.TrimSuffix(strings.TrimSuffix(host, pipedriveHost), ".")
	switch {
	case company == "" || slices.Contains(otherHosts, company):
		return URL{}, fmt.Errorf("%s is no company's address; open any page of Pipedrive after logging in and copy the address, such as https://acme.pipedrive.com", host)
	case host == genericHost:
		return URL{base: "https://" + genericHost, v1: "/v1"}, nil
	case !companyLabel.MatchString(company):
		return URL{}, fmt.Errorf("%q is no company's name; the address looks like https://acme.pipedrive.com", company)
	case port != "" && port != "443" && port != "80":
		return URL{}, fmt.Errorf("the company URL names port %s; Pipedrive is reached without one", port)
	}
	return URL{base: "https://" + host, company: company, v1: "/api/v1"}, nil
}

// otherURL keeps scheme, host and what stands before the API's own path.
func otherURL(u *url.URL) URL {
	var kept []string
	for part := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		if part == "api" || part == "v1" || part == "v2" || part == "" {
			break
		}
		kept = append(kept, part)
	}
	base := strings.TrimSuffix(u.Scheme+"://"+strings.ToLower(u.Host)+"/"+strings.Join(kept, "/"), "/")
	return URL{base: base, v1: "/api/v1"}
}
