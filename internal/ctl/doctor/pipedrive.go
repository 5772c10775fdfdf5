package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/caller"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

const pipedriveName = "pipedrive"

// account is the part that looks at one account's Pipedrive.
type account struct {
	part
	cfg  config.Account
	call *caller.AccountCaller
}

// accountObjects are those that an account works on.
func accountObjects(a config.Account) []string {
	if a.Objects == nil {
		return config.AccountObjects()
	}
	return a.Objects
}

// pipedrive asks who the token is, for one row of each listing and for the webhooks, and
// returns how many tokens of the company's day that was.
func (x *examiner) pipedrive(ctx context.Context, cfg config.Account) int64 {
	a := account{part: part{x: x, area: pipedriveName, account: cfg.Name}, cfg: cfg}
	if cfg.Token == nil {
		a.warnf("token", "set "+a.variable("TOKEN")+" where the changes are captured", "there is none: webhooks are taken here, and nothing is asked")
		return 0
	}
	var err error
	a.call, err = caller.NewAccount(cfg, caller.Options{Version: x.Version, Timeout: x.Timeout, Now: x.Now})
	if err != nil {
		a.failf("client", "check "+a.variable("BASE_URL"), "%v", err)
		return 0
	}
	defer a.call.Close()
	if me, ok := a.identity(ctx); ok {
		a.rights(ctx)
		a.webhooks(ctx, me)
		a.clock("Pipedrive", a.call)
		a.budget()
	}
	return a.call.Usage().Total
}

// variable is the full name of a setting of the account.
func (a account) variable(setting string) string {
	return config.AccountVariable(a.cfg.Name, setting)
}

// identity asks whose token it is, and holds that against the address.
func (a account) identity(ctx context.Context) (pipedrive.Me, bool) {
	me, err := a.call.Verify(ctx)
	wrong, told := errors.AsType[*pipedrive.AccountError](err)
	switch {
	case err == nil:
	case told && wrong.Wrong == pipedrive.WrongToken:
		a.failf("token", fmt.Sprintf("%s (%s, %s)", wrong.Remedy, a.variable("TOKEN"), a.variable("TOKEN_FILE")), "%s", wrong.Say)
		return me, false
	case told:
		a.failf("address", fmt.Sprintf("%s (%s)", wrong.Remedy, a.variable("BASE_URL")), "%s", wrong.Say)
		return me, false
	case pipedrive.KindOf(err) == pipedrive.KindUnavailable:
		a.away("reachable", "check "+a.variable("BASE_URL")+", the network and HTTPS_PROXY", err)
		return me, false
	default:
		a.failf("token", caller.Remedy(a.cfg, err), "%v", err)
		return me, false
	}
	a.okf("token", "%s accepts it: user %d of %s (%s)", a.call.URL(), me.ID, me.CompanyName, me.CompanyDomain)
	if !me.Admin {
		a.warnf("user", "take the token of a user with admin rights", "user %d is not an administrator: what others keep to themselves is neither listed nor told by webhooks", me.ID)
	}
	return me, true
}

// rights asks for one row of each listing.
func (a account) rights(ctx context.Context) {
	c := Check{Level: OK, Area: a.area, Account: a.account, Name: "rights", Objects: map[string]string{}}
	var words []string
	for _, object := range accountObjects(a.cfg) {
		verdict := "ok"
		_, err := a.call.Page(ctx, pipedrive.Object(object), pipedrive.ListOptions{Limit: 1})
		if err != nil {
			verdict = pipedrive.KindOf(err).String()
			c.Level, c.Remedy = Fail, caller.Remedy(a.cfg, err)
		}
		c.Objects[object] = verdict
		words = append(words, object+" "+verdict)
	}
	c.Message = "reading " + strings.Join(words, ", ")
	a.x.add(c)
}

// webhooks compares what is registered with what the source registers when it runs.
func (a account) webhooks(ctx context.Context, me pipedrive.Me) {
	if a.cfg.WebhookURL == "" {
		a.okf("webhooks", "%s is not set: none is registered, changes are found every %s", a.variable("WEBHOOK_URL"), a.cfg.ReconcileInterval)
		return
	}
	all, err := a.call.Webhooks(ctx)
	if err != nil {
		a.failf("webhooks", caller.Remedy(a.cfg, err), "%v", err)
		return
	}
	ours, missing := a.sorted(all)
	for _, h := range ours {
		a.webhook(h)
	}
	switch {
	case len(missing) == 0:
		a.okf("webhooks", "%s for %s, %d of the user's at most %d", count(len(ours), "webhook"), a.cfg.WebhookURL, mine(all, me), pipedrive.WebhookLimit)
	default:
		a.warnf("webhooks", "the source registers them when it runs; if it does and they stay away, see its log", "%s are not told to %s: their changes are found every %s",
			strings.Join(missing, ", "), a.cfg.WebhookURL, a.cfg.ReconcileInterval)
	}
}

// sorted are the webhooks that call us, and the objects of which none does.
func (a account) sorted(all []pipedrive.Webhook) (ours []pipedrive.Webhook, missing []string) {
	told := map[string]bool{}
	for _, h := range all {
		if h.URL != a.cfg.WebhookURL {
			continue
		}
		ours = append(ours, h)
		told[h.Object] = told[h.Object] || h.Active
	}
	for _, object := range accountObjects(a.cfg) {
		if !told[object] && !told["*"] {
			missing = append(missing, object)
		}
	}
	return ours, missing
}

// webhook judges one that calls us.
func (a account) webhook(h pipedrive.Webhook) {
	name := fmt.Sprintf("webhook %d", h.ID)
	switch {
	case !h.Active:
		a.warnf(name, "see that the intake answers; the source replaces it when it runs", "of %s, is not active: what happens meanwhile is found every %s", h.Object, a.cfg.ReconcileInterval)
	case h.Version != "" && h.Version != "2.0":
		a.warnf(name, "the source replaces it when it runs", "of %s, sends payload version %s", h.Object, h.Version)
	case h.LastFailed:
		a.warnf(name, "see that the intake is reachable at "+a.cfg.WebhookURL+", and what answers there", "of %s, was not taken the last time (status %d): after ten failures Pipedrive stops it for half an hour, after three days it removes it", h.Object, h.LastStatus)
	}
}

func mine(all []pipedrive.Webhook, me pipedrive.Me) int {
	return len(slices.DeleteFunc(slices.Clone(all), func(h pipedrive.Webhook) bool { return h.UserID != me.ID || !h.Active }))
}

// budget tells what the company's day has left.
func (a account) budget() {
	u := a.call.Usage()
	switch {
	case u.Remaining == 0:
		a.warnf("budget", caller.Remedy(a.cfg, &pipedrive.Error{Kind: pipedrive.KindDailyBudget}), "none of the company's tokens of this day remains")
	case u.Limit > 0 && u.WindowLimit > 0 && u.WindowLimit < a.cfg.RequestsPer2s:
		a.warnf("budget", fmt.Sprintf("set %s=%d", a.variable("REQUESTS_PER_2S"), u.WindowLimit), "Pipedrive grants %d calls in two seconds, %d are configured", u.WindowLimit, a.cfg.RequestsPer2s)
	case u.Limit > 0 && u.Remaining >= 0:
		a.okf("budget", "%d of the company's %d tokens of this day remain, for all users and integrations; %d calls in two seconds are configured", u.Remaining, u.Limit, a.cfg.RequestsPer2s)
	default:
		a.okf("budget", "Pipedrive does not say what remains of the day; %d calls in two seconds are configured", a.cfg.RequestsPer2s)
	}
}
