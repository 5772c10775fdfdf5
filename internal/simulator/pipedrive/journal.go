package pipedrivesim

import "time"

// Entry is one write of the company.
type Entry struct {
	Seq    int64     `json:"seq"` // from 1, without gaps
	At     time.Time `json:"at"`
	Via    string    `json:"via"`    // api, app, life, seed
	Op     string    `json:"op"`     // create, change, delete, merge (the survivor), reparent, unchanged, unannounced (a change without an event)
	Object string    `json:"object"` // deal, organization, ...
	ID     int64     `json:"id,string"`
	Stamp  string    `json:"update_time,omitempty"` // after it
	Event  string    `json:"event_id,omitempty"`    // the event's UUID, where there is one
	User   int64     `json:"user,omitempty"`
	Call   int64     `json:"call,omitempty"` // number of the API call
}

func (t *tx) log(ch change, op string) {
	e := Entry{Seq: int64(len(t.s.journal)) + 1, At: t.at, Via: t.via, Op: op, Object: ch.object.name, ID: ch.id, Event: ch.event, User: t.by.id, Call: t.call}
	if r := t.store(ch.object).byID[ch.id]; r != nil {
		e.Stamp = r.doc.text("update_time")
	}
	t.s.journal = append(t.s.journal, e)
}

// Journal gives the entries behind a number, and the number of the last one.
func (s *Server) Journal(after int64) ([]Entry, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := int64(len(s.journal))
	if after >= last || after < 0 {
		return nil, last
	}
	return append([]Entry(nil), s.journal[after:]...), last
}
