package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// readBody reads an answer whole. Its error says why the bytes returned are not all
// of it: cut by the network, shorter than announced, or longer than allowed.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return body, fmt.Errorf("the answer is cut after %d bytes", len(body))
	case err != nil:
		return body, fmt.Errorf("the answer is cut after %d bytes: %w", len(body), err)
	case int64(len(body)) > limit:
		return body[:limit], Final(fmt.Errorf("the answer is larger than %d bytes", limit))
	case resp.ContentLength >= 0 && !resp.Uncompressed && int64(len(body)) != resp.ContentLength:
		return body, fmt.Errorf("the answer has %d bytes instead of the %d announced", len(body), resp.ContentLength)
	}
	return body, nil
}

// IsHTML reports whether an answer is a page: something in front of the API speaks.
func IsHTML(h http.Header, body []byte) bool {
	if strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") {
		return true
	}
	return strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<")
}
