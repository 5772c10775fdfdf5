package sink

import (
	"maps"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Status is the sink's part of /status.
type Status struct {
	Shards     []int32           `json:"shards"`
	Workspaces []WorkspaceStatus `json:"workspaces"`
}

// WorkspaceStatus is what the owner of a workspace knows of it.
type WorkspaceStatus struct {
	Name      string                   `json:"name"`
	Owned     bool                     `json:"owned"`           // false: another process owns it, or nobody yet
	State     string                   `json:"state,omitempty"` // ok, retrying, unauthorized, wrong_tenant, held, shared, orphaned
	Cause     string                   `json:"cause,omitempty"`
	Answered  map[schemas.Status]int64 `json:"answered,omitempty"` // commands, since the shard was taken over
	LastBatch time.Time                `json:"last_batch,omitzero"`
	Next      map[int32]int64          `json:"next,omitempty"` // offset of the next command, by partition
	Catalogue *CatalogueStatus         `json:"custom_fields,omitempty"`
}

// CatalogueStatus is what the owner knows of the catalogue of custom fields,
// once a command needed it.
type CatalogueStatus struct {
	Known  bool      `json:"known"` // false: names are not checked
	Fields int       `json:"fields"`
	Asked  time.Time `json:"asked"`
	Cause  string    `json:"cause,omitempty"` // why the last reading failed
}

// Status tells what this process carries out.
func (s *Service) Status() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Status{Shards: s.manager.Owned(), Workspaces: []WorkspaceStatus{}}
	for _, cfg := range s.cfg.Planhat {
		st := WorkspaceStatus{Name: cfg.Name}
		if w := s.live[cfg.Name]; w != nil {
			st = w.status()
			s.tellStrangers(&st, w)
		} else if owner := s.manager.Astray(token(cfg.Name)); owner != "" {
			st.State, st.Cause = "orphaned", service.Orphan(owner)
		}
		if why := s.manager.Refused(token(cfg.Name)); why != "" && !st.Owned {
			st.State, st.Cause = "held", why
		}
		out.Workspaces = append(out.Workspaces, st)
	}
	return out
}

// tellStrangers shows that somebody else writes to a workspace's topics, unless
// there is worse to show.
func (s *Service) tellStrangers(st *WorkspaceStatus, w *workspace) {
	for _, topic := range []string{w.results, w.deadLetters} {
		if seen := s.manager.Shared(topic); st.State == "ok" && !seen.IsZero() && time.Since(seen) < service.SharedFor {
			st.State, st.Cause = "shared", service.Shared(topic)
		}
	}
}

// running notes that a workspace is worked on by this process.
func (s *Service) running(w *workspace, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if yes {
		w.shown = WorkspaceStatus{Name: w.cfg.Name, Owned: true, State: "ok", Answered: map[schemas.Status]int64{}}
		s.live[w.cfg.Name] = w
	} else if s.live[w.cfg.Name] == w {
		delete(s.live, w.cfg.Name)
		s.metrics.forget(w.cfg.Name)
	}
}

func (w *workspace) status() WorkspaceStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.shown
	out.Answered = maps.Clone(w.shown.Answered)
	if trouble := w.answers.Trouble(); trouble != "" && out.State == "ok" {
		out.State, out.Cause = "retrying", trouble
	}
	return out
}

func (w *workspace) setState(state, cause string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown.State, w.shown.Cause = state, cause
}

func (w *workspace) setCatalogue(c *CatalogueStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown.Catalogue = c
}

// show notes commands whose results are committed.
func (w *workspace) show(answered []*command) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range answered {
		w.shown.Answered[c.result.status]++
	}
	w.shown.LastBatch, w.shown.Next = time.Now(), w.positions.clone().Next
}
