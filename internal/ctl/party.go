package ctl

import (
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// party is a workspace of Planhat or an account of Pipedrive.
type party struct{ vendor, name string }

// pipedrive is the other vendor's name in topics.
const pipedrive = "pipedrive"

// objects are those of the party's vendor.
func (n party) objects() []string {
	if n.vendor == pipedrive {
		return config.AccountObjects()
	}
	return objectNames()
}

// words are how the party is called for people: "workspace acme".
func (n party) words() string {
	if n.vendor == pipedrive {
		return "account " + n.name
	}
	return "workspace " + n.name
}

// everyObject are the names of both vendors' objects.
func everyObject() []string {
	all := objectNames()
	for _, o := range config.AccountObjects() {
		if !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all
}

func (e *environment) workspaces() (out []party) {
	for _, w := range e.config.Planhat {
		out = append(out, party{vendor, w.Name})
	}
	return out
}

func (e *environment) accounts() (out []party) {
	for _, a := range e.config.Pipedrive {
		out = append(out, party{pipedrive, a.Name})
	}
	return out
}

// one is the party meant: the account of --account, else the workspace, else where
// there are only accounts the account.
func (e *environment) one() (party, error) {
	meant, what, flag := e.workspaces(), "workspaces", "--workspace"
	if e.account != "" || len(meant) == 0 {
		meant, what, flag = e.accounts(), "accounts", "--account"
	}
	if len(meant) == 1 {
		return meant[0], nil
	}
	names := make([]string, len(meant))
	for i, n := range meant {
		names[i] = n.name
	}
	return party{}, usage("there are several %s (%s): say which with %s", what, strings.Join(names, ", "), flag)
}

// other is an account that has a topic of a short name, where one of Planhat's was meant.
func (e *environment) other(of party, short string) (party, bool) {
	accounts := e.accounts()
	if of.vendor == pipedrive || len(accounts) == 0 {
		return party{}, false
	}
	return accounts[0], slices.Contains(accounts[0].shortNames(), short)
}

// suffix is the short name of topics that are not of one object.
type suffix struct {
	name    string
	kind    kind
	vendors []string
	full    func(kafka.Names, party) string
}

var (
	ofPlanhat   = []string{vendor}
	ofPipedrive = []string{pipedrive}
	ofBoth      = []string{vendor, pipedrive}
)

var suffixes = []suffix{
	{"commands", kindCommands, ofPlanhat, func(n kafka.Names, t party) string { return n.Commands(t.vendor, t.name) }},
	{"webhooks", kindWebhooks, ofPipedrive, func(n kafka.Names, t party) string { return n.Webhooks(t.name) }},
	{"signals", kindJSON, ofBoth, func(n kafka.Names, _ party) string { return n.Signals() }},
	{"notifications", kindJSON, ofBoth, func(n kafka.Names, _ party) string { return n.Notifications() }},
	{"results", kindResults, ofPlanhat, func(n kafka.Names, t party) string { return n.Results(t.vendor, t.name) }},
	{"deadletters", kindDeadLetters, ofPlanhat, func(n kafka.Names, t party) string { return n.DeadLetters(t.vendor, t.name) }},
}

// shortNames are those of a party's topics.
func (n party) shortNames() []string {
	out := slices.Clone(n.objects())
	for _, s := range suffixes {
		if slices.Contains(s.vendors, n.vendor) {
			out = append(out, s.name)
		}
	}
	return out
}

// topics lists what a party's topics are called and hold, by their short names.
func (n party) topics(names kafka.Names) map[string]shownTopic {
	out := map[string]shownTopic{}
	for _, object := range n.objects() {
		out[object] = shownTopic{name: names.Changes(n.vendor, n.name, object), kind: kindChanges, vendor: n.vendor, object: object}
	}
	for _, s := range suffixes {
		if slices.Contains(s.vendors, n.vendor) {
			out[s.name] = shownTopic{name: s.full(names, n), kind: s.kind, vendor: n.vendor}
		}
	}
	return out
}

// named tells what a topic holds by its full name, of whichever party it is: whoever
// names a topic need not have its party configured.
func named(names kafka.Names, topic string) shownTopic {
	parts := strings.Split(strings.TrimPrefix(topic, names.Prefix), ".")
	if len(parts) < 3 || !slices.Contains(ofBoth, parts[0]) {
		return shownTopic{name: topic, kind: kindJSON}
	}
	for _, t := range (party{parts[0], parts[2]}).topics(names) {
		if t.name == topic {
			return t
		}
	}
	return shownTopic{name: topic, kind: kindJSON}
}
