package rest

import (
	"net/http"
	"net/url"
	"time"
)

// Request is a call, sent as often as its outcome asks for and its nature allows.
type Request struct {
	Method   string
	Path     string     // escaped, absolute below the base URL: "/companies/extid-a%2Fb"
	Query    url.Values // nil: none
	Body     []byte     // JSON; nil: none
	Template string     // the path without ids, for observers: "/companies/{id}"
	Label    string     // the caller's word for what is called, for observers
	Cost     int        // what the vendor charges for it, for observers
	Room     []byte     // memory for the answer, used if it is large enough; what is in it is lost. nil: none

	Write bool // the call changes something: the gate is asked, uncertainty is kept
	Once  bool // carrying it out twice is not the same as once: never repeated blindly

	// Accept reads an answer of status 2xx, as part of the attempt: its error makes
	// the answer malformed, and the attempt one that failed; a [*Refused] makes it the
	// refusal that it names. nil accepts everything.
	Accept func(*Answer) error
}

// Answer is the last answer to a call.
type Answer struct {
	Status   int // 0: nobody answered
	Header   http.Header
	Body     []byte
	Attempts int
	Repeated bool // a write: an earlier attempt had an unknown outcome
}

// Call is one attempt, as the gate and the observer see it.
type Call struct {
	Method, Path string // Path is the template
	Label        string
	Write        bool
	Attempt      int           // from 1
	Uncertain    bool          // a write: an earlier attempt may have taken effect
	Waited       time.Duration // for back-off and budget, before this attempt
	Duration     time.Duration // from sending to the end of the answer; 0 for the gate
	Status       int
	Kind         Kind
	Err          error
	Cost         int // of the request
}
