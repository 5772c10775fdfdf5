package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Me is the user of a token, and the user's company.
type Me struct {
	ID            int64
	Name, Email   string
	Admin         bool // of the deals app: sees every record, and every webhook
	CompanyID     int64
	CompanyName   string
	CompanyDomain string // "acme" of https://acme.pipedrive.com
	Language      string // "en"
	Timezone      string // "Europe/Stockholm"
	Raw           []byte // the JSON object as Pipedrive sent it
}

// User is a user of the company. Raw is the JSON object as Pipedrive sent it.
type User struct {
	ID          int64
	Name, Email string
	Active      bool
	Raw         []byte
}

const (
	meTokens    = 2
	usersTokens = 20
)

// MeTokens is what asking [Client.Me] costs: the cheapest call that tells whether a
// token is accepted.
const MeTokens = meTokens

type wireUser struct {
	ID            number `json:"id"`
	Name          words  `json:"name"`
	Email         words  `json:"email"`
	Active        flag   `json:"active_flag"`
	Deleted       flag   `json:"is_deleted"`
	IsAdmin       flag   `json:"is_admin"`
	CompanyID     number `json:"company_id"`
	CompanyName   words  `json:"company_name"`
	CompanyDomain words  `json:"company_domain"`
	Timezone      words  `json:"timezone_name"`
	Language      struct {
		Code words `json:"language_code"`
	} `json:"language"`
	Access []struct {
		App   words `json:"app"`
		Admin flag  `json:"admin"`
	} `json:"access"`
}

// Me asks who the token's user is, and of which company.
func (c *Client) Me(ctx context.Context) (Me, error) { return c.me(ctx, c.rest, c.url.v1) }

func (c *Client) me(ctx context.Context, at *rest.Client, v1 string) (Me, error) {
	var me Me
	asked := *c
	asked.rest, asked.url.v1 = at, v1
	err := asked.do(ctx, call{
		action: "get", subject: "users/me", method: http.MethodGet, version: V1, path: "/users/me", template: "/users/me",
		label: labelUser, cost: meTokens,
		accept: func(env envelope, _ *rest.Answer) (err error) {
			me, err = meOf(env.data)
			return err
		},
	})
	return me, err
}

func meOf(raw json.RawMessage) (Me, error) {
	row, err := rowOf(raw)
	if err != nil {
		return Me{}, err
	}
	var w wireUser
	if err := json.Unmarshal(raw, &w); err != nil {
		return Me{}, errors.New("the user cannot be decoded")
	}
	me := Me{
		ID: row.ID, Name: string(w.Name), Email: string(w.Email), Admin: bool(w.IsAdmin), CompanyID: int64(w.CompanyID),
		CompanyName: string(w.CompanyName), CompanyDomain: string(w.CompanyDomain), Language: string(w.Language.Code),
		Timezone: string(w.Timezone), Raw: row.Raw,
	}
	for _, access := range w.Access {
		me.Admin = me.Admin || access.App == "sales" && bool(access.Admin)
	}
	return me, nil
}

// Users lists the users of the company: all of them come in one answer.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	return listed(ctx, c, userOf, call{
		action: "list", subject: "users", method: http.MethodGet, version: V1, path: "/users", template: "/users",
		label: labelUser, cost: usersTokens,
	})
}

func userOf(raw json.RawMessage) (User, error) {
	row, err := rowOf(raw)
	if err != nil {
		return User{}, err
	}
	var w wireUser
	if err := json.Unmarshal(raw, &w); err != nil {
		return User{}, errors.New("a user cannot be decoded")
	}
	return User{ID: row.ID, Name: string(w.Name), Email: string(w.Email), Active: bool(w.Active && !w.Deleted), Raw: row.Raw}, nil
}
