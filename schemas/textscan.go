package schemas

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// token is one JSON value or key inside a text: its bytes are text[start:end].
type token struct {
	start, end int
	kind       byte // '"', '{', '[', 'n', 't', 'f', '0' (number)
	escaped    bool // string with a backslash
	lone       bool // string with an escaped surrogate that has no partner
	whole      bool // number without fraction and exponent
}

// inner gives a string token's bytes between the quotes, still escaped.
func (t token) inner(text []byte) []byte { return text[t.start+1 : t.end-1] }

func (t token) raw(text []byte) []byte { return text[t.start:t.end] }

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// scanValue reads the value that starts at i, strictly by RFC 8259 and UTF-8.
// depth is how many levels of arrays and objects it may still open.
func scanValue(b []byte, i, depth int) (token, error) {
	if i >= len(b) {
		return token{}, &TextError{Fault: FaultSyntax, Offset: i, Detail: "unexpected end"}
	}
	switch c := b[i]; c {
	case '"':
		return scanString(b, i)
	case '{', '[':
		end, err := scanNested(b, i, depth)
		return token{start: i, end: end, kind: c}, err
	case 't':
		return scanWord(b, i, "true")
	case 'f':
		return scanWord(b, i, "false")
	case 'n':
		return scanWord(b, i, "null")
	default:
		return scanNumber(b, i)
	}
}

func scanWord(b []byte, i int, word string) (token, error) {
	end := i + len(word)
	if end > len(b) || string(b[i:end]) != word {
		return token{}, &TextError{Fault: FaultSyntax, Offset: i, Detail: "not a JSON value"}
	}
	return token{start: i, end: end, kind: word[0]}, nil
}

func scanNested(b []byte, i, depth int) (int, error) {
	if depth <= 0 {
		return i, &TextError{Fault: FaultDepth, Offset: i}
	}
	open := b[i]
	closing := open + 2 // '[' 0x5b ']' 0x5d, '{' 0x7b '}' 0x7d
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1, nil
	}
	for {
		if open == '{' {
			_, value, err := scanKey(b, i)
			if err != nil {
				return i, err
			}
			i = value
		}
		t, err := scanValue(b, i, depth-1)
		if err != nil {
			return i, err
		}
		next, more, err := afterElement(b, t.end, closing)
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

// scanKey reads a member's key and the colon; the second result is where its value starts.
func scanKey(b []byte, i int) (token, int, error) {
	if i >= len(b) || b[i] != '"' {
		return token{}, i, &TextError{Fault: FaultSyntax, Offset: i, Detail: "expected a key"}
	}
	key, err := scanString(b, i)
	if err != nil {
		return token{}, i, err
	}
	i = skipSpace(b, key.end)
	if i >= len(b) || b[i] != ':' {
		return token{}, i, &TextError{Fault: FaultSyntax, Offset: i, Detail: "expected a colon"}
	}
	return key, skipSpace(b, i+1), nil
}

// afterElement reads a comma (more is true, next is the next element) or the closing bracket.
func afterElement(b []byte, i int, closing byte) (next int, more bool, err error) {
	i = skipSpace(b, i)
	switch {
	case i < len(b) && b[i] == ',':
		return skipSpace(b, i+1), true, nil
	case i < len(b) && b[i] == closing:
		return i + 1, false, nil
	default:
		return i, false, &TextError{Fault: FaultSyntax, Offset: i, Detail: "expected a comma or " + string(closing)}
	}
}

func scanNumber(b []byte, i int) (token, error) {
	t := token{start: i, kind: '0', whole: true}
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && b[i] >= '1' && b[i] <= '9':
		i = skipDigits(b, i)
	default:
		return t, &TextError{Fault: FaultSyntax, Offset: t.start, Detail: "not a JSON value"}
	}
	if i < len(b) && b[i] == '.' {
		t.whole = false
		start := i + 1
		if i = skipDigits(b, start); i == start {
			return t, &TextError{Fault: FaultSyntax, Offset: i, Detail: "number without digits after the point"}
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		t.whole = false
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start := i
		if i = skipDigits(b, start); i == start {
			return t, &TextError{Fault: FaultSyntax, Offset: i, Detail: "number without digits in the exponent"}
		}
	}
	t.end = i
	return t, nil
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainRun counts the bytes from i on that need no attention inside a string:
// printable ASCII except quote and backslash, eight at a time.
func plainRun(b []byte, i int) int {
	start := i
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote := x ^ ones*'"'
		slash := x ^ ones*'\\'
		// Sets the high bit of bytes that are zero after the XOR, below 0x20, or above 0x7f.
		// A borrow can only spoil the marks above the first one.
		stop := ((quote - ones) | (slash - ones) | (x - ones*0x20) | x) & highs
		if stop != 0 {
			return i + bits.TrailingZeros64(stop)/8 - start
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < 0x80 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i - start
}

func scanString(b []byte, i int) (token, error) {
	t := token{start: i, kind: '"'}
	for i++; ; {
		i += plainRun(b, i)
		if i >= len(b) {
			return t, &TextError{Fault: FaultSyntax, Offset: t.start, Detail: "unterminated string"}
		}
		switch c := b[i]; {
		case c == '"':
			t.end = i + 1
			return t, nil
		case c == '\\':
			n, lone, err := scanEscape(b, i)
			if err != nil {
				return t, err
			}
			t.escaped = true
			t.lone = t.lone || lone
			i += n
		case c < 0x20:
			return t, &TextError{Fault: FaultSyntax, Offset: i, Detail: "control character in a string"}
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				return t, &TextError{Fault: FaultUTF8, Offset: i}
			}
			i += n
		}
	}
}

// scanEscape checks the escape at i and gives its length: a surrogate pair counts as one.
func scanEscape(b []byte, i int) (n int, lone bool, err error) {
	bad := &TextError{Fault: FaultSyntax, Offset: i, Detail: "invalid escape in a string"}
	if i+1 >= len(b) {
		return 0, false, bad
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, false, nil
	case 'u':
	default:
		return 0, false, bad
	}
	r, ok := hex4(b, i+2)
	if !ok {
		return 0, false, bad
	}
	switch {
	case r < 0xd800 || r > 0xdfff:
		return 6, false, nil
	case r < 0xdc00 && i+7 < len(b) && b[i+6] == '\\' && b[i+7] == 'u':
		if low, ok := hex4(b, i+8); ok && low >= 0xdc00 && low <= 0xdfff {
			return 12, false, nil
		}
	}
	return 6, true, nil
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
