package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Wrong is the setting of an account that is not right.
type Wrong string

// What can be wrong with an account.
const (
	WrongToken   Wrong = "token"   // it is no token, or Pipedrive does not know it
	WrongURL     Wrong = "url"     // no company answers there, or the token is of another one
	WrongCompany Wrong = "company" // both are in order, and of different companies
)

// AccountError says which of token and URL of an account is wrong, and what to do.
type AccountError struct {
	Wrong  Wrong
	Say    string // one sentence, without the token
	Remedy string
	Err    error // what was answered; nil: nothing was asked
}

// Error says what is wrong and what to do.
func (e *AccountError) Error() string {
	text := e.Say + "; " + e.Remedy
	if e.Err != nil {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

// Unwrap returns what was answered.
func (e *AccountError) Unwrap() error { return e.Err }

// Verify asks whether token and URL are in order and belong together. An [AccountError]
// says which of them is wrong; any other error says that it cannot be told now: nobody
// answers, the budget is spent, the company is not paid. For a host that names no company
// only the token is checked.
func (c *Client) Verify(ctx context.Context) (Me, error) {
	if err := CheckToken(c.token()); err != nil {
		return Me{}, &AccountError{Wrong: WrongToken, Say: err.Error(), Remedy: "copy it again"}
	}
	me, err := c.Me(ctx)
	if err != nil {
		return Me{}, c.blame(ctx, err)
	}
	want := c.url.company
	if want == "" || me.CompanyDomain == want {
		return me, nil
	}
	return me, &AccountError{
		Wrong: WrongCompany,
		Say:   fmt.Sprintf("the URL names the company %s, the token is of %s", want, describe(me)),
		Remedy: fmt.Sprintf("either set the URL to https://%s.%s, or make the token as a user of %s",
			me.CompanyDomain, pipedriveHost, want),
	}
}

func describe(me Me) string {
	if me.CompanyName == "" {
		return me.CompanyDomain
	}
	return fmt.Sprintf("%s (%s)", me.CompanyDomain, me.CompanyName)
}

// blame says whose fault a failed users/me is, where that can be told.
func (c *Client) blame(ctx context.Context, err error) error {
	failed, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return err
	case failed.Kind == KindUnauthorized:
		return c.blameToken(ctx, failed)
	case nobodyThere(failed):
		return &AccountError{
			Wrong: WrongURL, Say: "no company of Pipedrive answers at " + c.url.base,
			Remedy: "log in to Pipedrive and copy the address of any page", Err: failed,
		}
	}
	return err
}

// nobodyThere reports an answer, or its lack, that a company's host would not give.
func nobodyThere(e *Error) bool {
	if dns, ok := errors.AsType[*net.DNSError](e); ok && dns.IsNotFound {
		return true
	}
	return e.Kind == KindNotFound || e.Kind == KindMalformed || e.Status == 404
}

// blameToken settles what a company's host means by 401: the same token at the host of
// all companies tells one that nobody knows from one of another company.
func (c *Client) blameToken(ctx context.Context, refused *Error) error {
	unknown := &AccountError{
		Wrong: WrongToken, Say: "Pipedrive does not know the API token at " + c.url.base,
		Remedy: "it was made anew, or its user is gone: copy it again from Settings, Personal preferences, API", Err: refused,
	}
	if c.url.company == "" {
		return unknown
	}
	elsewhere := c.apart
	elsewhere.Base = &url.URL{Scheme: "https", Host: genericHost}
	elsewhere.Retry.Attempts = 1
	me, err := c.me(ctx, rest.New(elsewhere), "/v1")
	if err != nil || me.CompanyDomain == "" || me.CompanyDomain == c.url.company {
		return unknown
	}
	return &AccountError{
		Wrong: WrongURL, Say: fmt.Sprintf("the API token is in order, and of the company %s", describe(me)),
		Remedy: fmt.Sprintf("set the URL to https://%s.%s, or make the token as a user of %s", me.CompanyDomain, pipedriveHost, c.url.company),
		Err:    refused,
	}
}
