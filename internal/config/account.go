package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// AccountObjects are the names of what is captured of a Pipedrive account.
func AccountObjects() []string { return []string{"deal", "organization", "person", "note", "pipeline"} }

// components are the parts of the source that this process runs.
func (l *loader) components() []string {
	all := []string{Poller, Webhook}
	var out []string
	for _, name := range l.s.Components {
		switch {
		case !slices.Contains(all, name):
			l.addf("SOURCE_COMPONENTS", "has %q, which is not a part of the source; write %s, or one of the two", name, strings.Join(all, ","))
		case slices.Contains(out, name):
			l.addf("SOURCE_COMPONENTS", "has %q twice; write it once", name)
		default:
			out = append(out, name)
		}
	}
	return out
}

// polls tells whether this process asks Pipedrive. It does where the parts are
// not known for a fault.
func (l *loader) polls() bool {
	return slices.Contains(l.s.Components, Poller) || !slices.Contains(l.s.Components, Webhook)
}

// accounts reads the settings of every account named.
func (l *loader) accounts() []Account {
	var out []Account
	for _, name := range l.named(accountKind, l.s.Accounts) {
		if l.namesOnly {
			out = append(out, Account{Name: name})
			continue
		}
		out = append(out, l.account(name))
	}
	if !l.namesOnly {
		l.oneAccountEach(out)
		l.somebodyTakes(out)
	}
	return out
}

func (l *loader) account(name string) Account {
	var s accountSettings
	prefix := accountKind.variable(name, "")
	parse(&s, prefix, &l.report)
	a := Account{
		Name: name, BaseURL: strings.TrimSpace(s.BaseURL), WebhookURL: l.webhookURL(prefix+"WEBHOOK_URL", name, string(s.WebhookURL)), WebhookUser: s.WebhookUser,
		Token:                   l.apiToken(prefix+"TOKEN", l.secretFrom(prefix+"TOKEN", s.Token, s.TokenFile)),
		WebhookPassword:         l.secretFrom(prefix+"WEBHOOK_PASSWORD", s.WebhookPassword, s.WebhookPasswordFile),
		WebhookPasswordPrevious: l.secretBy(OptionalFileSecret, prefix+"WEBHOOK_PASSWORD_PREVIOUS", s.WebhookPrevious, s.WebhookPreviousFile),
		Objects:                 l.knownObjects(prefix+"OBJECTS", s.Objects, AccountObjects()),
		ReconcileInterval:       time.Duration(s.ReconcileInterval), SweepInterval: time.Duration(s.SweepInterval),
		RequestsPer2s: int(s.RequestsPer2s), DailyTokenShare: float64(s.DailyTokenShare),
		DeleteGuard: l.deleteGuard(prefix+"DELETE_GUARD", s.DeleteGuard),
	}
	l.company(prefix+"BASE_URL", a.BaseURL)
	if l.polls() {
		l.needs(!a.Token.IsSet(), prefix+"TOKEN", "the account "+name+" has no token, here or in "+l.written(prefix+"TOKEN_FILE"))
		l.needs(a.BaseURL == "", prefix+"BASE_URL", "the account "+name+" has no address of its company, such as acme.pipedrive.com")
	}
	l.webhookLogin(prefix, a)
	return a
}

// company checks an address. Tokens are pasted into the wrong place: they are not
// shown there either.
func (l *loader) company(variable, text string) {
	err := checkCompany(text)
	switch {
	case text == "" || err == nil:
	case pipedrive.CheckToken(text) == nil:
		l.addBaref(variable, "cannot be meant: %v", err)
	default:
		l.addf(variable, "cannot be meant: %v", err)
	}
}

// webhookLogin holds user and password together, and to the address that is told
// to Pipedrive: it sends nothing else that would tell its webhooks from others'.
func (l *loader) webhookLogin(prefix string, a Account) {
	given := l.env[prefix+"WEBHOOK_URL"] != "" || a.WebhookUser != "" || a.WebhookPassword.IsSet() || a.WebhookPasswordPrevious.IsSet()
	l.needsLogin(prefix, a, given)
	if strings.Contains(a.WebhookUser, ":") || strings.ContainsFunc(a.WebhookUser, unicode.IsControl) {
		l.addf(prefix+"WEBHOOK_USER", "has a colon or a control character, which basic authentication cannot carry in a user; write a name without it")
	}
}

func (l *loader) needsLogin(prefix string, a Account, needed bool) {
	why := "webhooks of the account " + a.Name + " are known by a user and a password"
	l.needs(needed && a.WebhookUser == "", prefix+"WEBHOOK_USER", why)
	l.needs(needed && !a.WebhookPassword.IsSet(), prefix+"WEBHOOK_PASSWORD", why+", here or in "+l.written(prefix+"WEBHOOK_PASSWORD_FILE"))
}

// somebodyTakes refuses a process that only takes webhooks, and those of nobody.
func (l *loader) somebodyTakes(accounts []Account) {
	if l.polls() || slices.ContainsFunc(accounts, Account.Takes) {
		return
	}
	if len(accounts) == 0 && l.clean(accountKind.list) {
		l.addf("SOURCE_COMPONENTS", "runs the webhook part alone, and there is no account that it could take webhooks for; name one in %s, or add %s", accountKind.list, Poller)
	}
	for _, a := range accounts {
		l.needsLogin(accountKind.variable(a.Name, ""), a, true)
	}
}

// oneAccountEach refuses what two accounts cannot share: a token belongs to one
// user of one company, and an address is one account's.
func (l *loader) oneAccountEach(accounts []Account) {
	for i, a := range accounts {
		for _, other := range accounts[:i] {
			if a.Token.IsSet() && a.Token.Current() == other.Token.Current() {
				l.addBaref(origin(accountKind.variable(a.Name, "TOKEN"), a.Token), "gives the token of account %s too: its requests would be spent twice, "+
					"and one company be two accounts; give %s a token of its own company, or take it out of %s", other.Name, a.Name, accountKind.list)
			}
			if a.WebhookURL != "" && sameAddress(a.WebhookURL, other.WebhookURL) {
				l.addf(accountKind.variable(a.Name, "WEBHOOK_URL"), "is the address of account %s too, so that webhooks of one would be taken for the other's; "+
					"write an address for each, such as one that ends in /pipedrive/%s", other.Name, a.Name)
			}
		}
	}
}

// apiToken refuses what cannot be a token: Pipedrive would only say 401.
func (l *loader) apiToken(variable string, s *Secret) *Secret {
	if !s.IsSet() {
		return s
	}
	if err := pipedrive.CheckToken(s.Current()); err != nil {
		l.addf(origin(variable, s), "cannot be a token of Pipedrive: %v", err)
	}
	return s
}

// webhookURL is the whole address that Pipedrive shall call: a host alone gets
// the intake's own path, any other path is somebody's ingress.
func (l *loader) webhookURL(variable, account, text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil: // not after parseURL
		l.addf(variable, "is not an address; write it with https:// and a host")
	case underPipedrive(u.Hostname()):
		l.addf(variable, "is an address of Pipedrive's own, which takes no webhooks; write the public address under which the source is reached")
	case u.Scheme != "https" && !loopback(u.Hostname()):
		l.addf(variable, "is not https, so that its password and the records would be sent in the clear; write https://, with a certificate that is not self-signed")
	case u.Path == "":
		return text + "/pipedrive/" + account
	}
	return text
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
