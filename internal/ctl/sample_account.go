package ctl

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/caller"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	pipedriveapi "github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// sampleOfAccount is sample for a record of Pipedrive.
func (t *tool) sampleOfAccount(ctx context.Context, f sampleFlags, name string) error {
	if !slices.Contains(config.AccountObjects(), name) {
		return usage("an account has no object %q; write one of %s", name, strings.Join(config.AccountObjects(), ", "))
	}
	if err := f.check(); err != nil {
		return err
	}
	id, err := strconv.ParseInt(f.id, 10, 64)
	if f.id != "" && (err != nil || id <= 0) {
		return usage("--id %q: ids of Pipedrive are numbers", f.id)
	}
	c, err := t.fullConfig(vendorOnly(t.Environ))
	if err != nil {
		return err
	}
	cfg := c.Pipedrive[0]
	if cfg.Token == nil {
		return usage("the account %s has no token: set %s", cfg.Name, config.AccountVariable(cfg.Name, "TOKEN"))
	}
	call, err := caller.NewAccount(cfg, caller.Options{Version: ops.ReadBuild().Version, Timeout: f.timeout, Now: t.Now})
	if err != nil {
		return &failure{codeUsage, err}
	}
	defer call.Close()
	event, err := t.eventOfAccount(ctx, call, c, pipedriveapi.Object(name), id)
	if u := call.Usage(); u.Total > 0 {
		fmt.Fprintln(t.Stderr, tokensSpent(u))
	}
	if err != nil {
		return err
	}
	return t.printSample(event, f.output)
}

// eventOfAccount reads one record, the newest where id is 0, and makes its event.
func (t *tool) eventOfAccount(ctx context.Context, call *caller.AccountCaller, c config.Config, o pipedriveapi.Object, id int64) (shownRecord, error) {
	cfg := c.Pipedrive[0]
	row, err := readOfAccount(ctx, call, o, id)
	if err != nil {
		code := codeUnreachable
		if pipedriveapi.IsNotFound(err) {
			code = codeNotOK
		}
		return shownRecord{}, &failure{code, fmt.Errorf("%w; %s", err, caller.Remedy(cfg, err))}
	}
	switch {
	case row.ID == 0:
		return shownRecord{}, &failure{codeNotOK, fmt.Errorf("account %s shows no %s; create one, or let the token's user see them", cfg.Name, o)}
	case pipedriveapi.Deleted(row):
		return shownRecord{}, &failure{codeNotOK, fmt.Errorf("%s %d is deleted: its event is a delete", o, row.ID)}
	}
	now := t.Now()
	env, err := account.FirstRead(cfg.Name, c.Bridge, ops.ReadBuild().Version, o, row, now)
	if err != nil {
		return shownRecord{}, err
	}
	names := kafka.Names{Bridge: c.Bridge, Prefix: c.Topics.Prefix}
	return throughSchema(&env, strconv.FormatInt(row.ID, 10), names.Changes(pipedrive, cfg.Name, string(o)), now)
}

func readOfAccount(ctx context.Context, call *caller.AccountCaller, o pipedriveapi.Object, id int64) (pipedriveapi.Row, error) {
	if id != 0 {
		return call.Get(ctx, o, id)
	}
	page, err := call.Page(ctx, o, pipedriveapi.ListOptions{Limit: 1, SortBy: "update_time", Desc: true})
	if err != nil || len(page.Rows) == 0 {
		return pipedriveapi.Row{}, err
	}
	return page.Rows[0], nil
}

// tokensSpent says what was spent and what the vendor says remains.
func tokensSpent(u pipedriveapi.Usage) string {
	text := fmt.Sprintf("%d tokens spent", u.Total)
	if u.Total == 1 {
		text = "1 token spent"
	}
	if u.Remaining < 0 {
		return text + "; Pipedrive does not say how many of the company's day remain"
	}
	return fmt.Sprintf("%s; %d of the company's %d of this day remain", text, u.Remaining, u.Limit)
}
