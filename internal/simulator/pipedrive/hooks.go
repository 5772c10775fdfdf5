package pipedrivesim

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

const (
	hooksPerUser = 40
	firstHook    = 5120987
)

// hook is a subscription. Its counters belong to the engine and are guarded by the engine's lock.
type hook struct {
	id       int64
	action   string
	object   string
	url      string
	name     string
	version  string
	user     int64 // whose permissions filter the events
	owner    int64 // who created it
	authUser any   // string or nil
	authPass any
	added    time.Time
	removed  string // time
	reason   string

	failures    int       // failed first attempts, towards a ban
	bannedUntil time.Time // of the engine's clock
	failing     time.Time // since when nothing succeeded; zero = it did
	lastAt      string
	lastStatus  any
}

type hookList struct {
	all  []*hook
	next int64
}

func newHookList() *hookList { return &hookList{next: firstHook} }

func (l *hookList) find(id int64) *hook {
	for _, h := range l.all {
		if h.id == id {
			return h
		}
	}
	return nil
}

func (h *hook) remove(reason, at string) {
	if h.removed == "" {
		h.removed, h.reason = at, reason
	}
}

func (l *hookList) removeOf(user int64, reason, at string) {
	for _, h := range l.all {
		if h.owner == user || h.user == user {
			h.remove(reason, at)
		}
	}
}

// hookRow is a webhook as the API shows it.
func (s *Server) hookRow(h *hook, sw Switches) map[string]any {
	row := map[string]any{
		"id": h.id, "company_id": companyID, "owner_id": h.owner, "user_id": h.user, "admin_id": h.owner, "event_action": h.action, "event_object": h.object,
		"subscription_url": h.url, "version": h.version, "is_active": 1, "add_time": h.added.UTC().Format("2006-01-02T15:04:05.000Z"), "remove_time": nil,
		"remove_reason": nil, "type": "general", "http_auth_user": h.authUser, "http_auth_password": h.authPass, "name": h.name,
	}
	row["last_delivery_time"], row["last_http_status"] = s.engine.lastOf(h)
	if sw.BannedHooks == "inactive" && s.engine.banned(h) {
		row["is_active"] = 0
	}
	if h.removed != "" {
		row["is_active"], row["remove_time"], row["remove_reason"] = 0, h.removed, h.reason
	}
	if h.authPass != nil {
		switch sw.HookPasswords {
		case "masked":
			row["http_auth_password"] = "********"
		case "null":
			row["http_auth_password"] = nil
		}
	}
	return row
}

func listHooks(s *Server, c *call) answer {
	rows := []any{}
	for _, h := range s.hooks.all {
		if (h.removed == "" || c.sw.RemovedHooks == "listed") && (c.user.admin || h.owner == c.user.id || h.user == c.user.id) {
			rows = append(rows, s.hookRow(h, c.sw))
		}
	}
	return ok(map[string]any{"status": "ok", "success": true, "data": rows}).With(len(rows))
}

func hookErrors(status int, field, message string) answer {
	return said(status, map[string]any{"status": "error", "success": false, "errors": map[string]any{field: []string{message}}})
}

func deleteHook(s *Server, c *call) answer {
	h := s.hooks.find(simkit.Natural(c.PathValue("id")))
	switch {
	case h == nil || h.removed != "":
		return hookErrors(http.StatusNotFound, "id", "not found")
	case !c.user.admin && h.owner != c.user.id:
		return said(http.StatusForbidden, map[string]any{"success": false, "message": "Forbidden"})
	}
	h.remove("deleted by "+strconv.FormatInt(c.user.id, 10), stamp(s.now()))
	return ok(map[string]any{"status": "ok", "success": true})
}

var (
	actionsV2 = []string{"create", "change", "delete", "*"}
	actionsV1 = []string{"added", "updated", "merged", "deleted", "*"}
	wordsV1   = map[string]string{"added": "create", "updated": "change", "deleted": "delete", "merged": "change"}
	objectsV2 = []string{"activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*",
		"deal_product", "deal_installment", "board", "phase", "project", "task"}
	objectsV1 = []string{"activity", "activityType", "deal", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"}
)

func addHook(s *Server, c *call) answer {
	v, err := parseValue(c.body)
	body, isObject := v.(map[string]any)
	if err != nil || !isObject {
		return hookErrors(http.StatusBadRequest, "body", "must be an object")
	}
	h := &hook{user: c.user.id, owner: c.user.id, version: "2.0", added: s.now()}
	if field, wrong := h.read(body, c.sw); field != "" {
		return hookErrors(http.StatusBadRequest, field, wrong)
	}
	if s.user(h.user) == nil {
		return hookErrors(http.StatusBadRequest, "user_id", "not found")
	}
	if !c.user.admin && h.user != c.user.id {
		return said(http.StatusForbidden, map[string]any{"success": false, "message": "Forbidden"})
	}
	if s.atLimit(h, c.sw) {
		return limitOfHooks(c.sw)
	}
	if c.sw.HookProbe == "post" && !s.probe(h) {
		return hookErrors(http.StatusBadRequest, "subscription_url", "invalid or non-reachable URL")
	}
	h.id, s.hooks.next = s.hooks.next, s.hooks.next+1
	s.hooks.all = append(s.hooks.all, h)
	s.engine.watch(h)
	a := ok(map[string]any{"status": "ok", "success": true, "data": s.hookRow(h, c.sw)})
	a.Status = http.StatusCreated
	return a
}

// read takes a body; it gives the field that is wrong, and why.
func (h *hook) read(body map[string]any, sw Switches) (field, wrong string) {
	text := func(name string) string { s, _ := body[name].(string); return s }
	h.url, h.action, h.object, h.name = text("subscription_url"), text("event_action"), text("event_object"), text("name")
	h.authUser, h.authPass = body["http_auth_user"], body["http_auth_password"]
	if id, given := body["user_id"].(int64); given {
		h.user = id
	}
	if body["version"] != nil {
		h.version = text("version")
	}
	u, err := url.Parse(h.url)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.HasSuffix(u.Hostname(), ".pipedrive.com"):
		return "subscription_url", "invalid or non-reachable URL"
	case sw.LocalURLs == "refused" && (u.Scheme == "http" || isLocal(u.Hostname())):
		return "subscription_url", "invalid or non-reachable URL"
	case h.version != "1.0" && h.version != "2.0":
		return "version", "must be one of 1.0, 2.0"
	case h.name == "" && sw.HookName == "required":
		return "name", "is required"
	}
	return h.readEvent(sw)
}

func isLocal(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}

// readEvent checks action and object against the version.
func (h *hook) readEvent(sw Switches) (field, wrong string) {
	actions, objects := actionsV2, slices.Clone(objectsV2)
	if h.version == "1.0" {
		actions, objects = actionsV1, objectsV1
	}
	if sw.FieldHooks != "refused" {
		for _, of := range []string{"deal", "lead", "person", "organization", "product", "project"} {
			objects = append(objects, of+strings.TrimPrefix(sw.FieldHooks, "deal"))
		}
	}
	if h.version == "2.0" && wordsV1[h.action] != "" && sw.HookV1Words != "refused" {
		if sw.HookV1Words == "understood" {
			h.action = wordsV1[h.action]
		}
		actions = append(slices.Clone(actions), h.action)
	}
	switch {
	case !slices.Contains(actions, h.action):
		return "event_action", "must be one of " + strings.Join(actions, ", ")
	case !slices.Contains(objects, h.object):
		return "event_object", "must be one of " + strings.Join(objects, ", ")
	}
	return "", ""
}

func (s *Server) atLimit(h *hook, sw Switches) bool {
	n := 0
	for _, other := range s.hooks.all {
		if other.removed == "" && (sw.HookLimitScope == "user" && other.user == h.user || sw.HookLimitScope == "creator" && other.owner == h.owner) {
			n++
		}
	}
	return n >= hooksPerUser
}

func limitOfHooks(sw Switches) answer {
	switch sw.HookLimitBody {
	case "error":
		return failure(http.StatusUnprocessableEntity, "webhooks limit reached", info)
	case "empty":
		return answer{Status: http.StatusUnprocessableEntity}
	}
	return hookErrors(http.StatusUnprocessableEntity, "user_id", "webhooks limit reached")
}

const probeTimeout = 5 * time.Second

// probe calls the subscription URL with an empty object; the company waits for it.
func (s *Server) probe(h *hook) bool {
	ctx, cancel := context.WithTimeout(s.engine.ctx, probeTimeout)
	defer cancel()
	status, err := s.engine.post(ctx, h, []byte("{}"), "")
	return err == nil && status < http.StatusInternalServerError && status != http.StatusNotFound
}
