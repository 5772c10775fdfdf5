package config

import (
	"reflect"
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
	return out
}

// workspaceNames are the names that are well spelt, each once.
func (l *loader) workspaceNames() []string {
	var names []string
	taken := map[string]string{}
	for _, name := range l.s.Workspaces {
		if !nameForm.MatchString(name) {
			l.addf("PLANHAT_WORKSPACES", "has %q, which is not a name; write 1 to 64 of a-z, 0-9 and -", name)
			continue
		}
		// Two names with one segment would share their variables. As names
		// are spelt now, that is the same name twice.
		if other, ok := taken[segment(name)]; ok {
			l.addf("PLANHAT_WORKSPACES", "has %q and %q, which have the same variables; take one away", other, name)
			continue
		}
		taken[segment(name)] = name
		names = append(names, name)
	}
	return names
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
		Name: name, BaseURL: string(s.BaseURL), CallsPerMinute: int(s.CallsPerMinute), CompanyIDs: s.CompanyIDs,
		Token:     l.secretFrom(prefix+"TOKEN", s.Token, s.TokenFile),
		Objects:   l.knownObjects(prefix+"OBJECTS", s.Objects),
		Freshness: l.freshness(prefix+"FRESHNESS", s.Freshness),
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

func workspaceSuffixes() []string {
	var out []string
	for f := range reflect.TypeFor[workspaceSettings]().Fields() {
		out = append(out, f.Tag.Get("env"))
	}
	return out
}
