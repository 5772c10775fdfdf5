package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// found is a record that a look-up gave.
type found struct {
	id  string
	raw json.RawMessage // as a single record is shaped; for an email as a row of the listing
}

// find looks records up by a key: none, one, or several. Only records of the
// object's type count. The look-up is counted for the item.
func (e *executor) find(i plan.Item, spec *planhat.Spec, t plan.Target) ([]found, error) {
	return e.findIn(i, spec, t, "")
}

// findIn is find within a company.
func (e *executor) findIn(i plan.Item, spec *planhat.Spec, t plan.Target, company string) ([]found, error) {
	rows, err := e.lookUp(i, spec, t, company)
	return ofType(rows, spec), err
}

// lookUp is findIn for records of any object that shares the listing.
func (e *executor) lookUp(i plan.Item, spec *planhat.Spec, t plan.Target, company string) ([]found, error) {
	var out []found
	err := e.try([]plan.Item{i}, e.punctual(i, func(ctx context.Context) (int, error) {
		out = nil
		if t.Key == planhat.KeyID {
			raw, err := e.w.client.Get(ctx, spec.Object, planhat.ByID(t.Value))
			if err == nil {
				out = append(out, found{t.Value, raw})
			}
			return 1, err
		}
		rows, err := e.w.client.Find(ctx, spec.Object, t.Key, t.Value, company)
		for _, r := range rows {
			out = append(out, found{r.ID, r.Raw})
		}
		return 1, err
	}))
	switch kind := planhat.KindOf(err); {
	case kind == planhat.KindNotFound, kind == planhat.KindInvalid, kind == planhat.KindMalformed && !gaveUp(err):
		// Planhat documents no answer for a record that does not exist; to a
		// well-formed read any refusal means that.
		out = nil
	case err != nil:
		return nil, err
	}
	if len(out) > 0 {
		e.w.proven.note(spec.Object, reads)
	}
	if len(out) > 0 || err == nil && t.Key == planhat.KeyEmail { // an email is looked up in the listing
		return out, nil
	}
	if spec.GetUnproven {
		return e.asTwin(i, spec, t)
	}
	return nil, e.visible(i, spec)
}

// asTwin looks a record up under the path of the object that it is too: its own may have
// no single records.
func (e *executor) asTwin(i plan.Item, spec *planhat.Spec, t plan.Target) ([]found, error) {
	twin, _ := planhat.Lookup(spec.Twin)
	for _, key := range twin.Keys {
		if twin.KeyField(key) != spec.KeyField(t.Key) {
			continue
		}
		rows, err := e.lookUp(i, &twin, plan.Target{Key: key, Value: t.Value}, "")
		if err != nil && planhat.KindOf(err) != planhat.KindForbidden {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(r found) bool { return typeOf(r) != spec.TwinType })
		if len(rows) > 0 {
			return rows, nil
		}
	}
	return nil, e.visible(i, spec)
}

func typeOf(r found) string {
	var typed struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(r.raw, &typed) != nil {
		return ""
	}
	return typed.Type
}

// visible is an error of kind forbidden if the token may not see an object.
// Nobody documents how Planhat answers it then: if as for a record that does not
// exist, the listing, which always exists, tells the two apart. It is asked once
// in a batch, for the first item that wants to know, unless the batch has seen it.
func (e *executor) visible(i plan.Item, spec *planhat.Spec) error {
	if e.w.proven.since(spec.Object, reads, e.began) {
		return nil
	}
	e.sight.Lock()
	seen := e.seen[spec.Object]
	if seen == nil {
		seen = sync.OnceValue(func() error { return e.glance(i, spec.Object) })
		e.seen[spec.Object] = seen
	}
	e.sight.Unlock()
	return seen()
}

// glance asks for one row of a listing. A listing that fails says nothing.
func (e *executor) glance(i plan.Item, o planhat.Object) error {
	err := e.try([]plan.Item{i}, func(ctx context.Context) (int, error) {
		_, err := e.w.client.Page(ctx, o, planhat.ListOptions{Sort: "_id", Limit: 1})
		return 1, err
	})
	failed := asError(err)
	if failed == nil {
		if err == nil {
			e.w.proven.note(o, reads)
		}
		return err
	}
	switch failed.Kind {
	case planhat.KindNotFound, planhat.KindForbidden:
		denied := *failed
		denied.Kind = planhat.KindForbidden
		return &denied
	default:
		return nil
	}
}

// ofType keeps the records that are of an object which shares its listing.
func ofType(rows []found, spec *planhat.Spec) []found {
	if !spec.Shared() {
		return rows
	}
	var out []found
	for _, r := range rows {
		if kind := typeOf(r); kind == "" || spec.Holds(kind) {
			out = append(out, r)
		}
	}
	return out
}

// seek looks up the records that an item's target names; for an upsert, within
// the company that the item names, as the vendor matches it.
func (e *executor) seek(i plan.Item) ([]found, error) {
	if i.Op != plan.Upsert {
		return e.find(i, i.Spec, i.Target)
	}
	company, there, err := e.companyOf(i, i.Target)
	if err != nil || !there {
		return nil, err
	}
	return e.findIn(i, i.Spec, i.Target, company)
}

// one looks up the one record that an item's target names. It returns nil and
// no refusal if there is none, and a refusal if there are several, or if the
// token may not look. A record that is shown, or held to its stamp, is read as
// a single record: rows of listings may lack fields.
func (e *executor) one(i plan.Item) (*found, *plan.Refusal, error) {
	rows, err := e.seek(i)
	if err == nil && len(rows) == 1 && i.Target.Key == planhat.KeyEmail && (i.Op == plan.Get || i.Orders[0].Since != nil) {
		rows, err = e.find(i, i.Spec, plan.Target{Key: planhat.KeyID, Value: rows[0].id})
	}
	switch {
	case planhat.KindOf(err) == planhat.KindForbidden:
		return nil, refusalOf(err, i), nil
	case err != nil:
		return nil, nil, err
	case len(rows) == 0:
		return nil, nil, nil
	case len(rows) > 1:
		return nil, rejection(schemas.CodeAmbiguousTarget, "%d records of object %s have this %s", len(rows), i.Spec.Object, i.Target.Key), nil
	}
	return &rows[0], nil, nil
}

// precondition holds a record to the command's ifUnchangedSince. If the
// command may have been carried out before a crash, the change may be its own:
// then it is done if the record holds the fields, and in doubt if not.
func (e *executor) precondition(i plan.Item, r found) (done bool) {
	refusal := unchanged(i, r)
	if refusal == nil {
		return false
	}
	if refusal.Code == schemas.CodePreconditionFailed && e.batch[i.Orders[0].Seq].resumed {
		differing, err := plan.Differences(r.raw, i)
		if err == nil && len(differing) == 0 && i.Op != plan.Delete {
			e.end(i, schemas.EffectUpdated, r.id)
			return true
		}
		refusal = rejection(schemas.CodeOutcomeUnknown, "%s, perhaps by this command before a restart", refusal.Message)
		if i.Op == plan.Delete {
			refusal = unchanged(i, r)
		}
	}
	e.refuse(i, refusal)
	return true
}

// unchanged holds a record to a time.
func unchanged(i plan.Item, r found) *plan.Refusal {
	since := i.Orders[0].Since
	if since == nil {
		return nil
	}
	var row map[string]json.RawMessage
	if err := json.Unmarshal(r.raw, &row); err != nil {
		return rejection(schemas.CodeVendorRejected, "the record cannot be read: %v", err)
	}
	stamp, ok := stampOf(row[i.Spec.Stamp])
	if !ok {
		return rejection(schemas.CodeUnsupportedOperation, "the record carries no %s: ifUnchangedSince cannot be kept", i.Spec.Stamp)
	}
	if stamp.After(*since) {
		doc, _ := schemas.CodePreconditionFailed.Doc()
		return &plan.Refusal{
			Status: doc.Status, Code: doc.Code, Remedy: doc.Remedy,
			Message: fmt.Sprintf("the record was changed at %s, after %s", stamp.UTC().Format(time.RFC3339Nano), since.UTC().Format(time.RFC3339Nano)),
		}
	}
	return nil
}

func stampOf(raw json.RawMessage) (time.Time, bool) {
	if ms, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	var t time.Time
	err := json.Unmarshal(raw, &t)
	return t, err == nil && !t.IsZero()
}

// rejection is a refusal with the status and remedy of its code.
func rejection(code schemas.Code, format string, args ...any) *plan.Refusal {
	doc, _ := code.Doc()
	return &plan.Refusal{Status: doc.Status, Code: code, Message: fmt.Sprintf(format, args...), Remedy: doc.Remedy}
}

// refusalOf turns the client's error into the item's refusal.
func refusalOf(err error, i plan.Item) *plan.Refusal {
	code := schemas.CodeVendorRejected
	switch planhat.KindOf(err) {
	case planhat.KindForbidden:
		code = schemas.CodeForbidden
	case planhat.KindConflict:
		code = schemas.CodeAlreadyExists
	case planhat.KindNotFound:
		code = schemas.CodeNotFound
		if i.Op == plan.Create || i.Op == plan.Upsert {
			code = schemas.CodeForbidden // there is nothing to be found: it is the way that is closed
		}
	case planhat.KindUnavailable: // given up: an attempt without an answer may yet take effect
		if e := asError(err); e.Uncertain && e.Status == 0 {
			code = schemas.CodeOutcomeUnknown
		}
	default:
		if status(err) == 413 {
			code = schemas.CodeTooLarge
		}
	}
	return rejection(code, "%s of %s: %s", i.Op, i.Spec.Object.WithArticle(), vendorMessage(err))
}

func status(err error) int {
	if e := asError(err); e != nil {
		return e.Status
	}
	return 0
}
