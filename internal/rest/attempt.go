package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// errNoToken is an attempt without a credential.
var errNoToken = errors.New("the token is empty")

// attempt sends a call once: budget, gate, request, answer. call is what is known of it.
func (c *Client) attempt(ctx context.Context, req *Request, call Call) (o outcome) {
	asked := time.Now()
	permit, err := c.cfg.Lane.Acquire(ctx)
	if err != nil {
		return notBegun(fmt.Errorf("wait for the call budget: %w", err))
	}
	defer permit.Release()
	call.Method, call.Path, call.Label, call.Write, call.Cost = req.Method, req.Template, req.Label, req.Write, req.Cost
	call.Waited += time.Since(asked)
	if err := c.ask(ctx, req, call); err != nil {
		return notBegun(err)
	}
	start := time.Now()
	o = c.send(ctx, req)
	o.at = time.Now()
	call.Duration, call.Status, call.Kind, call.Err = o.at.Sub(start), o.answer.Status, o.kind, o.err
	if c.cfg.Meter != nil {
		c.cfg.Meter(call, o.answer.Header)
	}
	if c.cfg.Observe != nil {
		c.cfg.Observe(call)
	}
	return o
}

func (c *Client) ask(ctx context.Context, req *Request, call Call) error {
	if !req.Write || c.cfg.Gate == nil {
		return nil
	}
	return c.cfg.Gate(ctx, call)
}

// send makes the exchange under the deadline of one attempt.
func (c *Client) send(ctx context.Context, req *Request) outcome {
	attemptCtx, cancel := context.WithTimeoutCause(ctx, c.cfg.CallDeadline, c.late)
	defer cancel()
	seen := &evidence{}
	httpReq, secret, err := c.build(httptrace.WithClientTrace(attemptCtx, seen.trace()), req)
	if err != nil {
		kind := KindInvalid
		if errors.Is(err, errNoToken) {
			kind = KindUnauthorized
		}
		return outcome{kind: kind, err: err}
	}
	if ctx.Err() != nil {
		return notBegun(context.Cause(ctx))
	}
	resp, err := exchange(c.cfg.HTTP, httpReq)
	if err != nil {
		return outcome{kind: KindUnavailable, err: cause(attemptCtx, err, secret), maySent: !seen.unsent(err)}
	}
	defer resp.Body.Close()
	return c.receive(attemptCtx, req, resp, secret)
}

// build makes the HTTP request of one attempt. Its body cannot be rewound by
// net/http, so that nothing but this package ever sends a call a second time.
func (c *Client) build(ctx context.Context, req *Request) (*http.Request, string, error) {
	target := c.base + req.Path
	if len(req.Query) > 0 {
		target += "?" + req.Query.Encode()
	}
	var body io.Reader
	if req.Body != nil {
		body = io.NopCloser(bytes.NewReader(req.Body))
	}
	httpReq, err := http.NewRequestWithContext(ctx, req.Method, target, body)
	if err != nil {
		return nil, "", fmt.Errorf("build the request: %w", withoutURL(err))
	}
	if req.Body != nil {
		httpReq.ContentLength = int64(len(req.Body))
		httpReq.Header.Set("Content-Type", "application/json")
	}
	httpReq.Header.Set("Accept", "application/json")
	httpReq.Header.Set("User-Agent", c.cfg.UserAgent)
	secret := c.cfg.Authorize(httpReq.Header)
	if secret == "" {
		return nil, "", errNoToken
	}
	return httpReq, secret, nil
}

// receive reads the answer whole and says what it means.
func (c *Client) receive(ctx context.Context, req *Request, resp *http.Response, secret string) outcome {
	body, err := readBody(resp, c.cfg.MaxBody, req.Room)
	o := outcome{maySent: true, answer: Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}}
	said := readPacing(resp.Header, time.Now()).within(c.cfg.Window)
	if said.exhausted > 0 {
		c.cfg.Lane.budget.Stop(time.Now().Add(said.exhausted))
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		o.message = c.says(resp.Header, body, secret)
	}
	o.kind = c.cfg.Classify(&o.answer, o.message)
	o.wait = said.wait(o.kind)
	if o.kind != KindNone {
		return o
	}
	switch {
	case err != nil && ctx.Err() != nil:
		o.kind, o.err = KindUnavailable, cause(ctx, err, secret)
	case err != nil:
		o.kind, o.err = KindMalformed, err
	case req.Accept != nil:
		if err := req.Accept(&o.answer); err != nil {
			o.reject(err, secret)
			o.wait = said.wait(o.kind)
		}
	}
	return o
}

// says returns what a refusal says, in one short line without the secret.
func (c *Client) says(h http.Header, body []byte, secret string) string {
	if c.cfg.Say != nil {
		if text := c.cfg.Say(body[:min(len(body), maxErrorBody)]); text != "" {
			return shorten(redact(text, secret))
		}
	}
	return Message(h, body, secret)
}

// cause returns what made an exchange fail, without the URL (it may name a person)
// and without the secret.
func cause(ctx context.Context, err error, secret string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return redactError(withoutURL(err), secret)
}

func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
