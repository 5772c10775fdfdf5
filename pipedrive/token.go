package pipedrive

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// tokenLength is that of every API token.
const tokenLength = 40

// TokenSource returns the token. It is asked before every attempt, so that a rotated
// token is used at once.
type TokenSource func() string

// CheckToken says why a text cannot be an API token; nil: it can. No error repeats it.
func CheckToken(s string) error {
	const where = "it is found in Pipedrive under Settings, Personal preferences, API"
	length := utf8.RuneCountInString(s)
	switch {
	case s == "":
		return errors.New("the API token is empty; " + where)
	case strings.Contains(s, "://") || strings.Contains(s, "."+pipedriveHost):
		return errors.New("the API token looks like an address; were the two mixed up? " + where)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("the API token has white space around it; remove it: %d characters are left", utf8.RuneCountInString(strings.TrimSpace(s)))
	case length < tokenLength:
		return fmt.Errorf("the API token has %d characters instead of %d: was it cut? %s", length, tokenLength, where)
	case length > tokenLength:
		return fmt.Errorf("the API token has %d characters instead of %d: is it an OAuth token, or pasted twice? %s", length, tokenLength, where)
	case strings.IndexFunc(s, notOfToken) >= 0:
		return errors.New("the API token has characters other than letters and digits; copy it anew: " + where)
	}
	return nil
}

func notOfToken(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}
