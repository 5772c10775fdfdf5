package pipedrivesim

import (
	"fmt"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// HookState is a webhook with what only the vendor knows of it.
type HookState struct {
	ID       int64  `json:"id"`
	URL      string `json:"subscription_url"`
	Action   string `json:"event_action"`
	Object   string `json:"event_object"`
	Version  string `json:"version"`
	Name     string `json:"name"`
	User     int64  `json:"user_id"`
	Owner    int64  `json:"owner_id"`
	Active   bool   `json:"active"`
	Removed  string `json:"remove_reason,omitempty"`
	Banned   bool   `json:"banned"`
	Failures int    `json:"failures"` // failed first attempts towards the next ban
}

// Hooks lists all webhooks, the removed ones too.
func (s *Server) Hooks() []HookState {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	now := s.engine.clock()
	out := []HookState{}
	for _, h := range s.hooks.all {
		out = append(out, HookState{
			ID: h.id, URL: h.url, Action: h.action, Object: h.object, Version: h.version, Name: h.name, User: h.user, Owner: h.owner,
			Active: h.removed == "", Removed: h.reason, Banned: now.Before(h.bannedUntil), Failures: h.failures,
		})
	}
	return out
}

// onHook does something to a webhook, or to all active ones where the id is 0.
func (s *Server) onHook(id int64, do func(*hook)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if id != 0 && s.hooks.find(id) == nil {
		return fmt.Errorf("webhook %d does not exist", id)
	}
	for _, h := range s.hooks.all {
		if h.id == id || id == 0 && h.removed == "" {
			do(h)
		}
	}
	return nil
}

// BanHook bans a webhook for 30 minutes of the engine's clock; 0 = all.
func (s *Server) BanHook(id int64) error {
	return s.onHook(id, func(h *hook) { h.failures, h.bannedUntil = 0, s.engine.clock().Add(banFor) })
}

// UnbanHook ends a ban; 0 = all.
func (s *Server) UnbanHook(id int64) error {
	return s.onHook(id, func(h *hook) { h.bannedUntil = s.engine.clock() })
}

// DeleteHook deletes a webhook as somebody does by hand; 0 = all.
func (s *Server) DeleteHook(id int64) error {
	return s.onHook(id, func(h *hook) { h.remove("deleted by hand", stamp(s.now())) })
}

func (s *Server) getHooks(w http.ResponseWriter, _ *http.Request) {
	simkit.Say(w, map[string]any{"hooks": s.Hooks()})
}

// putHooks does one thing to one webhook, or to all: {"ban": 5120987}, {"delete": 0}.
func (s *Server) putHooks(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Ban    *int64 `json:"ban"`
		Unban  *int64 `json:"unban"`
		Delete *int64 `json:"delete"`
	}
	if !simkit.ReadJSON(w, r, &wanted) {
		return
	}
	for _, step := range []struct {
		id *int64
		do func(int64) error
	}{{wanted.Ban, s.BanHook}, {wanted.Unban, s.UnbanHook}, {wanted.Delete, s.DeleteHook}} {
		if step.id == nil {
			continue
		}
		if err := step.do(*step.id); err != nil {
			simkit.Complain(w, err)
			return
		}
	}
	s.getHooks(w, r)
}
