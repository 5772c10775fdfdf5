package sink

import (
	"context"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// single carries out an item that is sent by itself.
func (e *executor) single(way plan.Way, i plan.Item) error {
	if way != plan.Read && way != plan.Post {
		if err := e.readBack([]plan.Item{i}); err != nil {
			return err
		}
	}
	switch way {
	case plan.Put:
		return e.put(i)
	case plan.Resolve:
		return e.resolveUpsert(i)
	case plan.Remove:
		return e.remove(i)
	case plan.Read:
		return e.read(i)
	default: // a create that is sent again: its intent is gone
		return e.portion([]plan.Call{plan.Single(i)})
	}
}

// put updates one record. It is addressed by the item's target where Planhat
// has such an address and nothing has to be known of the record before.
func (e *executor) put(i plan.Item) error {
	t := i.Target
	if t.Key == planhat.KeyEmail || i.Renames() || i.Orders[0].Since != nil || i.Spec.Shared() {
		r, refusal, err := e.one(i)
		switch {
		case err != nil:
			return err
		case refusal != nil:
			e.refuse(i, refusal)
			return nil
		case r == nil:
			return e.renamed(i)
		}
		if e.precondition(i, *r) || e.unwritten(i, *r) {
			return nil
		}
		t = plan.Target{Key: planhat.KeyID, Value: r.id}
	}
	return e.update(i, t)
}

// errVanished is an upsert's record that was found, and does not exist.
var errVanished = errors.New("the record was found, and does not exist")

// update sends an item's fields to a record. A record that does not exist ends
// an update as NOT_FOUND, and is errVanished for an upsert.
func (e *executor) update(i plan.Item, t plan.Target) error {
	fields, dangling, err := e.plain(i)
	if err != nil {
		return err
	}
	if dangling != nil {
		return e.refused(i, rejection(schemas.CodeReferenceNotFound, "%s names the %s with %s %q, which does not exist",
			dangling.Field, dangling.Object, dangling.Target.Key, dangling.Target.Value))
	}
	var written planhat.Written
	err = e.write([]plan.Item{i}, func(ctx context.Context) (int, error) {
		var err error
		written, err = e.w.client.Update(ctx, i.Spec.Object, planhat.Ref(t), fields.JSON())
		return written.Attempts, err
	}, func() (bool, error) { return e.held(i, t) })
	if failed := asError(err); written.Repeated || failed != nil && failed.Uncertain {
		e.unsettled.mark(e.w.times.Settle, i)
	}
	switch kind := planhat.KindOf(err); {
	case kind == planhat.KindNone:
		if err != nil {
			return err
		}
		e.w.proven.note(i.Spec.Object, updates)
		e.end(i, schemas.EffectUpdated, written.ID)
		return nil
	case kind == planhat.KindForbidden:
		e.refuse(i, refusalOf(err, i))
		return nil
	case kind == planhat.KindNotFound:
		return e.unseen(i, t)
	case gaveUp(err):
		return e.abandon(i, t, err)
	case kind == planhat.KindInvalid, kind == planhat.KindMalformed:
		// Planhat documents no answer for a record that does not exist.
		rows, lookup := e.find(i, i.Spec, t)
		if lookup != nil && planhat.KindOf(lookup) != planhat.KindForbidden {
			return lookup
		}
		if lookup == nil && len(rows) == 0 {
			return e.vanished(i)
		}
	default: // refused in so many words
	}
	return e.refused(i, refusalOf(err, i))
}

// renamed ends an update whose record is not found. If the update changes the
// key that it goes by, and an earlier attempt at the batch may have sent it, it
// is done if the record has the new key and holds the fields, else in doubt.
func (e *executor) renamed(i plan.Item) error {
	if !i.Renames() || !e.batch[i.Orders[0].Seq].resumed {
		return e.notFound(i)
	}
	if value, ok := i.Fields.Text(i.Spec.KeyField(i.Target.Key)); ok {
		r, err := e.byKey(i, plan.Target{Key: i.Target.Key, Value: value})
		if err == nil && r != nil {
			r, err = e.byKey(i, plan.Target{Key: planhat.KeyID, Value: r.id})
		}
		if err != nil {
			return err
		}
		if r != nil {
			if differing, err := plan.Differences(r.raw, i); err == nil && len(differing) == 0 {
				e.end(i, schemas.EffectUpdated, r.id)
				return nil
			}
		}
	}
	e.refuse(i, rejection(schemas.CodeOutcomeUnknown, "there is no %s with %s %q; this command may have changed it before a restart", i.Spec.Object, i.Target.Key, i.Target.Value))
	return nil
}

// unseen ends an update that was answered as for a record that does not exist. A
// token that may not see the object, or may not change it, may be answered so too; one
// that has changed another in this batch is not.
func (e *executor) unseen(i plan.Item, t plan.Target) error {
	if e.w.proven.since(i.Spec.Object, updates, e.began) {
		return e.vanished(i)
	}
	rows, err := e.find(i, i.Spec, t)
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		e.refuse(i, refusalOf(err, i))
		return nil
	case err != nil:
		return err
	case len(rows) > 0:
		e.refuse(i, closed(i))
		return nil
	}
	return e.vanished(i)
}

// closed is the refusal of a write to a record that is there, and that Planhat
// says it does not find.
func closed(i plan.Item) *plan.Refusal {
	return rejection(schemas.CodeForbidden, "the %s exists, but its %s is answered as if it did not: the token may not do it", i.Spec.Object, i.Op)
}

func (e *executor) vanished(i plan.Item) error {
	if i.Op == plan.Upsert {
		return errVanished
	}
	return e.notFound(i)
}

func (e *executor) notFound(i plan.Item) error {
	e.refuse(i, rejection(schemas.CodeNotFound, "there is no %s with %s %q", i.Spec.Object, i.Target.Key, i.Target.Value))
	return nil
}

// rewrite updates the record that an upsert has found. One that does not exist after all
// is errVanished, after a while, unless it was the last try.
func (e *executor) rewrite(i plan.Item, r found, last bool) error {
	if e.precondition(i, r) || e.unwritten(i, r) {
		return nil
	}
	err := e.update(i, plan.Target{Key: planhat.KeyID, Value: r.id})
	switch {
	case !errors.Is(err, errVanished):
		return err
	case last:
		e.refuse(i, rejection(schemas.CodeVendorRejected, "the %s %s is listed under its %s, but does not exist by its _id", i.Spec.Object, r.id, i.Target.Key))
		return nil
	case sleep(e.w.ctx, e.w.times.Settle) != nil:
		return errStopped
	}
	return errVanished
}

// maxVanished is how often a record is looked for that is found and does not exist.
const maxVanished = 3

// resolveUpsert carries out an upsert whose fields name keys that the vendor
// would match before the target: it looks the target up, then updates what was
// found by _id, or creates. That is safe to repeat where Planhat keeps one of
// its keys unique; where it goes by an email alone, a create that may have been
// sent is not sent again.
func (e *executor) resolveUpsert(i plan.Item) error {
	c := e.batch[i.Orders[0].Seq]
	attempt := trial{e: e, items: []plan.Item{i}}
	for tries, vanished := 0, 0; ; tries++ {
		r, refusal, err := e.one(i)
		switch {
		case err != nil:
			return err
		case refusal != nil:
			e.refuse(i, refusal)
			return nil
		case r != nil:
			vanished++
			if err := e.rewrite(i, *r, vanished == maxVanished); !errors.Is(err, errVanished) {
				return err
			}
			continue
		case bare(i) && c.resumed:
			e.unknown(i, "the record has no unique key to look it up by")
			return nil
		}
		written, err := e.post(i)
		switch kind := planhat.KindOf(err); {
		case err == nil:
			e.created(i, written.ID)
			return nil
		case kind == planhat.KindAmbiguous:
			c.resumed = true
			if attempt.over(err) {
				e.unknown(i, vendorMessage(err))
				return nil
			}
			if sleep(e.w.ctx, e.w.times.Settle) != nil {
				return errStopped
			}
		case kind == planhat.KindNone, gaveUp(err) && c.resumed: // then an earlier attempt may yet take effect
			return err
		case kind == planhat.KindConflict && tries == 0:
			// Somebody may have created it since the look-up.
		case kind == planhat.KindForbidden:
			e.refuse(i, refusalOf(err, i))
			return nil
		default:
			return e.refused(i, refusalOf(err, i))
		}
	}
}

// post creates a record, after the references that Planhat does not take as they are
// spelled have become ids. One that names no record is as good as a refusal.
func (e *executor) post(i plan.Item) (planhat.Written, error) {
	if len(i.Unspelled()) > 0 {
		fields, dangling, err := e.plain(i)
		switch {
		case err != nil:
			return planhat.Written{}, err
		case dangling != nil:
			return planhat.Written{}, &planhat.Error{
				Kind: planhat.KindInvalid, Action: "create", Subject: string(i.Spec.Object),
				Message: fmt.Sprintf("%s %q names no %s", dangling.Field, dangling.Spelled, dangling.Object),
			}
		}
		i.Fields = fields
	}
	var written planhat.Written
	err := e.write([]plan.Item{i}, func(ctx context.Context) (int, error) {
		var err error
		written, err = e.w.client.Create(ctx, i.Spec.Object, i.CreateBody())
		return written.Attempts, err
	}, nil)
	return written, err
}

// remove deletes one record; one that is gone already is in order.
func (e *executor) remove(i plan.Item) error {
	of := deletes{e.w.cfg.Name, i.Spec.Object}
	words, learned := e.w.service.wording.learn(of, e.w.times.Settle)
	defer learned()
	tells := words == wordsCount
	id, sought, done, err := e.doomed(i, tells)
	if done || err != nil {
		return err
	}
	var deleted planhat.Deleted
	err = e.write([]plan.Item{i}, func(ctx context.Context) (int, error) {
		var err error
		deleted, err = e.w.client.Delete(ctx, i.Spec.Object, id)
		return deleted.Attempts, err
	}, func() (bool, error) { return e.gone(i, id) })
	if failed := asError(err); deleted.Repeated || failed != nil && failed.Uncertain {
		e.unsettled.mark(e.w.times.Settle, i)
	}
	switch {
	case err != nil && asError(err) == nil:
		return err
	case gaveUp(err):
		return e.notRemoved(i, id, err)
	case err != nil:
		return e.refused(i, refusalOf(err, i))
	case sought && deleted.Repeated, deleted.Count > 0 && (deleted.Told || sought || !tells):
		e.w.service.wording.heard(of, deleted.Told)
		e.end(i, schemas.EffectDeleted, id)
	case deleted.Count == 0 && !deleted.Told:
		return e.undeleted(i, id)
	default:
		e.end(i, schemas.EffectUnchanged, id)
	}
	return nil
}

// gone ends a delete that was answered with nonsense, if the record is gone.
func (e *executor) gone(i plan.Item, id string) (bool, error) {
	rows, err := e.find(i, i.Spec, plan.Target{Key: planhat.KeyID, Value: id})
	switch {
	case gaveUp(err), planhat.KindOf(err) == planhat.KindForbidden, len(rows) > 0:
		return false, nil
	case err != nil:
		return false, err
	}
	e.end(i, schemas.EffectDeleted, id)
	return true, nil
}

// doomed finds the id of the record to delete, and looks it up where something
// has to be known of it. It is done if the item ended with that.
func (e *executor) doomed(i plan.Item, tells bool) (id string, sought, done bool, err error) {
	must := i.Target.Key != planhat.KeyID || i.Orders[0].Since != nil || i.Spec.Shared()
	if !must && tells {
		return i.Target.Value, false, false, nil
	}
	r, refusal, err := e.one(i)
	switch {
	case err != nil:
		return "", false, false, err
	case refusal != nil && !must: // a token may delete what it may not read
		return i.Target.Value, false, false, nil
	case refusal != nil:
		e.refuse(i, refusal)
		return "", false, true, nil
	case r == nil:
		e.end(i, schemas.EffectUnchanged, "")
		return "", false, true, nil
	}
	return r.id, true, e.precondition(i, *r), nil
}

// undeleted ends a delete that was answered as for a record that does not exist;
// see unseen.
func (e *executor) undeleted(i plan.Item, id string) error {
	rows, err := e.find(i, i.Spec, plan.Target{Key: planhat.KeyID, Value: id})
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		e.refuse(i, refusalOf(err, i))
	case err != nil:
		return err
	case len(rows) > 0:
		e.refuse(i, closed(i))
	default:
		e.end(i, schemas.EffectUnchanged, id)
	}
	return nil
}

// read answers a get with the record as a single record is shaped.
func (e *executor) read(i plan.Item) error {
	r, refusal, err := e.one(i)
	switch {
	case err != nil:
		return err
	case refusal != nil:
		e.refuse(i, refusal)
		return nil
	case r == nil:
		return e.notFound(i)
	}
	e.endRead(i, r.raw, r.id)
	return nil
}
