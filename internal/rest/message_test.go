package rest

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestMessage(t *testing.T) {
	tests := []struct{ name, contentType, body, want string }{
		{"empty", "", "  ", ""},
		{"text", "text/plain", "Too many\n requests", "Too many requests"},
		{"JSON string", "", `"name is required"`, "name is required"},
		{"message", "", `{"code":1,"message":"name is required"}`, "name is required"},
		{"error", "", `{"error":"no"}`, "no"},
		{"error as an object", "", `{"error":{"message":"no"}}`, "no"},
		{"errors", "", `{"errors":["a","b",{"message":"c"},"d"]}`, "a; b; c"},
		{"detail", "", `{"detail":"d"}`, "d"},
		{"names only of other objects", "", `{"email":"kari@example.org","name":"Kari"}`, "a JSON object with email, name"},
		{"null", "", `null`, ""},
		{"page", "text/html", `<html><head><title>Bad
		 gateway</title></head><body>secrets</body></html>`, `an HTML page titled "Bad gateway"`},
		{"page without a title", "", `<!DOCTYPE html><p>x`, "an HTML page"},
		{"controls", "", "a\x00\x1b[31mb", "a [31mb"},
		{"long", "", strings.Repeat("é", 400), strings.Repeat("é", 300) + "..."},
		{"deep", "", strings.Repeat(`{"error":`, 9) + `"x"` + strings.Repeat("}", 9), "a JSON object with error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Message(http.Header{"Content-Type": {tt.contentType}}, []byte(tt.body), "tok"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzMessage(f *testing.F) {
	for _, body := range []string{"", "x", `"x"`, `{"message":"m"}`, `[{"error":["a"]}]`, "<title>t</title>", "s3cr s3cret"} {
		f.Add(body, "text/html")
	}
	f.Fuzz(func(t *testing.T, body, contentType string) {
		got := Message(http.Header{"Content-Type": {contentType}}, []byte(body), "s3cret")
		if strings.Contains(got, "s3cret") || utf8.RuneCountInString(got) > maxMessage+3 || strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("%q", got)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	for _, value := range []string{"", "1", "1.5", "-1", "NaN", "+Inf", "1e300", "Wed, 21 Oct 2026 07:28:00 GMT", "1800000000", "1800000000000"} {
		f.Add(value, value, value, value)
	}
	f.Fuzz(func(t *testing.T, after, reset, remaining, date string) {
		h := http.Header{}
		h.Set("Retry-After", after)
		h.Set("X-Ratelimit-Reset", reset)
		h.Set("X-Rate-Limit-Remaining", remaining)
		h.Set("Date", date)
		p := readPacing(h, time.Unix(1790000000, 0))
		if p.asked < 0 || p.asked > longestWait || p.reset < 0 || p.reset > longestWait || p.exhausted < 0 || p.exhausted > longestHint {
			t.Errorf("%+v", p)
		}
	})
}

func TestDelayStaysBetweenHalfAndAll(t *testing.T) {
	r := Retry{Base: time.Second, Max: 10 * time.Second}
	for attempt, full := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second, 1000: 10 * time.Second} {
		if low, high := r.Delay(attempt, 0), r.Delay(attempt, 0.999999); low != full/2 || high > full || high < full*9/10 {
			t.Errorf("attempt %d: %s to %s, want half of %s to all", attempt, low, high, full)
		}
	}
}
