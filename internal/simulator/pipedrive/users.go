package pipedrivesim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// user is a member of the company.
type user struct {
	id     int64
	name   string
	email  string
	admin  bool
	active bool
}

func (s *Server) user(id int64) *user {
	for _, u := range s.users {
		if u.id == id {
			return u
		}
	}
	return nil
}

// authenticate finds the user of a request's token: header x-api-token, Bearer, or the query where it is accepted.
func (s *Server) authenticate(c *call) bool {
	c.token = c.Header.Get("X-Api-Token")
	if bearer, ok := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer "); ok && c.token == "" {
		c.token = bearer
	}
	if c.token == "" && c.sw.QueryToken == "accepted" {
		c.token = c.URL.Query().Get("api_token")
	}
	token, known := (*s.tokens.Load())[c.token]
	if !known || c.token == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.user = s.user(userOf(token))
	return c.user != nil && c.user.active
}

func userOf(t Token) int64 {
	if t.User == 0 {
		return FirstUser
	}
	return t.User
}

// denied tells whether the token may not make this call.
func (s *Server) denied(c *call) bool {
	deny := (*s.tokens.Load())[c.token].Deny
	_, path, _ := strings.Cut(strings.TrimPrefix(c.route.path, "/api"), "/v")
	_, path, _ = strings.Cut(path, "/")
	word, _, _ := strings.Cut(path, "/")
	return deny[word] || deny[word+":write"] && c.Method != http.MethodGet
}

// sees tells whether a user may see a record: admins all, others what is theirs or shared.
func (u *user) sees(d doc) bool {
	return u.admin || d.int("visible_to") != 1 || d.int("owner_id") == u.id
}

// SetTokens replaces the tokens that the API accepts. A user who had one and has another now regenerated it.
func (s *Server) SetTokens(tokens map[string]Token) {
	before := *s.tokens.Swap(&tokens)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.switches.Load().TokenRegenerated != "removed" {
		return
	}
	for name, token := range before {
		if _, kept := tokens[name]; !kept {
			s.hooks.removeOf(userOf(token), "token regenerated", stamp(s.now()))
		}
	}
}

// RemoveUser deactivates a user: the tokens stop working, and the webhooks go unless a switch keeps them.
func (s *Server) RemoveUser(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(id)
	if u == nil {
		return fmt.Errorf("remove user %d: no such user", id)
	}
	u.active = false
	if s.switches.Load().OwnerRemoved == "removed" {
		s.hooks.removeOf(id, "owner removed", stamp(s.now()))
	}
	return nil
}

// ReturnUser activates a user again; webhooks that were removed stay so.
func (s *Server) ReturnUser(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(id)
	if u == nil {
		return fmt.Errorf("return user %d: no such user", id)
	}
	u.active = true
	return nil
}

// row is a user as /users answers.
func (u *user) row(you *user) map[string]any {
	return map[string]any{
		"id": u.id, "name": u.name, "default_currency": "EUR", "locale": "sv_SE", "lang": 1, "email": u.email, "phone": nil,
		"activated": true, "last_login": "2026-11-20 07:00:00", "created": "2025-01-10 09:00:00", "modified": "2026-11-20 07:00:00",
		"has_created_company": u.id == FirstUser, "access": u.access(), "active_flag": u.active,
		"timezone_name": "Europe/Stockholm", "timezone_offset": "+01:00", "role_id": 1, "icon_url": nil, "is_you": u == you, "is_deleted": false,
	}
}

// access lists the apps; one that is missing means: not an admin there.
func (u *user) access() []any {
	apps := []any{map[string]any{"app": "sales", "admin": u.admin, "permission_set_id": "0d0c6f1a-1111-4222-8333-444455556666"}}
	if u.admin {
		apps = append(apps, map[string]any{"app": "global", "admin": true, "permission_set_id": "0d0c6f1a-7777-4888-8999-aaaabbbbcccc"})
	}
	return apps
}

func listUsers(s *Server, c *call) answer {
	rows := make([]any, len(s.users))
	for i, u := range s.users {
		rows[i] = u.row(c.user)
	}
	return ok(map[string]any{"success": true, "data": rows}).With(len(rows))
}

func getUser(s *Server, c *call) answer {
	u := s.user(simkit.Natural(c.PathValue("id")))
	if u == nil {
		return c.missing()
	}
	return ok(map[string]any{"success": true, "data": u.row(c.user)})
}

func getMe(s *Server, c *call) answer {
	row := c.user.row(c.user)
	row["company_id"], row["company_name"], row["company_domain"] = companyID, companyName, s.domain
	row["company_country"], row["company_industry"] = "SE", "IT Services"
	row["language"] = map[string]any{"language_code": "en", "country_code": "US"}
	return ok(map[string]any{"success": true, "data": row})
}

func findUsers(s *Server, c *call) answer {
	term := strings.ToLower(c.URL.Query().Get("term"))
	byMail := c.URL.Query().Get("search_by_email") == "1"
	rows := []any{}
	for _, u := range s.users {
		if byMail && strings.Contains(strings.ToLower(u.email), term) || !byMail && strings.Contains(strings.ToLower(u.name), term) {
			rows = append(rows, u.row(c.user))
		}
	}
	return ok(map[string]any{"success": true, "data": rows}).With(len(rows))
}

// permitted lists the users who see a record.
func (s *Server) permitted(d doc) []int64 {
	var ids []int64
	for _, u := range s.users {
		if u.active && u.sees(d) {
			ids = append(ids, u.id)
		}
	}
	slices.Sort(ids)
	return ids
}

const (
	companyID   int64 = 14039275
	companyName       = "Nordlicht Demo"
)
