package webhook

import (
	"net/http"
	"strconv"
)

// outcome is how a request ended.
type outcome int

const (
	stored outcome = iota
	odd
	notFound
	wrongMethod
	unauthorized
	encoded
	wrongType
	tooLarge
	malformed
	slow
	gone
	overloaded
	unavailable
	outcomes // how many there are
)

// answer is what an outcome is answered with. Pipedrive takes any 2xx for
// delivered; after anything else it tries again three times within minutes.
type answer struct {
	label  string // in metrics and status
	status int
	text   string
	close  bool // the connection, with what was not read of the body
	again  int  // seconds after which to try again; 0: no use, or nobody asks
}

// answers are the rules of the intake, in the order in which a request meets them.
var answers = [outcomes]answer{
	notFound:     {label: "not_found", status: http.StatusNotFound, text: "webhooks are taken at /pipedrive/<account>", close: true},
	wrongMethod:  {label: "wrong_method", status: http.StatusMethodNotAllowed, text: "webhooks are sent with POST", close: true},
	unauthorized: {label: "unauthorized", status: http.StatusUnauthorized, text: "no account has this user and password", close: true},
	encoded:      {label: "encoded", status: http.StatusUnsupportedMediaType, text: "a body is sent as it is, without Content-Encoding", close: true},
	wrongType:    {label: "wrong_type", status: http.StatusUnsupportedMediaType, text: "a body is application/json", close: true},
	tooLarge:     {label: "too_large", status: http.StatusRequestEntityTooLarge, text: "the body is larger than a webhook may be", close: true},
	overloaded:   {label: "overloaded", status: http.StatusServiceUnavailable, text: "too many webhooks at once", again: 3},
	slow:         {label: "slow", status: http.StatusRequestTimeout, text: "the body did not come in time", close: true},
	gone:         {label: "gone", status: http.StatusBadRequest, text: "the body ended early", close: true},
	malformed:    {label: "malformed", status: http.StatusBadRequest, text: "the body is not JSON"},
	unavailable:  {label: "unavailable", status: http.StatusServiceUnavailable, text: "the webhook could not be stored in time", again: 3},
	odd:          {label: "odd", status: http.StatusOK}, // stored; it names no record
	stored:       {label: "stored", status: http.StatusOK},
}

func (o outcome) String() string { return answers[o].label }

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	if a.close {
		h.Set("Connection", "close")
	}
	if a.again > 0 {
		h.Set("Retry-After", strconv.Itoa(a.again))
	}
	switch a.status {
	case http.StatusOK:
		return // an answer without words: nobody reads them
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="webhooks"`)
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	}
	http.Error(w, a.text, a.status)
}
