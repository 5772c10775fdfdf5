package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// envelope is what every answer is wrapped in.
type envelope struct {
	refusal

	data       json.RawMessage // nil: the answer has none
	additional json.RawMessage
}

// additional is where lists say how to go on: with a cursor in version 2, with an offset
// in version 1.
type additional struct {
	NextCursor json.RawMessage `json:"next_cursor"`
	Pagination *struct {
		Start     number  `json:"start"`
		Limit     number  `json:"limit"`
		More      flag    `json:"more_items_in_collection"`
		NextStart *number `json:"next_start"`
	} `json:"pagination"`
}

// readEnvelope opens an answer of status 2xx. One without a body stands for a 404 in
// version 1, unless empty says that it is in order.
func readEnvelope(a *rest.Answer, empty bool) (envelope, error) {
	var env envelope
	body := bytes.TrimSpace(a.Body)
	switch {
	case len(body) == 0 && empty:
		return env, nil
	case a.Status == http.StatusNoContent:
		return env, &rest.Refused{Kind: rest.KindNotFound, Message: "answered without a body"}
	case len(body) == 0:
		return env, errors.New("the answer is empty")
	case rest.IsHTML(a.Header, body):
		return env, errors.New("the answer is " + rest.Message(a.Header, body, ""))
	case body[0] != '{':
		return env, errors.New("the answer is no JSON object")
	}
	if err := checkJSON(body); err != nil {
		return env, fmt.Errorf("the answer is not JSON: %w", err)
	}
	all := members(body)
	env = envelope{refusalOf(all), all["data"], all["additional_data"]}
	if env.refused() {
		return env, &rest.Refused{Kind: env.kind(), Message: env.words()}
	}
	if env.success == "" && env.data == nil {
		return env, errors.New("the answer has neither success nor data")
	}
	return env, nil
}

// withoutText keeps what the decoder says about the place and drops what it found there,
// which may be somebody's record.
func withoutText(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("broken at byte %d", syntax.Offset)
	}
	if shape, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("member %q is of a wrong type", shape.Field)
	}
	return errors.New("it cannot be decoded")
}

// more reads how to go on; what is missing or of another shape says nothing.
func (e envelope) more() additional {
	var a additional
	_ = json.Unmarshal(e.additional, &a)
	return a
}

// list takes the data apart; null is an empty list, another shape or nothing at all is
// an error.
func (e envelope) list() ([]json.RawMessage, error) {
	if e.data == nil {
		return nil, errors.New("the answer has no data")
	}
	rows, err := elements(e.data)
	if err != nil {
		return nil, errors.New("the answer's data is no list")
	}
	return rows, nil
}
