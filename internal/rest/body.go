package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// readBody reads an answer whole. Its error says why the bytes returned are not all
// of it: cut by the network, shorter than announced, or longer than allowed.
func readBody(resp *http.Response, limit int64, room []byte) ([]byte, error) {
	body, err := readAll(io.LimitReader(resp.Body, limit+1), resp.ContentLength, room)
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

// announcedMost bounds the room that is made for an answer on its word alone.
const announcedMost = 16 << 20

// readAll is io.ReadAll into room, or with room for the size that was announced, less
// than 0 if none was, so that pages are not copied while they grow.
func readAll(r io.Reader, announced int64, room []byte) ([]byte, error) {
	need := bytes.MinRead // to find the end in
	if announced > 0 && announced <= announcedMost {
		need += int(announced)
	}
	if cap(room) < need {
		room = make([]byte, 0, need)
	}
	buf := bytes.NewBuffer(room[:0])
	_, err := buf.ReadFrom(r)
	return buf.Bytes(), err
}

// IsHTML reports whether an answer is a page: something in front of the API speaks.
func IsHTML(h http.Header, body []byte) bool {
	if strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") {
		return true
	}
	return strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<")
}
