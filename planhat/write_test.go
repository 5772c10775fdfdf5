package planhat

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestCreate(t *testing.T) {
	tests := []struct {
		name         string
		object       Object
		body         string
		status       int
		answer       string
		sent         string // body as sent; "": nothing
		kind         Kind
		wantRequests int
	}{
		{"company", Company, `{"name":"x"}`, 200, record(1), `{"name":"x"}`, KindNone, 1},
		{"answered 201", Company, `{"name":"x"}`, 201, record(1), `{"name":"x"}`, KindNone, 1},
		{"note gets its type", Note, `{"companyId":"c"}`, 200, record(1), `{"companyId":"c","type":"note"}`, KindNone, 1},
		{"empty note gets its type", Note, `{ }`, 200, record(1), `{"type":"note"}`, KindNone, 1},
		{"note keeps its type", Note, `{"type":"note"}`, 200, record(1), `{"type":"note"}`, KindNone, 1},
		{"e-mail is no note", Note, `{"type":"email"}`, 200, record(1), ``, KindInvalid, 0},
		{"conversation", Conversation, `{"type":"call"}`, 200, record(1), `{"type":"call"}`, KindNone, 1},
		{"note is no other conversation", Conversation, `{"type":"note"}`, 200, record(1), ``, KindInvalid, 0},
		{"conversation without a type", Conversation, `{"subject":"x"}`, 200, record(1), ``, KindInvalid, 0},
		{"ticket", Ticket, `{"sourceId":"x"}`, 200, record(1), ``, KindInvalid, 0},
		{"custom field", CustomField, `{"name":"x"}`, 200, record(1), ``, KindInvalid, 0},
		{"not an object", Company, `[]`, 200, record(1), ``, KindInvalid, 0},
		{"not JSON", Company, `{`, 200, record(1), ``, KindInvalid, 0},
		{"unknown object", "unicorn", `{}`, 200, record(1), ``, KindInvalid, 0},
		{"answer without an id", Company, `{}`, 200, `{}`, `{}`, KindAmbiguous, 1},
		{"empty answer", Company, `{}`, 200, ``, `{}`, KindAmbiguous, 1},
		{"page instead of an answer", Company, `{}`, 200, `<html>`, `{}`, KindAmbiguous, 1},
		{"500", Company, `{}`, 500, `oops`, `{}`, KindAmbiguous, 1},
		{"429", Company, `{}`, 429, `slow down`, `{}`, KindThrottled, 3},
		{"400", Company, `{}`, 400, `"name is required"`, `{}`, KindInvalid, 1},
		{"duplicate", Company, `{}`, 400, `{"message":"E11000 duplicate key error"}`, `{}`, KindConflict, 1},
		{"exists", Company, `{}`, 400, `externalId Already Exists`, `{}`, KindConflict, 1},
		{"not unique", Company, `{}`, 422, `{"error":"sourceId must be unique"}`, `{}`, KindConflict, 1},
		{"409", Company, `{}`, 409, ``, `{}`, KindConflict, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := always(tt.status, tt.answer)
			got, err := clientFor(t, fake).Create(t.Context(), tt.object, []byte(tt.body))
			asked := fake.asked()
			if KindOf(err) != tt.kind || len(asked) != tt.wantRequests {
				t.Fatalf("got %v after %d requests, want %s after %d", err, len(asked), tt.kind, tt.wantRequests)
			}
			if len(asked) > 0 && (asked[0].Method != http.MethodPost || asked[0].Body != tt.sent) {
				t.Errorf("sent %+v, want %s", asked[0], tt.sent)
			}
			if err == nil && (string(got.Row) != tt.answer || got.Attempts != 1 || got.Repeated) {
				t.Errorf("got %+v", got)
			}
			var e *Error
			if errors.As(err, &e) && e.Uncertain != (tt.kind == KindAmbiguous) {
				t.Errorf("uncertain: %t", e.Uncertain)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	fake := always(200, record(1, `"name":"x"`))
	got, err := clientFor(t, fake).Update(t.Context(), Company, ByExternalID("a"), []byte(`{"_id":"zzz","name":"x","n":1.0}`))
	want := request{"PUT", "/companies/extid-a", "", `{"name":"x","n":1.0}`}
	if err != nil || fake.asked()[0] != want || got.Attempts != 1 || got.Repeated || string(got.Row) != record(1, `"name":"x"`) {
		t.Errorf("got %+v, %v; sent %+v", got, err, fake.asked())
	}
}

func TestUpdateSaysThatItWasRepeated(t *testing.T) {
	fake := &api{rule: func(n int, _ request) (int, string, string) {
		switch n {
		case 1:
			return 503, "", ""
		case 2:
			return 200, "", record(7) // somebody else's answer
		}
		return 200, "", record(1)
	}}
	got, err := clientFor(t, fake).Update(t.Context(), Company, ByID(hexID(1)), []byte(`{}`))
	if err != nil || got.Attempts != 3 || !got.Repeated {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestUpdateRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		ref    Ref
		body   string
		status int
		kind   Kind
	}{
		"empty id":       {ByID(""), `{}`, 200, KindInvalid},
		"no key":         {Ref{}, `{}`, 200, KindInvalid},
		"e-mail":         {Ref{KeyEmail, "x"}, `{}`, 200, KindInvalid},
		"not an object":  {ByID(hexID(1)), `7`, 200, KindInvalid},
		"missing record": {ByID(hexID(1)), `{}`, 404, KindNotFound},
		"unauthorized":   {ByID(hexID(1)), `{}`, 401, KindUnauthorized},
		"unpaid":         {ByID(hexID(1)), `{}`, 402, KindForbidden},
		"down":           {ByID(hexID(1)), `{}`, 500, KindUnavailable},
	} {
		_, err := clientFor(t, always(tt.status, "no")).Update(t.Context(), Enduser, tt.ref, []byte(tt.body))
		if KindOf(err) != tt.kind {
			t.Errorf("%s: got %v, want %s", name, err, tt.kind)
		}
	}
}

func TestDelete(t *testing.T) {
	tests := []struct {
		name     string
		status   int
		body     string
		count    int
		told     bool
		document bool
		kind     Kind
	}{
		{"counted", 200, `{"n":1,"ok":1,"deletedCount":1}`, 1, true, false, KindNone},
		{"counted the old way", 200, `{"n":1,"ok":1}`, 1, true, false, KindNone},
		{"nothing deleted", 200, `{"n":0,"ok":1,"deletedCount":0}`, 0, true, false, KindNone},
		{"missing", 404, `Not Found`, 0, false, false, KindNone},
		{"the document", 200, record(1, `"n":5`), 1, true, true, KindNone},
		{"empty", 200, ``, 1, false, false, KindNone},
		{"no content", 204, ``, 1, false, false, KindNone},
		{"ok", 200, `{"ok":1}`, 1, false, false, KindNone},
		{"another document", 200, record(2), 0, false, false, KindMalformed},
		{"page", 200, `<html>`, 0, false, false, KindMalformed},
		{"a list", 200, `[]`, 0, false, false, KindMalformed},
		{"missing, says a proxy", 404, `<html>`, 0, false, false, KindUnavailable},
		{"forbidden", 403, `no`, 0, false, false, KindForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := always(tt.status, tt.body)
			got, err := clientFor(t, fake).Delete(t.Context(), Note, hexID(1))
			if KindOf(err) != tt.kind || got.Count != tt.count || got.Told != tt.told || (got.Document != nil) != tt.document {
				t.Errorf("got %+v, %v", got, err)
			}
			if asked := fake.asked()[0]; asked.Method != http.MethodDelete || asked.Path != "/conversations/"+hexID(1) {
				t.Errorf("sent %+v", asked)
			}
		})
	}
	for _, id := range []string{"", "extid-x", ".."} {
		fake := always(200, "")
		if _, err := clientFor(t, fake).Delete(t.Context(), Company, id); KindOf(err) != KindInvalid || len(fake.asked()) != 0 {
			t.Errorf("delete of %q: %v after %d requests", id, err, len(fake.asked()))
		}
	}
}

func TestDeleteThatWasRepeatedSaysSo(t *testing.T) {
	fake := &api{rule: func(n int, _ request) (int, string, string) {
		if n == 1 {
			return 502, "text/html", "<html>"
		}
		return 404, "", "Not Found"
	}}
	got, err := clientFor(t, fake).Delete(t.Context(), Company, hexID(1))
	if err != nil || got.Count != 0 || got.Attempts != 2 || !got.Repeated {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrorReads(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"companyId is required"}`: "create license: invalid: 400 Bad Request: companyId is required",
		`"companyId is required"`:             "create license: invalid: 400 Bad Request: companyId is required",
		`companyId is required`:               "create license: invalid: 400 Bad Request: companyId is required",
		``:                                    "create license: invalid: 400 Bad Request",
		`<html><title>Bad request</title>` + strings.Repeat("<p>", 9999): `create license: invalid: 400 Bad Request: an HTML page titled "Bad request"`,
	} {
		_, err := clientFor(t, always(400, body)).Create(t.Context(), License, []byte(`{}`))
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWhatCanOnlyBeReadIsNotWritten(t *testing.T) {
	for _, object := range []Object{Ticket, CustomField} {
		fake := always(200, record(1))
		client := clientFor(t, fake)
		_, created := client.Create(t.Context(), object, []byte(`{}`))
		_, updated := client.Update(t.Context(), object, ByID(hexID(1)), []byte(`{}`))
		_, deleted := client.Delete(t.Context(), object, hexID(1))
		_, upserted := client.BulkUpsert(t.Context(), object, []json.RawMessage{json.RawMessage(`{}`)})
		for _, err := range []error{created, updated, deleted, upserted} {
			if KindOf(err) != KindInvalid || !strings.Contains(err.Error(), "only be read") {
				t.Errorf("%s: got %v", object, err)
			}
		}
		if n := len(fake.asked()); n > 0 {
			t.Errorf("%s: %d requests", object, n)
		}
		if _, err := client.Get(t.Context(), object, ByID(hexID(1))); err != nil {
			t.Errorf("%s: %v", object, err)
		}
	}
}
