package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Webhook is a subscription of the company. There is no call that changes one: it is
// deleted and created anew.
type Webhook struct {
	ID        int64
	CompanyID int64
	OwnerID   int64 // who made it
	UserID    int64 // whose permissions filter its events
	AdminID   int64

	Name    string
	Action  string // "*", "create", "change", "delete"; those of version 1: "added", ...
	Object  string // "deal", ..., or "*"
	URL     string // where it delivers
	Version string // of the payload: "1.0" or "2.0"
	Type    string // "general", "application", "automation"

	AuthUser     string // sent with every delivery; "": none, or not shown
	AuthPassword string // perhaps masked, perhaps not shown

	Active       bool
	AddTime      time.Time
	RemoveTime   time.Time // zero: it was not removed
	RemoveReason string
	LastDelivery time.Time // zero: there was none
	LastStatus   int       // what the receiver answered last; 0: nothing yet, or no answer
	LastFailed   bool      // the last delivery failed: another status than 2xx, or none at all
}

// NewWebhook is a subscription to be made.
type NewWebhook struct {
	Name    string // shown to people
	Action  string // "*": create, change and delete in one
	Object  string
	URL     string // public, https, without redirects
	Version string // "": "2.0"
	UserID  int64  // whose permissions filter its events; 0: the token's user

	AuthUser, AuthPassword string // for HTTP basic auth of every delivery; "": none
}

const (
	webhookListTokens   = 10
	webhookCreateTokens = 10
	webhookDeleteTokens = 6
)

// WebhookLimit is how many webhooks a user may have, by Pipedrive's documentation.
const WebhookLimit = 40

type wireWebhook struct {
	CompanyID    number          `json:"company_id"`
	OwnerID      number          `json:"owner_id"`
	UserID       number          `json:"user_id"`
	AdminID      number          `json:"admin_id"`
	Name         words           `json:"name"`
	Action       words           `json:"event_action"`
	Object       words           `json:"event_object"`
	URL          words           `json:"subscription_url"`
	Version      words           `json:"version"`
	Type         words           `json:"type"`
	AuthUser     words           `json:"http_auth_user"`
	AuthPassword words           `json:"http_auth_password"`
	Active       *flag           `json:"is_active"`
	AddTime      moment          `json:"add_time"`
	RemoveTime   moment          `json:"remove_time"`
	RemoveReason words           `json:"remove_reason"`
	LastDelivery moment          `json:"last_delivery_time"`
	LastStatus   json.RawMessage `json:"last_http_status"`
}

// Webhooks lists the webhooks that the token's user may see: of the whole company for an
// admin. All come in one answer. Removed ones may be among them.
func (c *Client) Webhooks(ctx context.Context) ([]Webhook, error) {
	return listed(ctx, c, webhookOf, call{
		action: "list", subject: "webhooks", method: http.MethodGet, version: V1, path: "/webhooks", template: "/webhooks",
		label: labelWebhook, cost: webhookListTokens,
	})
}

// CreateWebhook makes a webhook. It is sent once: when its answer is lost the error is
// [KindAmbiguous], and the list tells whether it was made. [KindInvalid] with an URL that
// Pipedrive cannot reach, [KindLimit] when the user has 40.
func (c *Client) CreateWebhook(ctx context.Context, w NewWebhook) (Webhook, error) {
	subject := fmt.Sprintf("webhook %q", w.Name)
	if w.Name == "" || w.Action == "" || w.Object == "" || w.URL == "" {
		return Webhook{}, refuse("create", subject, "name, action, object and URL are needed")
	}
	body, err := json.Marshal(bodyOf(w))
	if err != nil {
		return Webhook{}, refuse("create", subject, "encode it: %w", err)
	}
	var made Webhook
	err = c.do(ctx, call{
		action: "create", subject: subject, method: http.MethodPost, version: V1, path: "/webhooks", template: "/webhooks",
		label: labelWebhook, cost: webhookCreateTokens, body: body, once: true,
		accept: func(env envelope, _ *rest.Answer) (err error) {
			made, err = webhookOf(env.data)
			return err
		},
	})
	if err != nil {
		return Webhook{}, withoutPassword(err, w.AuthPassword)
	}
	return made, nil
}

// withoutPassword keeps a password that Pipedrive repeats out of an error.
func withoutPassword(err error, password string) error {
	if e, ok := errors.AsType[*Error](err); ok && password != "" {
		e.Message = strings.ReplaceAll(e.Message, password, "[password]")
	}
	return err
}

// bodyOf is the body of a create. Version and name are always sent: what happens without
// has changed in the past.
func bodyOf(w NewWebhook) map[string]any {
	body := map[string]any{
		"name": w.Name, "event_action": w.Action, "event_object": w.Object, "subscription_url": w.URL, "version": "2.0",
	}
	if w.Version != "" {
		body["version"] = w.Version
	}
	if w.UserID != 0 {
		body["user_id"] = w.UserID
	}
	if w.AuthUser != "" || w.AuthPassword != "" {
		body["http_auth_user"], body["http_auth_password"] = w.AuthUser, w.AuthPassword
	}
	return body
}

// DeleteWebhook removes a webhook. One that is gone is [KindNotFound], one of another
// user [KindForbidden].
func (c *Client) DeleteWebhook(ctx context.Context, id int64) error {
	subject := fmt.Sprintf("webhook %d", id)
	if id <= 0 {
		return refuse("delete", subject, "an id is a positive number")
	}
	err := c.do(ctx, call{
		action: "delete", subject: subject, method: http.MethodDelete, version: V1,
		path: "/webhooks/" + strconv.FormatInt(id, 10), template: "/webhooks/{id}",
		label: labelWebhook, cost: webhookDeleteTokens, empty: true,
	})
	return err
}

func webhookOf(raw json.RawMessage) (Webhook, error) {
	row, err := rowOf(raw)
	if err != nil {
		return Webhook{}, err
	}
	var w wireWebhook
	if err := json.Unmarshal(raw, &w); err != nil {
		return Webhook{}, errors.New("a webhook cannot be decoded")
	}
	status, failed := lastStatus(w.LastStatus)
	return Webhook{
		ID: row.ID, CompanyID: int64(w.CompanyID), OwnerID: int64(w.OwnerID), UserID: int64(w.UserID), AdminID: int64(w.AdminID),
		Name: string(w.Name), Action: string(w.Action), Object: string(w.Object), URL: string(w.URL), Version: string(w.Version),
		Type: string(w.Type), AuthUser: string(w.AuthUser), AuthPassword: string(w.AuthPassword),
		Active: w.Active == nil || bool(*w.Active), AddTime: time.Time(w.AddTime), RemoveTime: time.Time(w.RemoveTime),
		RemoveReason: string(w.RemoveReason), LastDelivery: time.Time(w.LastDelivery), LastStatus: status, LastFailed: failed,
	}, nil
}

// lastStatus reads a number, or the word that stands for no answer at all.
func lastStatus(raw json.RawMessage) (status int, failed bool) {
	said := text(raw)
	if said == "" {
		return 0, false
	}
	n, err := strconv.Atoi(said)
	return n, err != nil || n < 200 || n > 299
}
