package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// ownPrefixes are the beginnings under which every name must be known.
var ownPrefixes = []string{
	"PLANHAT_", "KAFKA_", "SCHEMA_REGISTRY_", "SCHEMA_", "TOPIC_", "SOURCE_", "SINK_", "SHARD_", "BRIDGE_", "ADMIN_", "PIPEDRIVE_",
	"WEBHOOK_AD", // WEBHOOK_URL may well be somebody else's
}

// Kubernetes puts variables for every service of the namespace into every pod;
// a service called kafka or planhat-bridge gives names below our prefixes.
// NAME_PORT alone could be somebody's own idea; the value tells.
var (
	serviceForm = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	servicePort = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

func injected(name, value string) bool {
	return serviceForm.MatchString(name) || strings.HasSuffix(name, "_PORT") && servicePort.MatchString(value)
}

// unknown reports names below our prefixes that mean nothing. Their values are
// not shown: they may be misspelt secrets.
func (l *loader) unknown() {
	known := l.known()
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if !below(name) || slices.Contains(known, name) || injected(name, l.env[name]) {
			continue
		}
		l.addBaref(name, "is not a variable of this product; %s", advice(name, known))
	}
}

func below(name string) bool {
	return slices.ContainsFunc(ownPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// advice names the nearest variable, and the list of workspaces or accounts where
// the name is spelt like a setting of one that is not listed.
func advice(name string, known []string) string {
	near := nearest(name, known)
	if list := unlisted(name); list != "" {
		if near == "" {
			return "to use it, " + list
		}
		return "did you mean " + near + "? If not, " + list
	}
	if near != "" {
		return "did you mean " + near + "?"
	}
	return "take it away, or see the list of variables in docs/configuration.md"
}

// unlisted says whom to list for a name that is spelt like somebody's setting.
func unlisted(name string) string {
	for _, k := range kinds {
		rest, ok := strings.CutPrefix(name, k.prefix)
		if !ok {
			continue
		}
		for _, suffix := range k.suffixes() {
			if owner, ok := strings.CutSuffix(rest, "_"+suffix); ok && owner != "" {
				return "add " + strings.ToLower(strings.ReplaceAll(owner, "_", "-")) + " to " + k.list
			}
		}
	}
	return ""
}

// known are all names that mean something under these settings.
func (l *loader) known() []string {
	var out []string
	for f := range reflect.TypeFor[settings]().Fields() {
		out = append(out, f.Tag.Get("env"))
	}
	for _, k := range kinds {
		listed := l.s.Workspaces
		if k.list == accountKind.list {
			listed = l.s.Accounts
		}
		for _, suffix := range k.suffixes() {
			out = append(out, k.prefix+suffix)
			for _, name := range listed {
				out = append(out, k.variable(name, suffix))
			}
		}
	}
	return out
}

// nearest is the name with the fewest changes, if they are few for its length.
func nearest(name string, names []string) string {
	best, least := "", max(1, len(name)/5)+1
	for _, n := range names {
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
