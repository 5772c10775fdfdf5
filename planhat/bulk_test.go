package planhat

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func items(texts ...string) []json.RawMessage {
	var list []json.RawMessage
	for _, text := range texts {
		list = append(list, json.RawMessage(text))
	}
	return list
}

const allOK = `{"created":1,"createdErrors":[],"insertsKeys":[{"_id":"66f0a1b2c3d4e5f600000002","externalId":"b","__v":0}],
	"updated":1,"updatedErrors":[],"updatesKeys":[{"_id":"66f0a1b2c3d4e5f600000001","externalId":"a","sourceId":null}],
	"nonupdates":1,"modified":["66f0a1b2c3d4e5f600000001"],"upsertedIds":["66f0a1b2c3d4e5f600000002"],
	"permissionErrors":[],"validationErrors":[]}`

func TestBulkUpsert(t *testing.T) {
	fake := always(200, allOK)
	got, err := clientFor(t, fake).BulkUpsert(t.Context(), Company, items(`{"externalId":"a"}`, `{"externalId":"b","n":1.0}`, `{"_id":"`+hexID(3)+`"}`))
	want := BulkAnswer{
		Status: 200, Created: 1, Updated: 1, Nonupdates: 1, Attempts: 1,
		InsertsKeys: []KeySet{{"_id": hexID(2), "externalId": "b"}},
		UpdatesKeys: []KeySet{{"_id": hexID(1), "externalId": "a"}},
		Modified:    []string{hexID(1)}, UpsertedIDs: []string{hexID(2)},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	sent := request{"PUT", "/companies", "", `[{"externalId":"a"},{"externalId":"b","n":1.0},{"_id":"` + hexID(3) + `"}]`}
	if fake.asked()[0] != sent {
		t.Errorf("sent %+v, want %+v", fake.asked()[0], sent)
	}
}

// The elements of error arrays have no documented shape: every one that may come is
// kept, with the keys that it names.
func TestBulkErrors(t *testing.T) {
	tests := []struct {
		element, message string
		keys             KeySet
	}{
		{`"name is required"`, "name is required", KeySet{}},
		{`{"message":"name is required"}`, "name is required", KeySet{}},
		{`{"message":"m","externalId":"a","name":"x"}`, "m", KeySet{"externalId": "a"}},
		{`{"message":"m","item":{"externalId":"a","sourceId":"s"}}`, "m", KeySet{"externalId": "a", "sourceId": "s"}},
		{`{"error":{"message":"m"},"document":{"_id":"` + hexID(1) + `"}}`, "m", KeySet{"_id": hexID(1)}},
		{`{"message":"m","item":{"email":"kari@example.org","externalId":""}}`, "m", KeySet{"email": "kari@example.org"}},
		{`{"message":"m","item":"a"}`, "m", KeySet{}},
		{`{}`, "", KeySet{}},
		{`null`, "", KeySet{}},
		{`7`, "7", KeySet{}},
	}
	arrays := map[string]func(BulkAnswer) []BulkError{
		"createdErrors":    func(a BulkAnswer) []BulkError { return a.CreatedErrors },
		"updatedErrors":    func(a BulkAnswer) []BulkError { return a.UpdatedErrors },
		"permissionErrors": func(a BulkAnswer) []BulkError { return a.PermissionErrors },
		"validationErrors": func(a BulkAnswer) []BulkError { return a.ValidationErrors },
	}
	for _, tt := range tests {
		for name, of := range arrays {
			answer, err := clientFor(t, always(206, `{"created":0,"`+name+`":[`+tt.element+`]}`)).
				BulkUpsert(t.Context(), Company, items(`{"externalId":"a"}`))
			want := []BulkError{{Message: tt.message, Keys: tt.keys, Raw: json.RawMessage(tt.element)}}
			if err != nil || answer.Status != 206 || !reflect.DeepEqual(of(answer), want) {
				t.Errorf("%s %s: got %+v, %v", name, tt.element, of(answer), err)
			}
		}
	}
}

func TestBulkRefusedWithArraysIsAnswerAndError(t *testing.T) {
	for status, kind := range map[int]Kind{400: KindInvalid, 403: KindForbidden} {
		body := `{"created":0,"permissionErrors":[{"message":"no","externalId":"a"}]}`
		answer, err := clientFor(t, always(status, body)).BulkUpsert(t.Context(), Company, items(`{"externalId":"a"}`))
		if KindOf(err) != kind || answer.Status != status || len(answer.PermissionErrors) != 1 || answer.Attempts != 1 {
			t.Errorf("%d: got %+v, %v", status, answer, err)
		}
	}
	for _, body := range []string{`{"message":"no"}`, `"no"`, ``, `<html>`, `{"created":"x"}`} {
		answer, err := clientFor(t, always(400, body)).BulkUpsert(t.Context(), Company, items(`{"externalId":"a"}`))
		if KindOf(err) != KindInvalid || !reflect.DeepEqual(answer, BulkAnswer{}) {
			t.Errorf("%s: got %+v, %v", body, answer, err)
		}
	}
}

func TestBulkIsRepeatedOnlyWhereEveryItemHasAKey(t *testing.T) {
	tests := []struct {
		name   string
		object Object
		items  []string
		keyed  bool
	}{
		{"externalId", Company, []string{`{"externalId":"a"}`}, true},
		{"e-mail of an enduser", Enduser, []string{`{"email":"a@b"}`}, true},
		{"e-mail of a company is no key", Company, []string{`{"email":"a@b"}`}, false},
		{"one without", Company, []string{`{"externalId":"a"}`, `{"name":"x"}`}, false},
		{"empty key", Company, []string{`{"externalId":""}`}, false},
		{"null key", Company, []string{`{"sourceId":null}`}, false},
		{"number as a key", Company, []string{`{"sourceId":5}`}, false},
		{"nested key", Company, []string{`{"custom":{"sourceId":"a"}}`}, false},
		{"externalId of a note is no key", Note, []string{`{"externalId":"a"}`}, false},
		{"id of a note", Note, []string{`{"_id":"` + hexID(1) + `"}`}, true},
	}
	for _, tt := range tests {
		for _, broken := range []struct {
			status int
			body   string
		}{{500, ""}, {200, `{"created":`}, {200, `{}`}, {200, `[]`}, {200, ``}} {
			fake := &api{rule: func(n int, _ request) (int, string, string) {
				if n == 1 {
					return broken.status, "", broken.body
				}
				return 200, "", allOK
			}}
			answer, err := clientFor(t, fake).BulkUpsert(t.Context(), tt.object, items(tt.items...))
			switch {
			case tt.keyed && (err != nil || answer.Attempts != 2 || !answer.Repeated):
				t.Errorf("%s, %+v: got %+v, %v", tt.name, broken, answer, err)
			case !tt.keyed && (KindOf(err) != KindAmbiguous || len(fake.asked()) != 1):
				t.Errorf("%s, %+v: got %v after %d requests", tt.name, broken, err, len(fake.asked()))
			}
		}
	}
}

func TestBulkThatCannotBeMeantIsNotSent(t *testing.T) {
	many := slices.Repeat(items(`{"externalId":"a"}`), MaxBulkItems+1)
	for name, tt := range map[string]struct {
		object Object
		items  []json.RawMessage
		say    string
	}{
		"too many":       {Company, many, "at most 5000"},
		"not an object":  {Company, items(`{}`, `[]`), "item 1"},
		"not JSON":       {Company, items(`{}{}`), "item 0"},
		"nil item":       {Company, []json.RawMessage{nil}, "item 0"},
		"unknown object": {"unicorn", items(`{}`), "unknown object"},
	} {
		fake := always(200, allOK)
		_, err := clientFor(t, fake).BulkUpsert(t.Context(), tt.object, tt.items)
		if KindOf(err) != KindInvalid || len(fake.asked()) != 0 || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: got %v after %d requests", name, err, len(fake.asked()))
		}
	}
	fake := always(200, allOK)
	if _, err := clientFor(t, fake).BulkUpsert(t.Context(), Company, many[:MaxBulkItems]); err != nil {
		t.Error(err)
	}
	if _, err := clientFor(t, fake).BulkUpsert(t.Context(), Company, nil); err != nil || len(fake.asked()) != 1 {
		t.Errorf("no items: %v after %d requests", err, len(fake.asked()))
	}
}

func FuzzParseBulk(f *testing.F) {
	for _, seed := range []string{allOK, `{}`, `{"created":-1}`, `{"modified":[{}]}`, `{"insertsKeys":[1]}`, `{"createdErrors":{"a":1}}`, `{"updated":1e999}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := parseBulk(body)
		if err == nil && (!json.Valid(body) || answer.Created < 0 || slices.Contains(answer.Modified, "")) {
			t.Errorf("%q gives %+v", body, answer)
		}
		if _, ok := errors.AsType[*Error](err); ok {
			t.Error("a parser's error is no call's")
		}
	})
}
