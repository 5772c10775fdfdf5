package sink

import (
	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// maxReferences is how many references of a refused item are looked up: each costs a
// call.
const maxReferences = 50

// missing returns the first of an item's references that names no record, nil
// if there is none.
func (e *executor) missing(i plan.Item) (*plan.Reference, error) {
	refs := plan.References(i.Spec, i.Fields)
	for _, ref := range refs[:min(len(refs), maxReferences)] {
		if e.sought(ref) {
			return &ref, nil
		}
		id, err := e.known(i, ref)
		if err != nil {
			return nil, err
		}
		if id == "" {
			return &ref, nil
		}
	}
	return nil, nil
}

// sought tells whether a reference's record is waited for already, or was in vain.
func (e *executor) sought(ref plan.Reference) bool {
	name := reference{ref.Object, ref.Target}
	if _, known := e.resolved.Load(name); known {
		return false
	}
	_, sought := e.awaited.Load(name)
	return sought
}

// resolve looks the record of a reference up; "" if there is none. A reference
// that the token may not read counts as there, and is given as it is spelled:
// the write will tell.
func (e *executor) resolve(i plan.Item, ref plan.Reference) (string, error) {
	spec, ok := planhat.Lookup(ref.Object)
	if !ok || ref.Target.Value == "" {
		return "", nil
	}
	rows, err := e.lookUp(i, &spec, ref.Target, "") // a conversation may be a note
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		return ref.Spelled, nil
	case err != nil:
		return "", err
	case len(rows) == 0:
		return "", nil
	}
	return rows[0].id, nil
}

// known is resolve for a record that was there a moment ago: items of a stage often
// have references in common, and their calls are not ordered against each other.
func (e *executor) known(i plan.Item, ref plan.Reference) (string, error) {
	name := reference{ref.Object, ref.Target}
	if id, ok := e.resolved.Load(name); ok {
		return id.(string), nil //nolint:forcetypeassert // of known alone
	}
	id, err := e.resolve(i, ref)
	if err == nil && id != "" {
		e.resolved.Store(name, id)
	}
	return id, err
}

// reference names a record that items refer to.
type reference struct {
	object planhat.Object
	target plan.Target
}

// await waits for the record of a reference to appear, as long as the batch
// has left for that, and tells whether it has. Of the items that wait for one
// record one looks for it.
func (e *executor) await(i plan.Item, ref plan.Reference) (bool, error) {
	own := &awaited{done: make(chan struct{})}
	got, shared := e.awaited.LoadOrStore(reference{ref.Object, ref.Target}, own)
	if shared {
		other := got.(*awaited) //nolint:forcetypeassert // of await alone
		select {
		case <-other.done:
			return other.there, other.err
		case <-e.w.ctx.Done():
			return false, errStopped
		}
	}
	defer close(own.done)
	own.there, own.err = e.lookOut(i, ref)
	return own.there, own.err
}

// awaited is a reference that is waited for, and what came of it.
type awaited struct {
	done  chan struct{}
	there bool
	err   error
}

func (e *executor) lookOut(i plan.Item, ref plan.Reference) (bool, error) {
	for {
		left := e.references.left()
		if left <= 0 {
			return false, nil
		}
		if sleep(e.w.ctx, min(e.w.times.Poll, left)) != nil {
			return false, errStopped
		}
		id, err := e.resolve(i, ref)
		if err != nil {
			return false, err
		}
		if id != "" {
			e.resolved.Store(reference{ref.Object, ref.Target}, id)
			return true, nil
		}
	}
}

// plain spells the references of an update as _id: Planhat documents the other
// spellings for creates and bulk upserts only. The reference is that of a
// record that does not exist.
func (e *executor) plain(i plan.Item) (plan.Fields, *plan.Reference, error) {
	fields := i.Fields
	for _, ref := range plan.References(i.Spec, i.Fields) {
		if !ref.Prefixed {
			continue
		}
		id, err := e.known(i, ref)
		if err != nil {
			return nil, nil, err
		}
		if id == "" {
			there, err := e.await(i, ref)
			if err != nil {
				return nil, nil, err
			}
			if !there {
				return nil, &ref, nil
			}
			if id, err = e.known(i, ref); err != nil {
				return nil, nil, err
			}
		}
		fields = fields.Refer(ref, id)
	}
	return fields, nil, nil
}
