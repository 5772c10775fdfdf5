package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with one variable.
type Fault struct {
	Variable string
	Value    string // as given, masked where it may be secret; empty: not set
	Problem  string // what is wrong and what to write instead
}

func (f Fault) Error() string {
	if f.Value == "" {
		return f.Variable + ": " + f.Problem
	}
	return fmt.Sprintf("%s=%q: %s", f.Variable, f.Value, f.Problem)
}

// Faults is the error of Load: everything wrong, sorted by variable.
type Faults []Fault

func (fs Faults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bad configuration, %d faults:", len(fs))
	if len(fs) == 1 {
		b.Reset()
		b.WriteString("bad configuration, 1 fault:")
	}
	for _, f := range fs {
		b.WriteString("\n  " + f.Error())
	}
	return b.String()
}

// maxShown is how much of a bad value is shown.
const maxShown = 80

// report collects faults. Values are looked up and masked here and nowhere
// else.
type report struct {
	env    map[string]string
	alias  map[string]string // variable -> how it was written, where that differs
	faults Faults
}

func newReport(environ []string) report {
	return report{env: toMap(environ), alias: map[string]string{}}
}

// toMap is the environment by name; of doubles the last counts.
func toMap(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			out[name] = value
		}
	}
	return out
}

func (r *report) written(variable string) string {
	if short, ok := r.alias[variable]; ok {
		return short
	}
	return variable
}

// clean tells whether nothing is wrong with a variable so far.
func (r *report) clean(variable string) bool {
	return !slices.ContainsFunc(r.faults, func(f Fault) bool { return f.Variable == r.written(variable) })
}

func (r *report) addf(variable, format string, args ...any) {
	r.faults = append(r.faults, Fault{Variable: r.written(variable), Value: r.shown(variable), Problem: fmt.Sprintf(format, args...)})
}

// addBaref does not show the value at all.
func (r *report) addBaref(variable, format string, args ...any) {
	r.faults = append(r.faults, Fault{Variable: r.written(variable), Problem: fmt.Sprintf(format, args...)})
}

func (r *report) shown(variable string) string {
	value := r.env[variable]
	switch {
	case value == "":
		return ""
	case secretName(variable), strings.Contains(value, "@"), strings.Contains(value, tokenInQuery): // user:password@host
		return masked
	case len(value) > maxShown:
		return strings.ToValidUTF8(value[:maxShown], "") + "..."
	}
	return value
}

// secretName errs on the side of hiding: misspelt variables count too.
func secretName(variable string) bool {
	for _, word := range []string{"TOKEN", "PASS", "SECRET", "KEY"} {
		if strings.Contains(variable, word) {
			return !strings.HasSuffix(variable, "_FILE") && !strings.HasSuffix(variable, "_URL") && !strings.HasSuffix(variable, "_SHARE")
		}
	}
	return false
}

// err is the sorted Faults, or nil.
func (r *report) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Compare(a.Variable, b.Variable) })
	return slices.Clip(r.faults)
}
