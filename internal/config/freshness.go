package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// anyObject is the name that stands for every object not named.
const anyObject = "*"

// Freshness says how old the bridge's picture of an object may become. It is
// written "company:60s,*:15m". The zero value is the same as "*:15m".
type Freshness struct {
	byObject map[string]time.Duration
}

const (
	defaultFreshness     = "company:60s,enduser:60s,task:60s,conversation:60s,note:60s,*:15m"
	otherFreshness       = 15 * time.Minute
	minFreshness         = time.Second
	freshnessExplanation = "write object:duration pairs such as company:60s,*:15m"
)

// For is the target for an object.
func (f Freshness) For(object string) time.Duration {
	if d, ok := f.byObject[object]; ok {
		return d
	}
	if d, ok := f.byObject[anyObject]; ok {
		return d
	}
	return otherFreshness
}

// String is the spelling that ParseFreshness reads, sorted by name, "*" last.
func (f Freshness) String() string {
	names := f.names()
	if _, ok := f.byObject[anyObject]; ok {
		names = append(names, anyObject)
	}
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = name + ":" + f.byObject[name].String()
	}
	return strings.Join(pairs, ",")
}

// MarshalText is String.
func (f Freshness) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// ParseFreshness reads "company:60s,*:15m". Spaces around the parts do not
// matter; a name given twice and a duration below one second are errors. It
// does not know which objects there are.
func ParseFreshness(text string) (Freshness, error) {
	f := Freshness{byObject: map[string]time.Duration{}}
	for _, pair := range splitList(text) {
		name, value, ok := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			return Freshness{}, fmt.Errorf("%q is not an object and a duration", pair)
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			return Freshness{}, fmt.Errorf("%q is not a duration for %s", value, name)
		}
		if d < minFreshness {
			return Freshness{}, fmt.Errorf("%s for %s is shorter than %s", value, name, minFreshness)
		}
		if _, twice := f.byObject[name]; twice {
			return Freshness{}, fmt.Errorf("%s is given twice", name)
		}
		f.byObject[name] = d
	}
	return f, nil
}

// names are the objects named, without "*", sorted.
func (f Freshness) names() []string {
	out := slices.Sorted(maps.Keys(f.byObject))
	return slices.DeleteFunc(out, func(n string) bool { return n == anyObject })
}

// splitList splits at commas, trims each part and drops empty ones.
func splitList(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
