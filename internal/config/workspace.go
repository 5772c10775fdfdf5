package config

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// workspaces reads the settings of every workspace named.
func (l *loader) workspaces() []Workspace {
	var out []Workspace
	for _, name := range l.named(workspaceKind, l.s.Workspaces) {
		if l.namesOnly {
			out = append(out, Workspace{Name: name})
			continue
		}
		out = append(out, l.workspace(name))
	}
	l.ownTokens(out)
	return out
}

// ownTokens refuses a token that two workspaces share. The vendor counts its
// calls once, while each workspace would spend a budget of its own; and both
// would be the same tenant, captured and written to twice.
func (l *loader) ownTokens(workspaces []Workspace) {
	for i, w := range workspaces {
		for _, other := range workspaces[:i] {
			if w.Token.IsSet() && other.Token.IsSet() && sameAddress(w.BaseURL, other.BaseURL) && w.Token.Current() == other.Token.Current() {
				l.addBaref(origin(workspaceKind.variable(w.Name, "TOKEN"), w.Token), "gives the token of workspace %s too, at the same address: its calls would be spent twice, "+
					"and one tenant be two workspaces; give %s a token of its own tenant, or take it out of PLANHAT_WORKSPACES", other.Name, w.Name)
				break
			}
		}
	}
}

// sameAddress compares two base URLs as the network does: the case of scheme
// and host and a default port make no difference.
func sameAddress(a, b string) bool {
	return plainAddress(a) == plainAddress(b)
}

func plainAddress(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	scheme := strings.ToLower(u.Scheme)
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(host, port) + strings.TrimRight(u.Path, "/")
}

func (l *loader) workspace(name string) Workspace {
	var s workspaceSettings
	prefix := workspaceKind.variable(name, "")
	parse(&s, prefix, &l.report)
	w := Workspace{
		Name: name, BaseURL: string(s.BaseURL), CallsPerMinute: int(s.CallsPerMinute), CompanyIDs: l.companyIDs(prefix+"COMPANY_IDS", s.CompanyIDs),
		Token:       l.secretFrom(prefix+"TOKEN", s.Token, s.TokenFile),
		Objects:     l.knownObjects(prefix+"OBJECTS", s.Objects, l.objects),
		Freshness:   l.freshness(prefix+"FRESHNESS", s.Freshness),
		DeleteGuard: l.deleteGuard(prefix+"DELETE_GUARD", s.DeleteGuard),
	}
	l.needs(l.polls() && !w.Token.IsSet(), prefix+"TOKEN", "the workspace "+name+" has no token, here or in "+l.written(prefix+"TOKEN_FILE"))
	return w
}

// companyIDForm is that of all ids of Planhat.
var companyIDForm = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)

// companyIDs refuses what selects nothing: Planhat would list no record of it.
func (l *loader) companyIDs(variable string, ids []string) []string {
	for i, id := range ids {
		switch {
		case !companyIDForm.MatchString(id):
			l.addf(variable, "has %q, which is not an id of Planhat; write the _id of a company, 24 hexadecimal digits (planhatctl sample company shows one)", id)
		case slices.Index(ids, id) != i:
			l.addf(variable, "has %q twice; write it once", id)
		}
	}
	return ids
}

// freshness checks the names too, unless the text is the default, which names
// objects that may not be there.
func (l *loader) freshness(variable, text string) Freshness {
	f, err := ParseFreshness(text)
	if err != nil {
		l.addf(variable, "cannot be read: %v; %s", err, freshnessExplanation)
		return Freshness{}
	}
	if l.env[variable] == "" {
		return f
	}
	for _, name := range f.names() {
		if !slices.Contains(l.objects, name) {
			l.addf(variable, "has %q, which is not an object; %s", name, objectAdvice(name, l.objects))
		}
	}
	return f
}
