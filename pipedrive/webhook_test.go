package pipedrive

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWebhooksInAllShapes(t *testing.T) {
	body := `{"status":"ok","success":true,"data":[
		{"id":"7","company_id":"1","owner_id":2,"user_id":3,"admin_id":null,"event_action":"*","event_object":"deal","subscription_url":"https://x","version":"2.0",
		 "is_active":1,"add_time":"2026-11-01T09:00:00.000Z","remove_time":null,"type":"general","http_auth_user":"u","http_auth_password":"***",
		 "remove_reason":null,"last_delivery_time":"2026-11-19T13:42:08.000Z","last_http_status":200,"name":"n"},
		{"id":8,"is_active":false,"remove_time":"2026-11-02 09:00:00","remove_reason":"no success","last_http_status":"503"},
		{"id":9,"is_active":"1","last_http_status":"Error"},
		{"id":10,"last_http_status":null}]}`
	hooks, err := clientFor(t, always(200, body)).Webhooks(t.Context())
	if err != nil || len(hooks) != 4 {
		t.Fatalf("got %+v, %v", hooks, err)
	}
	want := Webhook{
		ID: 7, CompanyID: 1, OwnerID: 2, UserID: 3, Name: "n", Action: "*", Object: "deal", URL: "https://x", Version: "2.0", Type: "general",
		AuthUser: "u", AuthPassword: "***", Active: true, AddTime: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC),
		LastDelivery: time.Date(2026, 11, 19, 13, 42, 8, 0, time.UTC), LastStatus: 200,
	}
	if hooks[0] != want {
		t.Errorf("got %+v\nwant %+v", hooks[0], want)
	}
	if h := hooks[1]; h.Active || h.RemoveTime.IsZero() || h.RemoveReason != "no success" || h.LastStatus != 503 || !h.LastFailed {
		t.Errorf("got %+v", h)
	}
	if h := hooks[2]; !h.Active || h.LastStatus != 0 || !h.LastFailed {
		t.Errorf("got %+v", h)
	}
	if h := hooks[3]; !h.Active || h.LastFailed {
		t.Errorf("got %+v", h)
	}
	if hooks, err := clientFor(t, always(200, `{"status":"ok","success":true,"data":null}`)).Webhooks(t.Context()); err != nil || len(hooks) != 0 {
		t.Errorf("none: %v, %v", hooks, err)
	}
	if _, err := clientFor(t, always(200, `{"status":"ok","success":true}`)).Webhooks(t.Context()); KindOf(err) != KindMalformed {
		t.Errorf("no data is not an empty list: %v", err)
	}
}

func TestCreateWebhook(t *testing.T) {
	fake := always(201, `{"status":"ok","success":true,"data":{"id":7,"event_object":"deal"}}`)
	made, err := clientFor(t, fake).CreateWebhook(t.Context(), NewWebhook{
		Name: "bridge deal", Action: "*", Object: "deal", URL: "https://x/y", UserID: 3, AuthUser: "u", AuthPassword: "p",
	})
	if err != nil || made.ID != 7 || made.Object != "deal" {
		t.Fatalf("got %+v, %v", made, err)
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(fake.asked()[0].Body), &sent); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"name": "bridge deal", "event_action": "*", "event_object": "deal", "subscription_url": "https://x/y", "version": "2.0",
		"user_id": 3.0, "http_auth_user": "u", "http_auth_password": "p",
	} {
		if sent[name] != want {
			t.Errorf("%s: sent %v, want %v", name, sent[name], want)
		}
	}
	if r := fake.asked()[0]; r.Method != http.MethodPost || r.Path != "/api/v1/webhooks" || r.Header.Get("Content-Type") != "application/json" || len(sent) != 8 {
		t.Errorf("sent %+v", r)
	}
	if _, err := clientFor(t, fake).CreateWebhook(t.Context(), NewWebhook{Name: "n", Action: "*", Object: "deal", URL: "u", Version: "1.0"}); err != nil || strings.Contains(fake.asked()[1].Body, "auth") ||
		!strings.Contains(fake.asked()[1].Body, `"version":"1.0"`) || strings.Contains(fake.asked()[1].Body, "user_id") {
		t.Errorf("sent %s, %v", fake.asked()[1].Body, err)
	}
	if _, err := clientFor(t, fake).CreateWebhook(t.Context(), NewWebhook{Action: "*", Object: "deal", URL: "u"}); KindOf(err) != KindInvalid || len(fake.asked()) != 2 {
		t.Errorf("without a name: %v", err)
	}
}

// A create whose answer is lost may have been carried out: it is not sent again.
func TestALostCreateIsNotRepeated(t *testing.T) {
	for name, rt := range map[string]http.RoundTripper{
		"503": always(503, ``), "cut": always(201, `{"status":"ok","succ`), "without an id": always(201, `{"status":"ok","success":true,"data":{}}`),
		"reset": transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") }),
	} {
		asked := 0
		counted := transport(func(r *http.Request) (*http.Response, error) {
			asked++
			return rt.RoundTrip(r)
		})
		_, err := clientFor(t, counted).CreateWebhook(t.Context(), NewWebhook{Name: "n", Action: "*", Object: "deal", URL: "u"})
		if KindOf(err) != KindAmbiguous || asked != 1 {
			t.Errorf("%s: %v after %d requests", name, err, asked)
		}
	}
}

func TestPasswordIsInNoError(t *testing.T) {
	c := clientFor(t, always(400, `{"status":"error","success":false,"errors":{"http_auth_password":["'s3cret' is too short"]}}`))
	_, err := c.CreateWebhook(t.Context(), NewWebhook{Name: "n", Action: "*", Object: "deal", URL: "u", AuthPassword: "s3cret"})
	if KindOf(err) != KindInvalid || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "too short") {
		t.Errorf("got %v", err)
	}
}

func TestDeleteWebhook(t *testing.T) {
	for name, tt := range map[string]struct {
		reply reply
		kind  Kind
	}{
		"done": {reply{200, `{"status":"ok","success":true}`, nil}, KindNone}, "without a body": {reply{204, ``, nil}, KindNone},
		"gone":           {reply{404, `{"status":"error","success":false,"errors":{"id":["not found"]}}`, nil}, KindNotFound},
		"another user's": {reply{403, `{"success":false,"message":"Forbidden"}`, nil}, KindForbidden},
		"no in a 200":    {reply{200, `{"status":"error","success":false}`, nil}, KindInvalid},
	} {
		fake := inTurn(tt.reply)
		if err := clientFor(t, fake).DeleteWebhook(t.Context(), 7); KindOf(err) != tt.kind || fake.asked()[0].Path != "/api/v1/webhooks/7" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := clientFor(t, always(200, ``)).DeleteWebhook(t.Context(), 0); KindOf(err) != KindInvalid {
		t.Errorf("0: %v", err)
	}
}

func TestUsers(t *testing.T) {
	users, err := clientFor(t, always(200, `{"success":true,"data":[{"id":1,"name":"A","email":"a@x","active_flag":true},{"id":2,"active_flag":true,"is_deleted":true}]}`)).Users(t.Context())
	if err != nil || len(users) != 2 || users[0].ID != 1 || users[0].Name != "A" || users[0].Email != "a@x" || !users[0].Active || users[1].Active {
		t.Errorf("got %+v, %v", users, err)
	}
}
