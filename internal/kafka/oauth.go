package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

const (
	tokenTimeout = 10 * time.Second
	tokenMaxBody = 1 << 20
	// tokenMargin is how long before its end a token is replaced, or a tenth
	// of its life where that is shorter.
	tokenMargin = 60 * time.Second
	// tokenDefaultLife is assumed where the answer names no expiry.
	tokenDefaultLife = 5 * time.Minute
)

// tokenSource fetches bearer tokens by the client-credentials grant (RFC 6749,
// section 4.4) and keeps each until shortly before it expires. Concurrent
// connections share one request.
type tokenSource struct {
	cfg  config.OAuth
	http *http.Client
	lock chan struct{} // a mutex that can be given up on when ctx ends

	value string
	until time.Time
}

func newTokenSource(c config.OAuth) *tokenSource {
	return &tokenSource{cfg: c, http: &http.Client{Timeout: tokenTimeout}, lock: make(chan struct{}, 1)}
}

func (s *tokenSource) token(ctx context.Context) (string, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if s.value != "" && time.Now().Before(s.until) {
		return s.value, nil
	}
	value, life, err := s.fetch(ctx)
	if err != nil {
		return "", fmt.Errorf("fetch OAuth token from %s: %w", s.cfg.TokenURL, err)
	}
	s.value, s.until = value, time.Now().Add(life-min(tokenMargin, life/10))
	return value, nil
}

func (s *tokenSource) fetch(ctx context.Context) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if s.cfg.Scope != "" {
		form.Set("scope", s.cfg.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	// RFC 6749 section 2.3.1: both parts are form-encoded before Basic.
	req.SetBasicAuth(url.QueryEscape(s.cfg.ClientID), url.QueryEscape(s.cfg.ClientSecret.Current()))
	resp, err := s.http.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenMaxBody))
	if err != nil {
		return "", 0, err
	}
	return parseToken(resp.StatusCode, body)
}

// parseToken reads a token answer. It never puts the body of a success into an
// error: that may be the token.
func parseToken(status int, body []byte) (string, time.Duration, error) {
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	err := json.Unmarshal(body, &answer)
	if status != http.StatusOK {
		return "", 0, fmt.Errorf("status %d %s", status, strings.TrimSpace(answer.Error+" "+answer.Description))
	}
	if err != nil || answer.AccessToken == "" {
		return "", 0, fmt.Errorf("the answer holds no access_token")
	}
	life := tokenDefaultLife
	if answer.ExpiresIn > 0 && answer.ExpiresIn < 365*24*3600 {
		life = time.Duration(answer.ExpiresIn * float64(time.Second))
	}
	return answer.AccessToken, life, nil
}
