package source

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
)

// Status is the source's part of /status.
type Status struct {
	Shards     []int32           `json:"shards"`
	Workspaces []WorkspaceStatus `json:"workspaces"`
	Accounts   []account.Status  `json:"accounts,omitempty"`
}

// WorkspaceStatus is what the owner of a workspace knows of it.
type WorkspaceStatus struct {
	Name  string `json:"name"`
	Owned bool   `json:"owned"`           // false: another process owns it, or nobody yet
	State string `json:"state,omitempty"` // ok, paused, retrying, unauthorized, wrong_tenant, shared, orphaned, held
	Cause string `json:"cause,omitempty"`
	// Stretch is how many times longer than wanted the freshness targets are, where
	// the calls that may be spent do not suffice.
	Stretch float64 `json:"freshness_stretched_by,omitempty"`
	// Targets is there where the freshness targets cannot be met: which streams cost
	// most, and what would do.
	Targets *TargetStatus `json:"targets_missed,omitempty"`
	// Snapshot is there while listings are read in full of which it is told.
	Snapshot *SnapshotStatus `json:"snapshot,omitempty"`
	Streams  []StreamStatus  `json:"streams,omitempty"`
}

// StreamStatus is one listing.
type StreamStatus struct {
	Name         string    `json:"name"`
	State        string    `json:"state"`
	Cause        string    `json:"cause,omitempty"`
	Records      int       `json:"records"`
	SnapshotDone bool      `json:"snapshot_done"`
	Candidates   int       `json:"deletion_candidates"`
	Held         bool      `json:"deletes_held"`
	HeldFor      string    `json:"deletes_held_because,omitempty"`
	CallsPlanned int       `json:"snapshot_calls_planned,omitempty"` // of a snapshot under way
	CallsMade    int       `json:"snapshot_calls_made,omitempty"`
	LastScan     time.Time `json:"last_scan,omitzero"`
	LastFlush    time.Time `json:"last_flush,omitzero"`
	SweepReason  string    `json:"sweep_due_because,omitempty"`
}

// Status tells what this process captures.
func (s *Service) Status() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Status{Shards: s.manager.Owned(), Workspaces: []WorkspaceStatus{}}
	for _, cfg := range s.cfg.Planhat {
		st := WorkspaceStatus{Name: cfg.Name}
		if w := s.live[cfg.Name]; w != nil {
			st = w.status()
			s.tellStrangers(&st, w)
		} else if owner := s.manager.Astray(tokenPrefix + cfg.Name); owner != "" {
			st.State, st.Cause = "orphaned", service.Orphan(owner)
		}
		if why := s.manager.Refused(tokenPrefix + cfg.Name); why != "" && !st.Owned {
			st.State, st.Cause = "held", why
		}
		out.Workspaces = append(out.Workspaces, st)
	}
	for _, cfg := range s.cfg.Pipedrive {
		out.Accounts = append(out.Accounts, s.accountStatus(cfg))
	}
	return out
}

// tellStrangers shows that somebody else writes to a workspace's topics, unless
// there is worse to show.
func (s *Service) tellStrangers(st *WorkspaceStatus, w *workspace) {
	for _, stream := range w.streams {
		for i := range stream.objects { // not a copy of each: its worker writes to other fields of it
			topic := stream.objects[i].topic
			if seen := s.manager.Shared(topic); st.State == "ok" && !seen.IsZero() && time.Since(seen) < service.SharedFor {
				st.State, st.Cause = "shared", service.Shared(topic)
			}
		}
	}
}

// running notes that a workspace is worked on by this process.
func (s *Service) running(w *workspace, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if yes {
		s.live[w.cfg.Name] = w
	} else if s.live[w.cfg.Name] == w {
		delete(s.live, w.cfg.Name)
		s.metrics.forget(w.cfg.Name)
	}
}

func (w *workspace) status() WorkspaceStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := WorkspaceStatus{Name: w.cfg.Name, Owned: true, State: "ok"}
	if trouble := w.vendor.Trouble(); trouble != "" {
		out.State, out.Cause = "retrying", trouble
	}
	if w.orders.Paused != nil {
		out.State, out.Cause = statePaused, w.pausedBy(nil)
	}
	if w.pause.state != "" {
		out.State, out.Cause = w.pause.state, w.pause.cause
	}
	if w.stretch > 1 {
		out.Stretch = w.stretch
	}
	out.Targets = w.targetsShown
	if shown := w.snapshotShown; shown.Streams > 0 {
		out.Snapshot = &shown
	}
	for _, s := range w.streams {
		out.Streams = append(out.Streams, s.shown)
	}
	return out
}
