package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// fate is what became of one item of a bulk call: the truth, which the vendor
// may tell in many ways.
type fate struct {
	kind     fateKind
	id       string         // of the record, "" if there is none
	given    planhat.KeySet // the keys that the item carried
	held     planhat.KeySet // the keys that the record has afterwards
	message  string         // of a refusal
	inTheWay planhat.KeySet // the keys of the record that the refusal is about, if it is another's
}

type fateKind int

const (
	fateInserted fateKind = iota
	fateUpdated
	fateUnchanged
	fateNotInserted
	fateNotUpdated
	fateInvalid
	fateDenied
	fateDropped // nothing was done, and nothing is said
	fateKinds
)

func (k fateKind) refused() bool { return k >= fateNotInserted && k <= fateDenied }
func (k fateKind) written() bool { return k == fateInserted || k == fateUpdated }

// forms are the choices that nobody has documented, or that documents
// contradict each other in.
type forms struct {
	entries      string // what insertsKeys and updatesKeys have of a record: "given", "held", "ids", "none"
	idLists      bool   // modified and upsertedIds are there
	matched      bool   // updatesKeys has the records that nothing differed in, too
	counts       string // "right", "absent", "attempts": refused items count as created and updated
	noUnchanged  bool   // nonupdates is missing
	elements     string // of error arrays: "string", "bare", "flat", "item", "stored", "in the way"
	oneArray     bool   // values of the wrong type are in the arrays of their operations
	twice        bool   // a refused item is in validationErrors as well
	emptyAreNull bool
	emptyAbsent  bool
}

func drawForms(r *rand.Rand) forms {
	f := forms{
		entries:  pick(r, "given", "given", "held", "ids", "none"),
		idLists:  r.IntN(3) > 0,
		matched:  r.IntN(5) == 0,
		counts:   pick(r, "right", "right", "right", "absent", "attempts"),
		elements: pick(r, "string", "bare", "flat", "item", "stored", "in the way"),
		oneArray: r.IntN(2) == 0, twice: r.IntN(6) == 0,
		noUnchanged: r.IntN(8) == 0, emptyAreNull: r.IntN(4) == 0, emptyAbsent: r.IntN(4) == 0,
	}
	if f.entries == "none" {
		f.idLists, f.matched = true, false
	}
	if f.matched { // else nothing would tell what was changed
		f.counts, f.noUnchanged = "right", false
	}
	return f
}

// plain tells whether the answer is as the documents' examples are.
func (f forms) plain() bool {
	return (f.entries == "given" || f.entries == "held") && !f.matched && f.counts == "right" && !f.noUnchanged && !f.twice &&
		(f.elements == "flat" || f.elements == "item")
}

// whole tells whether the answer says everything of what was written, and nothing
// twice.
func (f forms) whole() bool { return f.counts == "right" && !f.twice && !f.matched }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// render tells fates in some form: the status and body of an answer.
func (f forms) render(r *rand.Rand, fates []fate) (int, []byte) {
	body := map[string]any{}
	lists := map[string][]any{}
	count := map[fateKind]int{}
	add := func(list string, element any) { lists[list] = append(lists[list], element) }
	for _, n := range r.Perm(len(fates)) {
		one := fates[n]
		count[one.kind]++
		switch {
		case one.kind == fateInserted:
			f.listed(add, "insertsKeys", "upsertedIds", one)
		case one.kind == fateUpdated:
			f.listed(add, "updatesKeys", "modified", one)
		case one.kind == fateUnchanged && f.matched:
			add("updatesKeys", f.entry(one))
		case one.kind.refused():
			array := map[fateKind]string{fateNotInserted: "createdErrors", fateNotUpdated: "updatedErrors", fateDenied: "permissionErrors"}[one.kind]
			if one.kind == fateInvalid {
				array = "validationErrors"
				if f.oneArray {
					array = "createdErrors"
				}
			}
			add(array, f.element(one))
			if f.twice && array != "validationErrors" && one.kind != fateDenied {
				add("validationErrors", f.element(one))
			}
		}
	}
	if f.counts != "absent" {
		body["created"], body["updated"] = count[fateInserted], count[fateUpdated]
	}
	if f.counts == "attempts" && f.entries != "none" {
		body["created"] = count[fateInserted] + count[fateNotInserted]
		body["updated"] = count[fateUpdated] + count[fateNotUpdated]
	}
	if !f.noUnchanged {
		body["nonupdates"] = count[fateUnchanged]
	}
	for _, name := range []string{"insertsKeys", "upsertedIds", "updatesKeys", "modified", "createdErrors", "updatedErrors", "permissionErrors", "validationErrors"} {
		switch {
		case len(lists[name]) > 0:
			body[name] = lists[name]
		case f.emptyAbsent:
		case f.emptyAreNull:
			body[name] = nil
		default:
			body[name] = []any{}
		}
	}
	if len(body) == 0 || f.counts == "absent" && f.noUnchanged {
		body["nonupdates"] = count[fateUnchanged]
	}
	return statusOf(count), must(json.Marshal(body))
}

func statusOf(count map[fateKind]int) int {
	failed := count[fateNotInserted] + count[fateNotUpdated] + count[fateInvalid]
	switch {
	case count[fateDenied] > 0:
		return http.StatusForbidden
	case failed == 0:
		return http.StatusOK
	case count[fateInserted]+count[fateUpdated]+count[fateUnchanged] > 0:
		return http.StatusPartialContent
	}
	return http.StatusBadRequest
}

func (f forms) listed(add func(string, any), keys, ids string, one fate) {
	if f.entries != "none" {
		add(keys, f.entry(one))
	}
	if f.idLists {
		add(ids, one.id)
	}
}

func (f forms) entry(one fate) any {
	out := map[string]any{"_id": one.id, "__v": 0}
	switch f.entries {
	case "given":
		copyKeys(out, one.given)
	case "held":
		copyKeys(out, one.held)
	}
	out["_id"] = one.id
	return out
}

func copyKeys(to map[string]any, from planhat.KeySet) {
	for name, value := range from {
		to[name] = value
	}
}

func (f forms) element(one fate) any {
	keys := one.given
	switch f.elements {
	case "string":
		return one.message
	case "bare":
		return map[string]any{"message": one.message}
	case "item":
		return map[string]any{"error": map[string]any{"message": one.message}, "item": keys}
	case "stored":
		if one.id != "" {
			keys = maps.Clone(keys)
			keys["_id"] = one.id
		}
	case "in the way":
		if one.inTheWay != nil {
			keys = one.inTheWay
		}
	}
	out := map[string]any{"message": one.message}
	copyKeys(out, keys)
	return out
}

// answered sends a body through the client, as the vendor's answer to a call.
func answered(t testing.TB, spec *planhat.Spec, status int, body []byte) planhat.BulkAnswer {
	t.Helper()
	client, err := planhat.New("http://vendor.test", func() string { return "token" },
		planhat.WithHTTPClient(&http.Client{Transport: answering{status, body}}), planhat.WithRetry(planhat.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.BulkUpsert(t.Context(), spec.Object, []json.RawMessage{json.RawMessage(`{"_id":"66f0a1b2c3d4e5f600000001"}`)})
	if err != nil && status == http.StatusOK {
		t.Fatalf("%s: %v", body, err)
	}
	return answer
}

type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

// drawCall is a bulk call whose items' fates are known.
func drawCall(r *rand.Rand) (Call, []fate) {
	object := pick(r, planhat.Company, planhat.Enduser, planhat.Invoice, planhat.License)
	spec := &tables[object].spec
	c := Call{Way: Bulk, Spec: spec, Key: pick(r, spec.Keys...)}
	op := Upsert
	if c.Key == planhat.KeyID {
		op = Update
	}
	n := 1 + r.IntN(7)
	if r.IntN(4) == 0 {
		n = 1
	}
	kinds := make([]fateKind, 1+r.IntN(3)) // few: most answers are of one kind, or two
	for k := range kinds {
		kinds[k] = fateKind(r.IntN(int(fateKinds)))
	}
	fates := make([]fate, n)
	for m := range fates {
		var item Item
		item, fates[m] = drawItem(r, c, op, m, pick(r, kinds...))
		c.Items = append(c.Items, item)
	}
	return c, fates
}

func drawItem(r *rand.Rand, c Call, op Op, m int, kind fateKind) (Item, fate) {
	value := fmt.Sprintf("E%d", m)
	if c.Key == planhat.KeyID {
		value = fmt.Sprintf("%024x", 0xe0+m)
	}
	o := &Order{Seq: m, Op: op, Spec: c.Spec, Target: Target{c.Key, value}}
	one := fate{kind: kind, message: pick(r, "name is required", fmt.Sprintf("%q is wrong", value))}
	one.given = planhat.KeySet{c.Spec.KeyField(c.Key): value}
	for _, k := range []planhat.Key{planhat.KeyExternalID, planhat.KeyEmail} {
		behind := slices.Index(c.Spec.Keys, k) > slices.Index(c.Spec.Keys, c.Key)
		if behind && r.IntN(2) == 0 { // values that other items go by, too
			other := fmt.Sprintf("E%d", r.IntN(8))
			o.Fields = o.Fields.WithText(c.Spec.KeyField(k), other)
			one.given[c.Spec.KeyField(k)] = other
		}
	}
	one.held = maps.Clone(one.given)
	if c.Key != planhat.KeySourceID && r.IntN(2) == 0 {
		one.held["sourceId"] = fmt.Sprintf("E%d", r.IntN(8))
	}
	if kind != fateNotInserted && kind != fateInvalid {
		one.id = fmt.Sprintf("%024x", 0xe0+m)
	}
	if kind.refused() && kind != fateDenied && c.Key != planhat.KeyID && r.IntN(2) == 0 {
		// Another record has a key that the item sets.
		one.inTheWay = planhat.KeySet{"_id": fmt.Sprintf("%024x", 0xd0), c.Spec.KeyField(c.Key): fmt.Sprintf("E%d", r.IntN(8)), "sourceId": "taken"}
		if c.Key == planhat.KeySourceID {
			one.inTheWay = nil
		}
	}
	return itemOf(o), one
}
