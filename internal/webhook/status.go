package webhook

import "time"

// Status is the intake's part of /status.
type Status struct {
	Address string    `json:"address,omitempty"` // where it listens
	State   string    `json:"state"`             // ok, refusing, off
	Cause   string    `json:"cause,omitempty"`
	Since   time.Time `json:"since,omitzero"`

	InFlight    int64           `json:"in_flight"`
	Bytes       int64           `json:"in_flight_bytes"`
	Connections int64           `json:"connections"`
	Accounts    []AccountStatus `json:"accounts"`
	// Unknown are requests to no configured account, by outcome.
	Unknown map[string]int64 `json:"unknown,omitempty"`
}

// AccountStatus is what came for an account since the start.
type AccountStatus struct {
	Name       string           `json:"name"`
	Path       string           `json:"path"`
	Passwords  int              `json:"passwords"` // that are accepted at the moment
	Requests   map[string]int64 `json:"requests,omitempty"`
	LastStored time.Time        `json:"last_stored,omitzero"`
}

// Status tells what the intake takes.
func (s *Service) Status() any {
	out := Status{
		State: "ok", InFlight: s.load.requests.Load(), Bytes: s.load.bytes.Load(), Connections: s.door.open.Load(), Accounts: []AccountStatus{},
		Unknown: s.nobody.counts.told(),
	}
	if address := s.bound.Load(); address != nil {
		out.Address = *address
	}
	if len(s.rooms) == 0 {
		out.State, out.Cause = "off", "no account has WEBHOOK_USER and WEBHOOK_PASSWORD"
	}
	if cause, since := s.trouble.told(); cause != "" {
		out.State, out.Cause, out.Since = "refusing", cause, since.UTC()
	}
	for _, a := range s.cfg.Pipedrive {
		r := s.rooms[a.Name]
		if r == nil {
			continue
		}
		st := AccountStatus{Name: a.Name, Path: Path + a.Name, Passwords: r.login.current(s.deps.Now()).accepted, Requests: r.counts.told()}
		if ms := r.counts.last.Load(); ms > 0 {
			st.LastStored = time.UnixMilli(ms).UTC()
		}
		out.Accounts = append(out.Accounts, st)
	}
	return out
}

// told are the outcomes that there were.
func (c *counts) told() map[string]int64 {
	var out map[string]int64
	for o := range outcomes {
		if n := c.ended[o].Load(); n > 0 {
			if out == nil {
				out = map[string]int64{}
			}
			out[o.String()] = n
		}
	}
	return out
}
