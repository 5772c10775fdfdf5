package doctor

import (
	"errors"
	"fmt"
	"strings"
)

// Level is how bad a check's outcome is.
type Level string

// The levels. Only Fail makes a report bad.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "FAIL"
)

// Check is what one check found: a line of the report.
type Check struct {
	Level     Level             `json:"level"`
	Area      string            `json:"area"` // configuration, kafka, registry, planhat, pipedrive, source, sink, calls
	Workspace string            `json:"workspace,omitempty"`
	Account   string            `json:"account,omitempty"`
	Name      string            `json:"check"`
	Message   string            `json:"message"`
	Remedy    string            `json:"remedy,omitempty"`  // of what is not ok
	Objects   map[string]string `json:"objects,omitempty"` // what the token may read
}

// String is the check on one line.
func (c Check) String() string {
	subject := c.Area
	if tenant := c.Workspace + c.Account; tenant != "" {
		subject += " " + tenant
	}
	text := fmt.Sprintf("%-4s  %s %s: %s", c.Level, subject, c.Name, c.Message)
	if c.Remedy != "" {
		text += "; remedy: " + c.Remedy
	}
	return text
}

// Report counts what was found.
type Report struct {
	OK, Warnings, Failures int
	Unreachable            bool // something did not answer
}

// examiner collects checks and keeps secrets out of them.
type examiner struct {
	Options
	report  Report
	secrets *strings.Replacer
}

// minSecret is the length from which a secret is replaced wherever it stands;
// a shorter one would take words and numbers apart.
const minSecret = 4

func newExaminer(o Options) *examiner {
	var pairs []string
	for _, s := range o.Config.Secrets() {
		if len(s) >= minSecret {
			pairs = append(pairs, s, "******")
		}
	}
	return &examiner{Options: o, secrets: strings.NewReplacer(pairs...)}
}

func (x *examiner) add(c Check) {
	c.Message, c.Remedy = x.clean(c.Message), x.clean(c.Remedy)
	switch c.Level {
	case OK:
		x.report.OK++
	case Warn:
		x.report.Warnings++
	case Fail:
		x.report.Failures++
	}
	x.Emit(c)
}

// clean makes one line without secrets.
func (x *examiner) clean(text string) string {
	return x.secrets.Replace(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}

// part adds checks of one area.
type part struct {
	x         *examiner
	area      string
	workspace string
	account   string
}

func (p part) putf(level Level, name, remedy, format string, args ...any) {
	p.x.add(Check{Level: level, Area: p.area, Workspace: p.workspace, Account: p.account, Name: name, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (p part) okf(name, format string, args ...any) { p.putf(OK, name, "", format, args...) }

func (p part) warnf(name, remedy, format string, args ...any) {
	p.putf(Warn, name, remedy, format, args...)
}

func (p part) failf(name, remedy, format string, args ...any) {
	p.putf(Fail, name, remedy, format, args...)
}

// away is a failure of something that does not answer.
func (p part) away(name, remedy string, err error) {
	p.x.report.Unreachable = true
	p.failf(name, remedy, "%v", err)
}

// isAny reports whether an error is one of several.
func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// some shows at most a handful of names.
func some(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
