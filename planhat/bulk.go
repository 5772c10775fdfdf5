package planhat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// BulkUpsert updates the items whose key is known and inserts the others, in one
// call. The key of an item is the first of the object's keys that it carries.
//
// Planhat answers 200 when all went well and 206 when some did not: an answer, and no
// error. A 400 or 403 whose body has the documented arrays gives the answer and an
// [Error]. An item that is in no part of the answer may have been left out silently.
//
// More than [MaxBulkItems] items, and items that are not JSON objects, are refused
// here; no items are no call. The call is repeated until it is answered, unless an
// item carries no key and so might be inserted twice: then a lost answer is
// [KindAmbiguous]. Large bulk calls of one token should not run in parallel.
func (c *Client) BulkUpsert(ctx context.Context, o Object, items []json.RawMessage) (BulkAnswer, error) {
	spec, ok := Lookup(o)
	if !ok {
		return BulkAnswer{}, refuse("bulk upsert", string(o), "unknown object")
	}
	if spec.ReadOnly {
		return BulkAnswer{}, refuseWrite("bulk upsert", spec)
	}
	subject := fmt.Sprintf("%d %s", len(items), spec.Listing)
	if len(items) == 0 {
		return BulkAnswer{}, nil
	}
	body, keyed, err := spec.bulkBody(items)
	if err != nil {
		return BulkAnswer{}, refuse("bulk upsert", subject, "%w", err)
	}
	var parsed BulkAnswer
	answer, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodPut, Path: spec.Path, Template: spec.Path, Label: string(o),
		Body: body, Write: true, Once: !keyed,
		Accept: func(a *rest.Answer) (err error) {
			parsed, err = parseBulk(a.Body)
			return wrapAnswer(err)
		},
	})
	if err != nil {
		return refusedBulk(answer, subject, err)
	}
	return parsed.of(answer), nil
}

// refusedBulk keeps what a refusal says about single items.
func refusedBulk(answer rest.Answer, subject string, err error) (BulkAnswer, error) {
	err = failed("bulk upsert", subject, err)
	if answer.Status != http.StatusBadRequest && answer.Status != http.StatusForbidden {
		return BulkAnswer{}, err
	}
	parsed, parseErr := parseBulk(answer.Body)
	if parseErr != nil {
		return BulkAnswer{}, err
	}
	return parsed.of(answer), err
}

// bulkBody joins the items and reports whether each carries a key.
func (s Spec) bulkBody(items []json.RawMessage) (body []byte, keyed bool, err error) {
	if len(items) > MaxBulkItems {
		return nil, false, fmt.Errorf("one call takes at most %d items", MaxBulkItems)
	}
	keyed = true
	names := s.matchedNames()
	for i, item := range items {
		if err := checkBody(item); err != nil {
			return nil, false, fmt.Errorf("item %d: %w", i, err)
		}
		keyed = keyed && hasText(item, names)
	}
	size := len(items) + 1
	for _, item := range items {
		size += len(item)
	}
	body = append(make([]byte, 0, size), '[')
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, item...)
	}
	return append(body, ']'), keyed, nil
}

// matchedNames are the names of the fields by which Planhat finds the records of items.
func (s Spec) matchedNames() []string {
	var names []string
	for _, key := range s.Keys {
		if !slices.Contains(s.Unmatched, key) {
			names = append(names, s.KeyField(key))
		}
	}
	return names
}

// hasText tells whether an object has a text under one of some names. The last member of
// a name counts.
func hasText(object []byte, names []string) bool {
	has := uint64(0) // by place in names
	for quoted, value := range walk.Members(object) {
		for n, name := range names {
			if !walk.IsName(quoted, name) {
				continue
			}
			if has &^= 1 << n; isText(value) {
				has |= 1 << n
			}
		}
	}
	return has != 0
}
