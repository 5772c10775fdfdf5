package sink

import (
	"context"
	"encoding/json"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// danglingItem is an item with a reference that names no record, for now.
type danglingItem struct {
	item plan.Item
	ref  plan.Reference
}

func (d danglingItem) refusal() *plan.Refusal {
	return rejection(schemas.CodeReferenceNotFound, "%s names the %s with %s %q, which does not exist",
		d.ref.Field, d.ref.Object, d.ref.Target.Key, d.ref.Target.Value)
}

// bodies spells the items of a bulk call, with an _id for each reference that Planhat
// takes in no other spelling. Items whose references name no record are taken out of the
// call.
func (e *executor) bodies(c *plan.Call) (bodies []json.RawMessage, dangling []danglingItem, err error) {
	unspelled := make(map[int][]plan.Reference)
	for n, i := range c.Items {
		if refs := i.Unspelled(); len(refs) > 0 {
			unspelled[n] = refs
		}
	}
	if err := e.companies(c.Items, unspelled); err != nil {
		return nil, nil, err
	}
	items := make([]plan.Item, 0, len(c.Items))
	bodies = make([]json.RawMessage, 0, len(c.Items))
	for n, i := range c.Items {
		spelled, ref, err := e.spelled(i, unspelled[n])
		switch {
		case err != nil:
			if err := e.leave([]plan.Item{i}, err); err != nil {
				return nil, nil, err
			}
		case ref != nil:
			dangling = append(dangling, danglingItem{i, *ref})
		default:
			items, bodies = append(items, i), append(bodies, spelled.BulkBody())
		}
	}
	c.Items = items
	return bodies, dangling, nil
}

// spelled is an item with ids for its references; one that names no record ends it.
func (e *executor) spelled(i plan.Item, refs []plan.Reference) (plan.Item, *plan.Reference, error) {
	for _, ref := range refs {
		id, err := e.known(i, ref)
		if err != nil || id == "" {
			return i, &ref, err
		}
		i.Fields = i.Fields.Refer(ref, id)
	}
	return i, nil, nil
}

// companies looks many companies up at once, for the references to find them known: of
// companies alone there is a list that can be asked for several. What it does not tell
// is looked up one by one.
func (e *executor) companies(items []plan.Item, unspelled map[int][]plan.Reference) error {
	values, asks := map[planhat.Key][]string{}, map[planhat.Key][]plan.Item{}
	asked := map[plan.Target]bool{}
	for n, refs := range unspelled {
		for _, ref := range refs {
			_, known := e.resolved.Load(reference{ref.Object, ref.Target})
			if ref.Object != planhat.Company || known || asked[ref.Target] {
				continue
			}
			asked[ref.Target] = true
			k := ref.Target.Key
			values[k], asks[k] = append(values[k], ref.Target.Value), append(asks[k], items[n])
		}
	}
	for k, list := range values {
		if len(list) < 2 {
			continue
		}
		err := e.try(asks[k], func(ctx context.Context) (int, error) {
			ids, calls, err := e.w.client.FindCompanies(ctx, k, list)
			for value, id := range ids {
				e.resolved.Store(reference{planhat.Company, plan.Target{Key: k, Value: value}}, id)
			}
			return calls, err
		})
		if err != nil && asError(err) == nil {
			return err
		}
	}
	return nil
}
