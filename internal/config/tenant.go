package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// kind is what workspaces and accounts have in common: a list of names in one
// variable, and for each name the same settings behind a prefix of its own. The
// only one of a kind may be written without its name.
type kind struct {
	noun     string // "workspace"
	prefix   string // of every variable of the kind
	list     string // the variable that lists the names
	settings reflect.Type
}

var (
	workspaceKind = kind{noun: "workspace", prefix: "PLANHAT_", list: "PLANHAT_WORKSPACES", settings: reflect.TypeFor[workspaceSettings]()}
	accountKind   = kind{noun: "account", prefix: "PIPEDRIVE_", list: "PIPEDRIVE_ACCOUNTS", settings: reflect.TypeFor[accountSettings]()}
	kinds         = []kind{workspaceKind, accountKind}
)

// variable is the full name of a setting of one that is named.
func (k kind) variable(name, suffix string) string { return k.prefix + segment(name) + "_" + suffix }

// segment is how a name is written inside of variables.
func segment(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// suffixes are the last words of the settings.
func (k kind) suffixes() []string {
	var out []string
	for f := range k.settings.Fields() {
		out = append(out, f.Tag.Get("env"))
	}
	return out
}

// named reads the names of a kind and makes each setting of the only one
// readable under its full name. Names that are no names are reported and left out.
func (l *loader) named(k kind, list []string) []string {
	names := l.names(k, list)
	if len(names) == 1 {
		l.rename(k, names[0])
	} else {
		l.refuseUnnamed(k, names)
	}
	return names
}

// names are those that are well spelt, each once.
func (l *loader) names(k kind, list []string) []string {
	var names []string
	taken := map[string]bool{}
	for _, name := range list {
		if !tenantForm.MatchString(name) {
			l.addf(k.list, "has %q, which is not a name; write %s%s", name, tenantSpelling, respelt(name, list))
			continue
		}
		// Legal names differ in their variables: only - becomes _ there.
		if taken[name] {
			l.addf(k.list, "has %q twice; take one away", name)
			continue
		}
		taken[name] = true
		names = append(names, name)
	}
	return names
}

// tenantForm is what a name may be: it is part of topic names as it is, and of
// variables in capitals with _ for -.
var tenantForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

const tenantSpelling = "1 to 64 of a-z, 0-9 and -, with a letter or digit first and last"

// respelt suggests the legal name nearest to what was written, unless that is
// in the list already: then the two would have the same variables.
func respelt(name string, list []string) string {
	legal := strings.Trim(strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r == ' ' {
			return '-'
		}
		return r
	}, name)), "-")
	switch {
	case !tenantForm.MatchString(legal):
		return ""
	case slices.Contains(list, legal):
		return "; it would have the variables of " + legal + ", which is there too"
	}
	return "; did you mean " + legal + "?"
}

// rename reads PLANHAT_TOKEN as PLANHAT_<NAME>_TOKEN for the only workspace.
// Faults name the variable as it was written.
func (l *loader) rename(k kind, name string) {
	for _, suffix := range k.suffixes() {
		short, long := k.prefix+suffix, k.variable(name, suffix)
		if l.env[long] == "" {
			l.alias[long] = short
			l.env[long] = l.env[short]
		} else if l.env[short] != "" {
			l.addf(long, "is given twice, here and as %s; keep one of them", short)
		}
	}
}

// refuseUnnamed reports settings without a name where there is not exactly one
// that they could be for. Where the list itself is wrong, that is said already.
func (l *loader) refuseUnnamed(k kind, names []string) {
	for _, suffix := range k.suffixes() {
		short := k.prefix + suffix
		switch {
		case l.env[short] == "":
		case len(names) > 0:
			l.addf(short, "does not say which of the %d %ss it is for; write %s", len(names), k.noun, k.variable(names[0], suffix))
		case l.clean(k.list):
			l.addf(short, "has no effect: there is no %s; name one in %s, or take this away", k.noun, k.list)
		}
	}
}

// knownObjects checks names of objects against those that there are.
func (l *loader) knownObjects(variable string, names, objects []string) []string {
	for i, name := range names {
		if !slices.Contains(objects, name) {
			l.addf(variable, "has %q, which is not an object; %s", name, objectAdvice(name, objects))
		}
		if slices.Index(names, name) != i {
			l.addf(variable, "has %q twice; write it once", name)
		}
	}
	return names
}

func objectAdvice(name string, objects []string) string {
	if near := nearest(name, objects); near != "" {
		return "did you mean " + near + "?"
	}
	return "write some of " + strings.Join(objects, ", ")
}

func (l *loader) deleteGuard(variable, text string) DeleteGuard {
	g, err := ParseDeleteGuard(text)
	if err != nil {
		l.addf(variable, "cannot be read: %v; %s", err, deleteGuardExplanation)
	}
	return g
}

// origin is the variable that a secret was taken from.
func origin(variable string, s *Secret) string {
	if s.Origin() != "" {
		return variable + "_FILE"
	}
	return variable
}
