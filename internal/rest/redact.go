package rest

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

const masked = "[token]"

// redact takes the secret out of a text, in the spellings in which it travels.
func redact(text, secret string) string {
	if secret == "" {
		return text
	}
	for _, spelling := range []string{
		secret,
		url.QueryEscape(secret),
		url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret + ":")),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		text = strings.ReplaceAll(text, spelling, masked)
	}
	return text
}

// redactError returns the error as it is when its text does not hold the secret, and
// a plain error of the cleaned text when it does.
func redactError(err error, secret string) error {
	text := err.Error()
	clean := redact(text, secret)
	if clean == text {
		return err
	}
	if isFinal(err) {
		return Final(errors.New(clean))
	}
	return errors.New(clean)
}
