package planhat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// Written is the answer to a create or an update.
type Written struct {
	ID       string          // of the record
	Row      json.RawMessage // the whole record, as a single record is shaped
	Attempts int
	Repeated bool // an earlier attempt had an unknown outcome; never for a create
}

// Deleted is the answer to a delete.
type Deleted struct {
	Count    int             // 1: deleted; 0: there was no such record
	Told     bool            // the answer counts what was deleted, or is it; else it was empty, or a 404
	Document json.RawMessage // the deleted record, where Planhat answers with it
	Attempts int
	Repeated bool // an earlier attempt had an unknown outcome: a count of 0 may be its doing
}

// Create posts a new record. It is never sent again once it may have been received:
// a lost or unusable answer is [KindAmbiguous]. Where objects share a listing and the
// body names no type, the object's own is added.
func (c *Client) Create(ctx context.Context, o Object, body []byte) (Written, error) {
	spec, ok := Lookup(o)
	if !ok {
		return Written{}, refuse("create", string(o), "unknown object")
	}
	if spec.ReadOnly {
		return Written{}, refuseWrite("create", spec)
	}
	body, err := spec.newBody(body)
	if err != nil {
		return Written{}, refuse("create", string(o), "%w", err)
	}
	return c.write(ctx, "create", string(o), spec, Ref{}, rest.Request{
		Method: http.MethodPost, Path: spec.Path, Template: spec.Path, Body: body, Once: true,
	})
}

// newBody checks the body of a create and adds the type that makes it this object.
func (s Spec) newBody(body []byte) ([]byte, error) {
	if err := checkBody(body); err != nil || !s.Shared() {
		return body, err
	}
	given := walk.Member(body, "type")
	if s.Type == "" {
		return body, s.checkOwnType(walk.Text(given))
	}
	if given == nil {
		body = without(body, "type")
		comma := ","
		if len(body) == len("{}") {
			comma = ""
		}
		return fmt.Appendf(body[:len(body)-1], "%s%q:%q}", comma, "type", s.Type), nil
	}
	if walk.Text(given) != s.Type {
		return nil, fmt.Errorf("the type is %s, %s has the type %q", given, s.Object.WithArticle(), s.Type)
	}
	return body, nil
}

// checkOwnType holds the type of a new record of a shared listing to the object that
// has no type of its own. Without one the record might become another object's.
func (s Spec) checkOwnType(given string) error {
	if given == "" {
		return fmt.Errorf("a new %s needs a type", s.Object)
	}
	if !s.Holds(given) {
		return fmt.Errorf("a record of type %q is %s: create it as one", given, s.ObjectOf(given).WithArticle())
	}
	return nil
}

// Update sets the fields that the body names and leaves the others. An _id in the
// body is not sent: Planhat may refuse it. It is repeated until it is answered.
func (c *Client) Update(ctx context.Context, o Object, ref Ref, body []byte) (Written, error) {
	spec, ok := Lookup(o)
	if !ok {
		return Written{}, refuse("update", string(o), "unknown object")
	}
	if spec.ReadOnly {
		return Written{}, refuseWrite("update", spec)
	}
	path, refused := spec.path("update", ref)
	if refused != nil {
		return Written{}, refused
	}
	if err := checkBody(body); err != nil {
		return Written{}, refuse("update", subjectOf(spec, ref), "%w", err)
	}
	return c.write(ctx, "update", subjectOf(spec, ref), spec, ref, rest.Request{
		Method: http.MethodPut, Path: path, Template: spec.Path + "/{id}", Body: withoutID(body),
	})
}

// withoutID is the body without the id, which is in the path.
func withoutID(body []byte) []byte {
	if walk.Member(body, "_id") == nil {
		return body
	}
	return without(body, "_id")
}

func refuseWrite(action string, s Spec) *Error {
	return refuse(action, string(s.Object), "%s can only be read", s.Object.WithArticle())
}

func (c *Client) write(ctx context.Context, action, subject string, spec Spec, ref Ref, req rest.Request) (Written, error) {
	check := spec.checkFound
	if ref == (Ref{}) {
		check = spec.checkRecord // a create has no record to miss
	}
	var id string
	if ref.Key != KeyID {
		ref = Ref{} // an update may change the key it goes by
	}
	req.Write, req.Label = true, string(spec.Object)
	req.Accept = func(a *rest.Answer) (err error) {
		id, err = check(a.Body, ref)
		return wrapAnswer(err)
	}
	answer, err := c.rest.Do(ctx, req)
	if err != nil {
		return Written{}, failed(action, subject, err)
	}
	if isNull(answer.Body) {
		return Written{}, missing(action, subject, answer)
	}
	return Written{ID: id, Row: answer.Body, Attempts: answer.Attempts, Repeated: answer.Repeated}, nil
}

// Delete deletes a record by its id. One that does not exist is no error but a count
// of 0. It is repeated until it is answered.
func (c *Client) Delete(ctx context.Context, o Object, id string) (Deleted, error) {
	spec, ok := Lookup(o)
	if !ok {
		return Deleted{}, refuse("delete", string(o), "unknown object")
	}
	if spec.ReadOnly {
		return Deleted{}, refuseWrite("delete", spec)
	}
	path, refused := spec.path("delete", ByID(id))
	if refused != nil {
		return Deleted{}, refused
	}
	var deleted Deleted
	answer, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodDelete, Path: path, Template: spec.Path + "/{id}", Label: string(o), Write: true,
		Accept: func(a *rest.Answer) (err error) {
			deleted, err = parseDeleted(a.Body, id)
			return wrapAnswer(err)
		},
	})
	if cause := (*rest.Error)(nil); errors.As(err, &cause) && cause.Kind == rest.KindNotFound {
		deleted, err = Deleted{}, nil
	}
	if err != nil {
		return Deleted{}, failed("delete", subjectOf(spec, ByID(id)), err)
	}
	deleted.Attempts, deleted.Repeated = answer.Attempts, answer.Repeated
	return deleted, nil
}

// parseDeleted reads what delete answers with: the database's counts, the deleted
// record, or nothing.
func parseDeleted(body []byte, id string) (Deleted, error) {
	if strings.TrimSpace(string(body)) == "" {
		return Deleted{Count: 1}, nil
	}
	if err := checkJSON(body); err != nil {
		return Deleted{}, err
	}
	if found, err := idOf(body); err == nil && strings.EqualFold(found, id) {
		return Deleted{Count: 1, Told: true, Document: body}, nil
	}
	for _, name := range []string{"deletedCount", "n"} {
		var count int
		if raw := walk.Member(body, name); raw != nil && json.Unmarshal(raw, &count) == nil {
			return Deleted{Count: count, Told: true}, nil
		}
	}
	if string(walk.Member(body, "ok")) == "1" || string(walk.Member(body, "ok")) == "true" {
		return Deleted{Count: 1}, nil
	}
	return Deleted{}, errors.New("it neither counts what was deleted nor is it")
}

// checkBody accepts a JSON object.
func checkBody(body []byte) error {
	if err := checkJSON(body); err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	if !isObject(body) {
		return errors.New("the body is not a JSON object")
	}
	return nil
}
