package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	maxMessage   = 300      // runes of a vendor's message in an error
	maxErrorBody = 64 << 10 // bytes of an answer searched for a message
)

var htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// Message returns what the body of a refusal says, in one short line: the text, the
// JSON string, or the member message, error, errors or detail of a JSON object. Of a
// page only the title is kept. An object without such a member is told by its names,
// as its values may be somebody's record. The secret is taken out before anything is
// shortened, so that no part of it is left at the cut.
func Message(h http.Header, body []byte, secret string) string {
	body = bytes.TrimSpace(body[:min(len(body), maxErrorBody)])
	if len(body) == 0 {
		return ""
	}
	if IsHTML(h, body) {
		if title := htmlTitle.FindSubmatch(body); title != nil {
			return shorten(redact(fmt.Sprintf("an HTML page titled %q", oneLine(string(title[1]))), secret))
		}
		return "an HTML page"
	}
	var value any
	if json.Unmarshal(body, &value) != nil {
		return shorten(redact(string(body), secret))
	}
	return shorten(redact(said(value, 0), secret))
}

// said finds the words in a decoded JSON value.
func said(value any, depth int) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		return saidByObject(v, depth)
	case []any:
		return saidByList(v, depth)
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}

func saidByObject(object map[string]any, depth int) string {
	for _, name := range []string{"message", "error", "errors", "detail"} {
		if depth > 3 {
			break
		}
		if text := said(object[name], depth+1); text != "" {
			return text
		}
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return "a JSON object with " + strings.Join(names[:min(len(names), 8)], ", ")
}

func saidByList(list []any, depth int) string {
	var texts []string
	for _, item := range list[:min(len(list), 3)] {
		if depth > 3 {
			break
		}
		if text := said(item, depth+1); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// oneLine replaces runs of white space and control characters by one space.
func oneLine(text string) string {
	fields := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
	return strings.Join(fields, " ")
}

func shorten(text string) string {
	runes := []rune(oneLine(text))
	if len(runes) <= maxMessage {
		return string(runes)
	}
	return string(runes[:maxMessage]) + "..."
}
