package config

import (
	"maps"
	"slices"
)

// Given is a variable of the product that is set.
type Given struct {
	Name  string
	Value string // masked where it is or may be a secret
}

// GivenIn lists the variables below the product's prefixes, and the others that
// mean something to it, that are set in an environment, by name. It is for
// people: long values are cut, and that of an unknown name, which may be a
// misspelt secret, is masked.
func GivenIn(environ []string) []Given {
	l := loader{report: newReport(environ)}
	parse(&l.s, "", &l.report)
	known := l.known()
	var out []Given
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		value, means := l.env[name], slices.Contains(known, name)
		switch {
		case value == "", injected(name, value), !below(name) && !means:
			continue
		case means:
			value = l.shown(name)
		default:
			value = masked
		}
		out = append(out, Given{Name: name, Value: value})
	}
	return out
}

// Variable is the full name of a setting of a workspace: its last word, such as
// TOKEN, behind the prefix of the workspace.
func Variable(workspace, setting string) string { return workspaceKind.variable(workspace, setting) }

// AccountVariable is the same for an account of Pipedrive.
func AccountVariable(account, setting string) string { return accountKind.variable(account, setting) }

// Secrets are the values in force of every secret of a configuration, for those
// who must keep them out of what they print.
func (c Config) Secrets() []string {
	all := []*Secret{c.Kafka.SASL.Password, c.Kafka.SASL.OAuth.ClientSecret, c.Registry.Password, c.Registry.Token}
	for _, w := range c.Planhat {
		all = append(all, w.Token)
	}
	for _, a := range c.Pipedrive {
		all = append(all, a.Token, a.WebhookPassword, a.WebhookPasswordPrevious)
	}
	var out []string
	for _, s := range all {
		if v := s.Current(); v != "" {
			out = append(out, v)
		}
	}
	return out
}
