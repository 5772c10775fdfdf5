package hooks

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// Every is how often webhooks are looked at: a look costs 10 tokens of the daily budget.
const Every = 10 * time.Minute

// Wanted is what an account's webhooks should be.
type Wanted struct {
	URL            string   // where they deliver; "": there should be none
	User, Password string   // what they authenticate with
	Objects        []string // one webhook for each: "deal", ...
	UserID         int64    // whose permissions filter the events; 0: the token's user
	Bridge         string   // both name the webhooks
	Account        string
}

// Every webhook tells of every action, in the one version that is understood best.
const (
	wantedAction  = "*"
	wantedVersion = "2.0"
)

// name is what people see in Pipedrive's list of webhooks.
func (w Wanted) name(object string) string { return w.Bridge + "/" + w.Account + " " + object }

func (w Wanted) hook(object string) pipedrive.NewWebhook {
	return pipedrive.NewWebhook{
		Name: w.name(object), Action: wantedAction, Object: object, URL: w.URL, Version: wantedVersion,
		UserID: w.UserID, AuthUser: w.User, AuthPassword: w.Password,
	}
}

// How much work a guess of a password from its print is, and how little a right guess
// proves: one in four billion wrong ones fits, too.
const (
	printRounds = 1024
	printBytes  = 4
)

// print tells one pair of credentials from another without giving them away.
func (w Wanted) print() string {
	sum, err := pbkdf2.Key(sha256.New, w.User+"\x00"+w.Password, []byte(w.Account+"\x00"+w.URL), printRounds, printBytes)
	if err != nil { // only where the machine allows no such keys: then no two are alike
		return ""
	}
	return hex.EncodeToString(sum)
}

// sameURL compares addresses as a vendor may have rewritten them.
func sameURL(a, b string) bool { return a != "" && plainURL(a) == plainURL(b) }

func plainURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return s
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if u.Scheme == "https" {
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u.String()
}
