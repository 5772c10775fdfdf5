package ctl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// fullConfig is the services' configuration with their tokens, with the flags
// in place of their variables and, with --workspace or --account, that one alone.
func (t *tool) fullConfig(environ []string) (config.Config, error) {
	given := map[string]string{"KAFKA_BOOTSTRAP_SERVERS": t.bootstrap, "SCHEMA_REGISTRY_URL": t.registry}
	for list, name := range map[string]string{"PLANHAT_WORKSPACES": t.workspace, "PIPEDRIVE_ACCOUNTS": t.account} {
		if !slices.ContainsFunc(environ, func(pair string) bool {
			name, value, _ := strings.Cut(pair, "=")
			return name == list && value != ""
		}) {
			given[list] = name
		}
	}
	env := slices.Clone(environ)
	for name, value := range given {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	c, err := config.Load(env, objectNames())
	if err != nil {
		return c, &failure{codeUsage, err}
	}
	return t.alone(c)
}

// alone leaves of a configuration the workspace or the account that the flags name.
func (t *tool) alone(c config.Config) (config.Config, error) {
	switch {
	case t.workspace != "":
		i := slices.Index(workspaceNames(c), t.workspace)
		if i < 0 {
			return c, usage("--workspace %q: PLANHAT_WORKSPACES names %s", t.workspace, strings.Join(workspaceNames(c), ", "))
		}
		c.Planhat, c.Pipedrive = c.Planhat[i:i+1], nil
	case t.account != "":
		i := slices.Index(accountNames(c), t.account)
		if i < 0 {
			return c, usage("--account %q: PIPEDRIVE_ACCOUNTS names %s", t.account, strings.Join(accountNames(c), ", "))
		}
		c.Planhat, c.Pipedrive = nil, c.Pipedrive[i:i+1]
	}
	return c, nil
}

func accountNames(c config.Config) []string {
	names := make([]string, len(c.Pipedrive))
	for i, a := range c.Pipedrive {
		names[i] = a.Name
	}
	return names
}

func workspaceNames(c config.Config) []string {
	names := make([]string, len(c.Planhat))
	for i, w := range c.Planhat {
		names[i] = w.Name
	}
	return names
}

// refusedCall says what to do about a call that failed. What does not let us in
// ends with the code of what cannot be reached, as --check of the services does.
func refusedCall(ws config.Workspace, o planhat.Object, err error) error {
	code := codeUnreachable
	var remedy string
	switch planhat.KindOf(err) {
	case planhat.KindUnauthorized:
		remedy = fmt.Sprintf("set a token that is valid in %s or %s, and check that %s is the address of its tenant",
			config.Variable(ws.Name, "TOKEN"), config.Variable(ws.Name, "TOKEN_FILE"), config.Variable(ws.Name, "BASE_URL"))
	case planhat.KindForbidden:
		remedy = fmt.Sprintf("let the Private App of the token read %s, in Planhat's settings", o)
	case planhat.KindThrottled:
		remedy = "wait a minute: the calls of this token are spent"
	case planhat.KindUnavailable:
		remedy = "check " + config.Variable(ws.Name, "BASE_URL") + " and the way there"
	case planhat.KindNotFound:
		code, remedy = codeNotOK, "check the id, and that the token may see the record"
	case planhat.KindInvalid:
		code, remedy = codeUsage, "an id has 24 hex characters"
		if e, ok := errors.AsType[*planhat.Error](err); ok && e.Attempts > 0 {
			code, remedy = codeNotOK, "Planhat does not take the call: is there such a listing in this tenant?"
		}
	default:
		return &failure{codeNotOK, err}
	}
	return &failure{code, fmt.Errorf("%w; %s", err, remedy)}
}
