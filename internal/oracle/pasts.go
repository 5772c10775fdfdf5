package oracle

import (
	"maps"
	"slices"
	"time"
)

// vendorPast is what the journal tells of one record.
type vendorPast struct {
	created, deleted time.Time // zero: not in the journal
	keys             map[string]string
	cascaded         bool // deleted by a call that deleted others too
	entries          []Entry
}

// pasts indexes the journal by record id.
func pasts(journal []Entry) map[string]*vendorPast {
	out := map[string]*vendorPast{}
	deletes := map[int64][]*vendorPast{}
	for _, entry := range journal {
		p := out[entry.ID]
		if p == nil {
			p = &vendorPast{created: entry.At, keys: map[string]string{}}
			out[entry.ID] = p
		}
		p.entries = append(p.entries, entry)
		maps.Copy(p.keys, entry.Keys)
		if entry.Op != "delete" {
			continue
		}
		p.deleted = entry.At
		if entry.Call != 0 {
			deletes[entry.Call] = append(deletes[entry.Call], p)
		}
	}
	for _, group := range deletes {
		for _, p := range group {
			p.cascaded = len(group) > 1
		}
	}
	return out
}

// elsewhere tells whether the vendor has ever had the record as one of another object:
// then commands for this one need not find it. Whether a ticket is a conversation as well
// is for the tenant to say.
func (p *vendorPast) elsewhere(object string) bool {
	return slices.ContainsFunc(p.entries, func(e Entry) bool {
		return !slices.Contains(e.objects(), object) || e.Object == object && e.Also != ""
	})
}

// readBefore tells whether the bridge read the command again after its effect
// at the vendor: then what the result says of the effect is of the repetition.
// So it is after a crash between effect and result, and after a lost answer. Results
// tell whole milliseconds.
func readBefore(s step, effect time.Time) bool {
	received := s.res.Result.ReceivedAt
	return s.res.Result.Attempts > 1 || !effect.IsZero() && !received.IsZero() && !effect.Truncate(time.Millisecond).After(received)
}

func (m *model) past(id string) *vendorPast {
	if p := m.pasts[id]; p != nil {
		return p
	}
	return &vendorPast{}
}
