package planhat

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Client calls Planhat's REST API with one token. It is safe for concurrent use.
type Client struct{ rest *rest.Client }

// New returns a client for the API at a base URL such as [DefaultBaseURL]. Nothing is
// sent. A base URL that cannot be meant, a missing token source and limits that allow
// nothing are errors.
func New(baseURL string, token TokenSource, opts ...Option) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, fmt.Errorf("planhat client: base URL: %w", err)
	}
	if token == nil {
		return nil, errors.New("planhat client: token source is missing")
	}
	s := settings{config: rest.Defaults(DefaultCallDeadline, DefaultMaxBody)}
	s.config.Lane = rest.NewBudget(rest.Limits{PerMinute: 200, PerSecond: 150, InFlight: 50, Burst: 10}).Lane("default", 1)
	for _, opt := range opts {
		opt(&s)
	}
	if err := s.config.Check(); err != nil {
		return nil, fmt.Errorf("planhat client: %w", err)
	}
	s.config.Base = base
	s.config.Classify = classify
	s.config.Authorize = func(h http.Header) string {
		secret := token()
		h.Set("Authorization", "Bearer "+secret)
		return secret
	}
	return &Client{rest: rest.New(s.config)}, nil
}

// CloseIdleConnections closes the connections on which no call is under way. A client
// that is not needed any more has none left after it; one that is goes on.
func (c *Client) CloseIdleConnections() { c.rest.CloseIdle() }

// parseBase accepts http and https URLs with a host and perhaps a path. Its errors do
// not repeat the URL, which may hold a password pasted into it.
func parseBase(raw string) (*url.URL, error) {
	base, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("it is empty; " + DefaultBaseURL + " serves most tenants")
	case err != nil:
		return nil, errors.New("it is not a URL")
	case base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("it starts with %q, want https://", base.Scheme+":")
	case base.Hostname() == "":
		return nil, errors.New("it has no host")
	case base.User != nil:
		return nil, errors.New("it holds a user name; the token is given apart")
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return nil, errors.New("it has a query or fragment")
	}
	return base, nil
}
