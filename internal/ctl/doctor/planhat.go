package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/caller"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// tenant is the part that looks at one workspace's Planhat.
type tenant struct {
	part
	ws   config.Workspace
	call *caller.Caller
}

// planhat spends one call for each listing and returns how many that were.
func (x *examiner) planhat(ctx context.Context, ws config.Workspace) int {
	t := tenant{part: part{x: x, area: "planhat", workspace: ws.Name}, ws: ws}
	all := listings(ws)
	var err error
	t.call, err = caller.New(ws, caller.Options{Version: x.Version, Timeout: x.Timeout, Burst: len(all), Now: x.Now})
	if err != nil {
		t.failf("client", "check "+t.variable("BASE_URL"), "%v", err)
		return 0
	}
	defer t.call.Close()
	answers, away := t.read(ctx, all)
	if away != nil {
		t.away("reachable", "check "+t.variable("BASE_URL")+", the network and HTTPS_PROXY", away)
	} else {
		t.answered(answers)
	}
	t.freshness(all)
	return t.call.Spent()
}

// answered judges what only an answer can tell.
func (t tenant) answered(answers []answer) {
	if t.token(answers) {
		t.rights(answers)
	}
	t.clock("Planhat", t.call)
	t.quota()
}

// variable is the full name of a setting of the workspace.
func (t tenant) variable(setting string) string { return config.Variable(t.ws.Name, setting) }

// answer is what came of the call for a listing.
type answer struct {
	listing
	err error
}

// read asks each listing for one row. Nobody answering the first call is an
// error: the others would wait for as long.
func (t tenant) read(ctx context.Context, all []listing) ([]answer, error) {
	out := make([]answer, len(all))
	for i, l := range all {
		_, err := t.call.Page(ctx, l.objects[0], planhat.ListOptions{Sort: "_id", Limit: 1, CompanyIDs: planhat.CompanyFilter(t.ws.CompanyIDs)})
		if i == 0 && planhat.KindOf(err) == planhat.KindUnavailable {
			return nil, err
		}
		out[i] = answer{l, err}
	}
	return out, nil
}

// token judges whether the token is one. A token without a right may be
// answered with 401 as well, so one listing that lets it in is enough.
func (t tenant) token(answers []answer) bool {
	for _, a := range answers {
		if planhat.KindOf(a.err) != planhat.KindUnauthorized {
			t.okf("token", "%s accepts it", t.ws.BaseURL)
			return true
		}
	}
	t.failf("token", fmt.Sprintf("set a token that is valid in %s or %s; a wrong %s is answered in the same way",
		t.variable("TOKEN"), t.variable("TOKEN_FILE"), t.variable("BASE_URL")), "%s refuses it: %v", t.ws.BaseURL, answers[0].err)
	return false
}

// verdicts are what a kind of failure says about a right.
var verdicts = map[planhat.Kind]string{
	planhat.KindNone:         "ok",
	planhat.KindForbidden:    "forbidden",
	planhat.KindUnauthorized: "unauthorized",
	planhat.KindNotFound:     "not found",
	planhat.KindThrottled:    "throttled",
}

// rights is the table of what the token may read, on one line.
func (t tenant) rights(answers []answer) {
	c := Check{Level: OK, Area: t.area, Workspace: t.workspace, Name: "rights", Objects: map[string]string{}}
	var words, lacking, causes []string
	for _, a := range answers {
		verdict, ok := verdicts[planhat.KindOf(a.err)]
		if !ok {
			verdict = "error"
		}
		for _, o := range a.objects {
			c.Objects[string(o)] = verdict
			words = append(words, string(o)+" "+verdict)
			if verdict != "ok" {
				lacking = append(lacking, string(o))
			}
		}
		if verdict == "throttled" && c.Level == OK {
			c.Level = Warn
		} else if verdict != "ok" && verdict != "throttled" {
			c.Level = Fail
		}
		if verdict == "error" || verdict == "not found" {
			causes = append(causes, a.err.Error())
		}
	}
	c.Message = "reading " + strings.Join(words, ", ")
	if causes != nil {
		c.Message += " (" + strings.Join(causes, "; ") + ")"
	}
	switch c.Level {
	case OK:
		c.Message += "; rights to write cannot be asked for without a write"
	case Warn:
		c.Remedy = "ask again in a minute: the calls of this token are spent"
	case Fail:
		c.Remedy = fmt.Sprintf("let the Private App of the token read %s in Planhat's settings, or leave them out of %s", strings.Join(lacking, ", "), t.variable("OBJECTS"))
	}
	t.x.add(c)
}
