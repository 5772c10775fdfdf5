package planhat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// Get reads one record. A single record may have more fields, and other shapes of
// them, than a row of a listing. A record that does not exist is [KindNotFound]; an
// answer with another record than asked for is [KindMalformed].
func (c *Client) Get(ctx context.Context, o Object, ref Ref) (json.RawMessage, error) {
	spec, ok := Lookup(o)
	if !ok {
		return nil, refuse("get", string(o), "unknown object")
	}
	path, refused := spec.path("get", ref)
	if refused != nil {
		return nil, refused
	}
	answer, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodGet, Path: path, Template: spec.Path + "/{id}", Label: string(o),
		Accept: func(a *rest.Answer) error {
			_, err := spec.checkFound(a.Body, ref)
			return wrapAnswer(err)
		},
	})
	if err != nil {
		return nil, failed("get", subjectOf(spec, ref), err)
	}
	if isNull(answer.Body) {
		return nil, missing("get", subjectOf(spec, ref), answer)
	}
	return answer.Body, nil
}

// checkFound is checkRecord for an answer that may also be null. Nobody documents how
// Planhat answers for a record that does not exist; a null says as much as a 404.
func (s Spec) checkFound(body []byte, ref Ref) (id string, err error) {
	if isNull(body) {
		return "", nil
	}
	return s.checkRecord(body, ref)
}

func isNull(body []byte) bool { return string(bytes.TrimSpace(body)) == "null" }

func missing(action, subject string, a rest.Answer) *Error {
	return &Error{Kind: KindNotFound, Action: action, Subject: subject, Status: a.Status, Message: "answered null", Attempts: a.Attempts}
}

// checkRecord gives the id of a record that has an id and the key it was asked for by. A
// wrong id is an answer gone astray, a wrong key one that would come again.
func (s Spec) checkRecord(body []byte, ref Ref) (id string, err error) {
	id, plain := validRecord(body)
	if !plain {
		if err := checkJSON(body); err != nil {
			return "", err
		}
		if id, err = idOf(body); err != nil {
			return "", fmt.Errorf("the record %w", err)
		}
	}
	switch {
	case ref.Key == KeyID && !strings.EqualFold(id, ref.Value):
		return id, fmt.Errorf("it is the record %s", id)
	case ref.Key != KeyID && ref.Key != "" && !s.carries(body, ref.Key, ref.Value):
		return id, rest.Final(fmt.Errorf("the record %s does not carry that %s", id, ref.Key))
	}
	return id, nil
}

// carries reports whether a record has a key of that value; e-mail addresses are
// compared without case.
func (s Spec) carries(record []byte, k Key, value string) bool {
	have := walk.Text(walk.Member(record, s.KeyField(k)))
	if k == KeyEmail {
		return have != "" && strings.EqualFold(strings.TrimSpace(have), strings.TrimSpace(value))
	}
	return have != "" && have == value
}

// Find looks records up by a key other than _id: none, one, or, where the key is not
// unique, several. companyID, when not empty, keeps the records of that company;
// it does not count for objects whose records are of no company.
//
// An e-mail address is looked up by the listing's filter, without trusting it: rows
// of other addresses are dropped, and a listing that ignores the filter is read to
// its end. Archived records are looked for when there is no other. Other keys are
// read by address, which for a key that is unique per company may name a record of
// another company; then the company's own listing is read.
func (c *Client) Find(ctx context.Context, o Object, k Key, value, companyID string) ([]Row, error) {
	spec, ok := Lookup(o)
	subject := string(o) + " by " + string(k)
	switch {
	case !ok:
		return nil, refuse("find", string(o), "unknown object")
	case k == KeyID || !spec.hasKey(k):
		return nil, refuse("find", subject, "%s cannot be looked up by it", o)
	case value == "":
		return nil, refuse("find", subject, "the value is empty")
	case companyID != "" && !isID(companyID):
		return nil, refuse("find", subject, "the company %q is not an id of 24 hex characters", companyID)
	}
	f := finder{client: c, spec: spec, key: k, value: value, companyID: companyID}
	if k == KeyEmail {
		return f.byFilter(ctx, url.Values{"email": {value}})
	}
	return f.byAddress(ctx)
}

type finder struct {
	client           *Client
	spec             Spec
	key              Key
	value, companyID string
}

func (f finder) byAddress(ctx context.Context) ([]Row, error) {
	record, err := f.client.Get(ctx, f.spec.Object, Ref{f.key, f.value})
	switch {
	case KindOf(err) == KindNotFound:
		return nil, nil
	case err != nil:
		return nil, asFind(err)
	case !f.ofCompany(record):
		return f.byFilter(ctx, nil)
	}
	id, _ := idOf(record)
	return []Row{{ID: id, Raw: record}}, nil
}

func (f finder) byFilter(ctx context.Context, filter url.Values) ([]Row, error) {
	rows, err := f.scan(ctx, filter, false)
	if err != nil || len(rows) > 0 || f.spec.ArchivedParam == "" {
		return rows, err
	}
	return f.scan(ctx, filter, true)
}

// scan reads a filtered listing to its end and keeps the rows that match.
func (f finder) scan(ctx context.Context, filter url.Values, archived bool) ([]Row, error) {
	opts := ListOptions{Archived: archived}.withDefaults(f.spec)
	if f.companyID != "" {
		opts.CompanyIDs = []string{f.companyID}
	}
	subject := fmt.Sprintf("%s by %s", f.spec.Object, f.key)
	var found []Row
	for more := true; more; {
		page, err := f.client.page(ctx, f.spec, opts, subject, filter)
		if err != nil {
			return nil, asFind(err)
		}
		for _, row := range page.Rows {
			if f.spec.carries(row.Raw, f.key, f.value) && f.ofCompany(row.Raw) {
				found = append(found, row)
			}
		}
		opts, more = opts.after(page, f.spec.Object)
	}
	return found, nil
}

func (f finder) ofCompany(record []byte) bool {
	return f.companyID == "" || f.spec.CompanyField == "" ||
		slices.ContainsFunc(f.spec.Companies(record), func(id string) bool { return strings.EqualFold(id, f.companyID) })
}

func asFind(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Action = "find"
	}
	return err
}

// subjectOf names a record in an error.
func subjectOf(s Spec, ref Ref) string { return string(s.Object) + " " + ref.String() }
