package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// identity is whose records the vendor answers with, for one token.
type identity struct {
	sure  bool
	token string
	me    pipedrive.Me
}

var errWrongCompany = errors.New("the token is of another company than the one that was captured")

// identify makes sure that the token is of the company that was captured. It is
// asked at the beginning of a tenure and after every change of the token.
func (a *Account) identify(ctx context.Context) error {
	token := a.cfg.Token.Current()
	if a.identity.sure && a.identity.token == token {
		return nil
	}
	a.identity = identity{token: token}
	me, err := a.client.Verify(ctx)
	if err != nil {
		return err
	}
	a.identity.me = me
	switch {
	case !a.tokenStands():
		return errTokenChanged
	case a.facts.CompanyID == 0:
		pinned := a.facts
		pinned.CompanyID = me.CompanyID
		if err := a.flush(ctx, writes{facts: &pinned}); err != nil {
			return err
		}
	case a.facts.CompanyID != me.CompanyID:
		return fmt.Errorf("%w: it is of %s (%d), captured was %d", errWrongCompany, me.CompanyDomain, me.CompanyID, a.facts.CompanyID)
	}
	a.identity.sure = true
	a.tendAt = a.now()
	return nil
}

// stateWrongCompany is that of an account whose token is of another company.
const stateWrongCompany = service.StateWrongTenant

func (a *Account) wrongCompanyRemedy() string {
	return "nothing is written; to repair: give the account the token of its own company (PIPEDRIVE_<NAME>_TOKEN, PIPEDRIVE_<NAME>_BASE_URL). " +
		"Only if it shall be of the other company from now on: " + a.command("release", "") + ", and then read each object anew: " + a.command("object", "<object>")
}

// command is what an operator types.
func (a *Account) command(signal, object string) string {
	text := "planhatctl signal " + signal + " --account " + a.cfg.Name
	if object != "" {
		text += " --object " + object
	}
	return text
}
