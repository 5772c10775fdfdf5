package config

import (
	"net"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const planhatPrefix = "PLANHAT_"

// segment is how a workspace's name is written inside of variables.
func segment(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// workspaces reads the settings of every workspace named. The only workspace
// may be written without its name.
func (l *loader) workspaces() []Workspace {
	names := l.workspaceNames()
	if len(names) == 1 {
		l.rename(names[0])
	} else {
		l.refuseUnnamed(names)
	}
	var out []Workspace
	for _, name := range names {
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
				l.addBaref(tokenVariable(w), "gives the token of workspace %s too, at the same address: its calls would be spent twice, "+
					"and one tenant be two workspaces; give %s a token of its own tenant, or take it out of PLANHAT_WORKSPACES", other.Name, w.Name)
				break
			}
		}
	}
}

// tokenVariable is where a workspace's token was taken from.
func tokenVariable(w Workspace) string {
	variable := planhatPrefix + segment(w.Name) + "_TOKEN"
	if w.Token.Origin() != "" {
		variable += "_FILE"
	}
	return variable
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

// workspaceNames are the names that are well spelt, each once.
func (l *loader) workspaceNames() []string {
	var names []string
	taken := map[string]bool{}
	for _, name := range l.s.Workspaces {
		if !workspaceForm.MatchString(name) {
			l.addf("PLANHAT_WORKSPACES", "has %q, which is not a name; write %s%s", name, workspaceSpelling, l.respelt(name))
			continue
		}
		// Legal names differ in their variables: only - becomes _ there.
		if taken[name] {
			l.addf("PLANHAT_WORKSPACES", "has %q twice; take one away", name)
			continue
		}
		taken[name] = true
		names = append(names, name)
	}
	return names
}

// workspaceForm is what a name may be: it is part of topic names as it is, and
// of variables in capitals with _ for -.
var workspaceForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

const workspaceSpelling = "1 to 64 of a-z, 0-9 and -, with a letter or digit first and last"

// respelt suggests the legal name nearest to what was written, unless that is
// a workspace already: then the two would have the same variables.
func (l *loader) respelt(name string) string {
	legal := strings.Trim(strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r == ' ' {
			return '-'
		}
		return r
	}, name)), "-")
	switch {
	case !workspaceForm.MatchString(legal):
		return ""
	case slices.Contains(l.s.Workspaces, legal):
		return "; it would have the variables of " + legal + ", which is there too"
	}
	return "; did you mean " + legal + "?"
}

// rename reads PLANHAT_TOKEN as PLANHAT_<NAME>_TOKEN for the only workspace.
// Faults name the variable as it was written.
func (l *loader) rename(name string) {
	for _, suffix := range workspaceSuffixes() {
		short, long := planhatPrefix+suffix, planhatPrefix+segment(name)+"_"+suffix
		if l.env[long] == "" {
			l.alias[long] = short
			l.env[long] = l.env[short]
		} else if l.env[short] != "" {
			l.addf(long, "is given twice, here and as %s; keep one of them", short)
		}
	}
}

func (l *loader) refuseUnnamed(names []string) {
	for _, suffix := range workspaceSuffixes() {
		if short := planhatPrefix + suffix; l.env[short] != "" && len(names) > 0 {
			l.addf(short, "does not say which of the %d workspaces it is for; write %s%s_%s", len(names), planhatPrefix, segment(names[0]), suffix)
		}
	}
}

func (l *loader) workspace(name string) Workspace {
	var s workspaceSettings
	prefix := planhatPrefix + segment(name) + "_"
	parse(&s, prefix, &l.report)
	w := Workspace{
		Name: name, BaseURL: string(s.BaseURL), CallsPerMinute: int(s.CallsPerMinute), CompanyIDs: l.companyIDs(prefix+"COMPANY_IDS", s.CompanyIDs),
		Token:       l.secretFrom(prefix+"TOKEN", s.Token, s.TokenFile),
		Objects:     l.knownObjects(prefix+"OBJECTS", s.Objects),
		Freshness:   l.freshness(prefix+"FRESHNESS", s.Freshness),
		DeleteGuard: l.deleteGuard(prefix+"DELETE_GUARD", s.DeleteGuard),
	}
	l.needs(!w.Token.IsSet(), prefix+"TOKEN", "the workspace "+name+" has no token, here or in "+l.written(prefix+"TOKEN_FILE"))
	return w
}

func (l *loader) knownObjects(variable string, names []string) []string {
	for i, name := range names {
		if !slices.Contains(l.objects, name) {
			l.addf(variable, "has %q, which is not an object; %s", name, l.objectAdvice(name))
		}
		if slices.Index(names, name) != i {
			l.addf(variable, "has %q twice; write it once", name)
		}
	}
	return names
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

func (l *loader) objectAdvice(name string) string {
	if near := nearest(name, l.objects); near != "" {
		return "did you mean " + near + "?"
	}
	return "write some of " + strings.Join(l.objects, ", ")
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
			l.addf(variable, "has %q, which is not an object; %s", name, l.objectAdvice(name))
		}
	}
	return f
}

func (l *loader) deleteGuard(variable, text string) DeleteGuard {
	g, err := ParseDeleteGuard(text)
	if err != nil {
		l.addf(variable, "cannot be read: %v; %s", err, deleteGuardExplanation)
	}
	return g
}

func workspaceSuffixes() []string {
	var out []string
	for f := range reflect.TypeFor[workspaceSettings]().Fields() {
		out = append(out, f.Tag.Get("env"))
	}
	return out
}
