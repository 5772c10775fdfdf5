package oracle

import (
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func (m *model) create(s step) {
	switch s.status() {
	case schemas.StatusOK:
		m.createOK(s)
	case schemas.StatusUnknown:
		m.apply(m.newRecord(s.object(), "", unsure), s, false)
	default:
		if errorCode(s.res.Result) == schemas.CodeAlreadyExists && len(keysIn(s.object(), flatten(s.cmd.Command.Fields))) > 0 && !m.anyBound(s) {
			m.reportf(s, "the create was refused as ALREADY_EXISTS, but no record ever had its keys")
		}
	}
}

func (m *model) createOK(s step) {
	if s.effect() != schemas.EffectCreated {
		m.reportf(s, "a create that is OK has effect %s", s.effect())
	}
	if s.res.Result.RecordID == "" {
		m.reportf(s, "a create that is OK names no record")
		return
	}
	if twin := m.twin(s); twin != nil {
		m.reportf(s, "a create was OK, but record %s was live with the same key: it was overwritten or made twice", twin.id)
	}
	r := m.resolve(s)
	if m.surelyLive(r, s) {
		m.reportf(s, "a create was OK under the id of a record that was live: %s", r.id)
	}
	r.exists = live
	m.apply(r, s, true)
}

// twin finds a record that is surely live and has a key which a create would
// have to make unique.
func (m *model) twin(s step) *record {
	fields := flatten(s.cmd.Command.Fields)
	company, _ := fields[companyField(s.object())].(string)
	for name, value := range keysIn(s.object(), fields) {
		if name == "email" {
			continue
		}
		for _, r := range m.byKey[binding{s.object(), name, value}] {
			scoped := name == "externalId" && s.object() != string(planhat.Company)
			if m.surelyLive(r, s) && len(r.keys[name]) == 1 && (!scoped || company != "" && r.company == company) {
				return r
			}
		}
	}
	return nil
}

func (m *model) anyBound(s step) bool {
	for name, value := range keysIn(s.object(), flatten(s.cmd.Command.Fields)) {
		if len(m.byKey[binding{s.object(), name, value}]) > 0 {
			return true
		}
	}
	return false
}

func (m *model) update(s step) {
	r := m.resolve(s)
	switch {
	case s.status() == schemas.StatusOK:
		m.writeOK(r, s, schemas.EffectUpdated, schemas.EffectUnchanged)
	case s.status() == schemas.StatusUnknown && r != nil:
		m.apply(r, s, false)
	case notFound(s):
		m.missing(r, s)
	}
}

func (m *model) missing(r *record, s step) {
	if m.surelyLive(r, s) && !readBefore(s, m.past(r.id).deleted) {
		m.reportf(s, "%s was refused as NOT_FOUND, but record %s was live", s.op(), r.id)
	}
}

func (m *model) writeOK(r *record, s step, effects ...schemas.Effect) {
	if !slices.Contains(effects, s.effect()) {
		m.reportf(s, "%s that is OK has effect %s", s.op(), s.effect())
	}
	m.named(s)
	if r == nil {
		return
	}
	if r.surelyGone(s) {
		m.reportf(s, "%s was OK, but record %s did not exist", s.op(), r.id)
	}
	r.exists = live
	m.apply(r, s, true)
}

func (m *model) upsert(s step) {
	r := m.resolve(s)
	switch s.status() {
	case schemas.StatusOK:
		m.upsertOK(r, s)
	case schemas.StatusUnknown:
		if r == nil {
			r = m.newRecord(s.object(), "", unsure)
		}
		if r.exists == gone {
			r.exists = unsure
		}
		m.apply(r, s, false)
	default:
		if notFound(s) && s.cmd.Command.Target.ID == "" {
			m.reportf(s, "an upsert by key was refused as NOT_FOUND")
		}
	}
}

func (m *model) upsertOK(r *record, s step) {
	if s.effect() != schemas.EffectCreated && s.effect() != schemas.EffectUpdated && s.effect() != schemas.EffectUnchanged {
		m.reportf(s, "an upsert that is OK has effect %s", s.effect())
	}
	m.named(s)
	if r == nil {
		m.upsertNameless(s)
		return
	}
	created := s.effect() == schemas.EffectCreated
	switch {
	case created && m.surelyLive(r, s):
		m.reportf(s, "the upsert says CREATED, but record %s was live", r.id)
	case !created && r.surelyGone(s) && !readBefore(s, m.past(r.id).created):
		m.reportf(s, "the upsert says %s, but record %s did not exist", s.effect(), r.id)
	}
	r.exists = live
	m.apply(r, s, true)
}

// named: a write that changed something says which record. Of one that changed
// nothing the vendor's bulk answer does not tell the id; nor does it of one that
// an attempt without an answer had changed already.
func (m *model) named(s step) {
	told := s.effect() != schemas.EffectUnchanged && s.res.Result.Attempts <= 1
	if s.res.Result.RecordID == "" && told {
		m.reportf(s, "%s that is OK with effect %s names no record", s.op(), s.effect())
	}
}

// upsertNameless is an upsert that found its record as it should be, or made it
// by a call whose answer was lost; the id is not known.
func (m *model) upsertNameless(s step) {
	name, value := s.cmd.Command.Target.Key()
	if len(m.byKey[binding{s.object(), name, value}]) == 0 && s.res.Result.Attempts <= 1 && !m.madeBefore(s, name, value) {
		m.reportf(s, "the upsert says %s, but no record with %s %s existed", s.effect(), name, value)
	}
	m.apply(m.newRecord(s.object(), "", live), s, true)
}

// madeBefore: the journal has a record with the key from before the command was
// read.
func (m *model) madeBefore(s step, name, value string) bool {
	for _, p := range m.pasts {
		if p.keys[name] == value && readBefore(s, p.created) {
			return true
		}
	}
	return false
}

func (m *model) remove(s step) {
	r := m.resolve(s)
	switch s.status() {
	case schemas.StatusOK:
		m.removeOK(r, s)
	case schemas.StatusUnknown:
		if r != nil && r.exists == live {
			r.exists = unsure
		}
	default:
		if notFound(s) {
			m.missing(r, s)
		}
		return
	}
	if r != nil {
		r.touched(s)
	}
}

func (m *model) removeOK(r *record, s step) {
	if s.effect() != schemas.EffectDeleted && s.effect() != schemas.EffectUnchanged {
		m.reportf(s, "a delete that is OK has effect %s", s.effect())
	}
	if r == nil {
		return
	}
	switch {
	case s.effect() == schemas.EffectDeleted && r.surelyGone(s):
		m.reportf(s, "the delete says DELETED, but record %s did not exist", r.id)
	case s.effect() == schemas.EffectUnchanged && m.surelyLive(r, s) && !readBefore(s, m.past(r.id).deleted):
		m.reportf(s, "the delete says UNCHANGED, but record %s was live", r.id)
	}
	if r.concurrent(s) {
		r.exists = unsure
		return
	}
	r.exists = gone
}

func (m *model) get(s step) {
	r := m.resolve(s)
	switch {
	case notFound(s):
		m.missing(r, s)
	case s.status() != schemas.StatusOK:
	case s.effect() != schemas.EffectRead:
		m.reportf(s, "a get that is OK has effect %s", s.effect())
	case len(s.res.Result.Record) == 0:
		m.reportf(s, "a get that is OK has no record")
	case r != nil && r.surelyGone(s):
		m.reportf(s, "a get was OK, but record %s did not exist", r.id)
	}
}
