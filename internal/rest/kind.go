package rest

import "net/http"

// Kind is the class of a failure: what a caller can do about it.
type Kind int

// The kinds. The zero value is no failure, or none that this package knows.
const (
	KindNone         Kind = iota
	KindInvalid           // the call is wrong and stays wrong
	KindUnauthorized      // the token is missing, unknown or expired
	KindForbidden         // the token may not do this
	KindNotFound          // the record does not exist
	KindConflict          // another record has this unique value
	KindThrottled         // the vendor asks to wait
	KindUnavailable       // nobody answered, or not the API itself
	KindAmbiguous         // the write may or may not have been carried out
	KindMalformed         // there is an answer, and it cannot be used
	KindDailyBudget       // the calls of a day are spent; waiting for the next window is no use
	KindBlocked           // something in front of the API has shut the caller out
	KindUnpaid            // the account behind the token is closed or not paid
	KindLimit             // as many of these exist as the vendor allows
)

var kindNames = map[Kind]string{
	KindNone: "none", KindInvalid: "invalid", KindUnauthorized: "unauthorized", KindForbidden: "forbidden",
	KindNotFound: "notFound", KindConflict: "conflict", KindThrottled: "throttled",
	KindUnavailable: "unavailable", KindAmbiguous: "ambiguous", KindMalformed: "malformed",
	KindDailyBudget: "dailyBudget", KindBlocked: "blocked", KindUnpaid: "unpaid", KindLimit: "limit",
}

// String returns the kind's name as it reads in errors, logs and metrics.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "unknown"
}

var statusKinds = map[int]Kind{
	http.StatusUnauthorized:    KindUnauthorized,
	http.StatusPaymentRequired: KindForbidden,
	http.StatusForbidden:       KindForbidden,
	http.StatusNotFound:        KindNotFound,
	http.StatusGone:            KindNotFound,
	http.StatusRequestTimeout:  KindUnavailable,
	http.StatusConflict:        KindConflict,
	http.StatusTooEarly:        KindUnavailable,
	http.StatusTooManyRequests: KindThrottled,
}

// Classify returns the kind of an answer by its status; html says that its body is a
// page, which no API sends: a 404 page comes from something in front of it. Redirects
// are not followed (a followed POST may become a GET) and count as malformed.
func Classify(status int, html bool) Kind {
	if status == http.StatusNotFound && html {
		return KindUnavailable
	}
	if kind, ok := statusKinds[status]; ok {
		return kind
	}
	switch {
	case status >= 200 && status < 300:
		return KindNone
	case status >= 400 && status < 500:
		return KindInvalid
	case status >= 500:
		return KindUnavailable
	}
	return KindMalformed
}
