package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Client calls Pipedrive's REST API with one token. It is safe for concurrent use.
type Client struct {
	rest  *rest.Client
	url   URL
	token TokenSource
	meter *meter
	apart rest.Config // of a client for another host, that asks there with the same token
}

// New returns a client for the API at a company's address. Nothing is sent. An address
// that [ParseURL] has not made, a missing token source and limits that allow nothing are
// errors.
func New(u URL, token TokenSource, opts ...Option) (*Client, error) {
	base, err := url.Parse(u.base)
	switch {
	case u.base == "" || err != nil:
		return nil, errors.New("pipedrive client: the URL is empty; make it with ParseURL")
	case token == nil:
		return nil, errors.New("pipedrive client: token source is missing")
	}
	s := settings{config: rest.Defaults(DefaultCallDeadline, DefaultMaxBody)}
	for _, opt := range opts {
		opt(&s)
	}
	if err := s.config.Check(); err != nil {
		return nil, fmt.Errorf("pipedrive client: %w", err)
	}
	if s.lane == nil {
		s.lane = NewBudget(BudgetOptions{RequestsPer2s: DefaultRequestsPer2s, InFlight: 10}).Lane("default", 1)
	}
	s.config.Lane = s.lane.lane
	s.config.Classify, s.config.Say, s.config.Window = classify, say, window
	meter := s.lane.meter
	s.config.Meter = func(c rest.Call, h http.Header) { meter.note(c, h, time.Now()) }
	s.config.Authorize = func(h http.Header) string {
		secret := token()
		h.Set("X-Api-Token", secret)
		return secret
	}
	s.config.Base = base
	return &Client{rest: rest.New(s.config), url: u, token: token, meter: meter, apart: s.config}, nil
}

// URL returns the address that the client calls.
func (c *Client) URL() URL { return c.url }

// Usage returns what the calls of this client's budget have cost, and what is left.
func (c *Client) Usage() Usage { return c.meter.usage() }

// CloseIdleConnections closes the connections on which no call is under way. A client
// that is not needed any more has none left after it; one that is goes on.
func (c *Client) CloseIdleConnections() { c.rest.CloseIdle() }

// call is one call: what the table of objects or a method of this package fills in.
type call struct {
	action, subject string
	method          string
	version         string // V1 or V2
	path            string // below the version, escaped
	template        string // the path without ids
	label           Object
	query           url.Values
	body            []byte
	cost            int
	once            bool // carrying it out twice is not the same as once
	empty           bool // an answer without a body is in order

	accept func(envelope, *rest.Answer) error
}

// do sends a call and hands its envelope over.
func (c *Client) do(ctx context.Context, k call) error {
	prefix := "/api/v2"
	if k.version == V1 {
		prefix = c.url.v1
	}
	answer, err := c.rest.Do(ctx, rest.Request{
		Method: k.method, Path: prefix + k.path, Template: "/" + k.version + k.template, Label: string(k.label),
		Query: k.query, Body: k.body, Cost: k.cost, Write: k.method != http.MethodGet, Once: k.once,
		Accept: func(a *rest.Answer) error {
			env, err := readEnvelope(a, k.empty)
			if err != nil || k.accept == nil {
				return err
			}
			return k.accept(env, a)
		},
	})
	if err != nil {
		return failed(k.action, k.subject, answer.Body, err)
	}
	return nil
}
