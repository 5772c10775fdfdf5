package caller

import (
	"fmt"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// AccountCaller calls the Pipedrive of one account.
type AccountCaller struct {
	*pipedrive.Client
	headers
}

// NewAccount returns an AccountCaller; nothing is sent. Of the options the burst means
// nothing: calls go as the account's window allows.
func NewAccount(account config.Account, o Options) (*AccountCaller, error) {
	at, err := pipedrive.ParseURL(account.BaseURL)
	if err != nil {
		return nil, err
	}
	seen := newRecorder(o.Now)
	budget := pipedrive.NewBudget(pipedrive.BudgetOptions{RequestsPer2s: account.RequestsPer2s, InFlight: 1})
	client, err := pipedrive.New(at, account.Token.Current,
		pipedrive.WithHTTPClient(&http.Client{Transport: seen}),
		pipedrive.WithBudget(budget.Lane("planhatctl", 1)),
		pipedrive.WithRetry(pipedrive.Retry{Attempts: 1}),
		pipedrive.WithCallDeadline(o.Timeout),
		pipedrive.WithUserAgent("planhatctl/"+o.Version),
	)
	if err != nil {
		return nil, err
	}
	return &AccountCaller{Client: client, headers: headers{seen}}, nil
}

// Remedy is what to do about a call of an account that was refused.
func Remedy(account config.Account, err error) string {
	variable := func(setting string) string { return config.AccountVariable(account.Name, setting) }
	switch pipedrive.KindOf(err) {
	case pipedrive.KindUnauthorized:
		return fmt.Sprintf("set a token that is valid in %s or %s, from the personal preferences of a user", variable("TOKEN"), variable("TOKEN_FILE"))
	case pipedrive.KindDailyBudget:
		return "wait until the company's midnight, buy more tokens, or find who spends them: all users and integrations share them"
	case pipedrive.KindThrottled:
		return "ask again in a minute, and lower " + variable("REQUESTS_PER_2S")
	case pipedrive.KindBlocked:
		return "let nothing call with this address and token for an hour: Pipedrive shuts out who goes on"
	case pipedrive.KindUnpaid:
		return "the company is closed: see Pipedrive's billing settings"
	case pipedrive.KindForbidden:
		return "give the token's user the right to use the API, and to see these records"
	case pipedrive.KindNotFound:
		return "check the id, and that the token's user may see the record"
	case pipedrive.KindUnavailable:
		return "check " + variable("BASE_URL") + ", the network and HTTPS_PROXY"
	default:
		return "see what it says, and ask again"
	}
}
