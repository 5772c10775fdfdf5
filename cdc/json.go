package cdc

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep the arrays and objects of a record may nest. Deeper
// input is an error, so that hostile rows cannot exhaust the stack.
const MaxDepth = 200

// SyntaxError says that bytes are not the JSON that was asked for. It never
// holds contents of the record.
type SyntaxError struct {
	Offset int // of the byte that does not fit
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("read JSON at byte %d: %s", e.Offset, e.Reason)
}

func syntax(offset int, reason string) error { return &SyntaxError{Offset: offset, Reason: reason} }

const (
	reasonEnd       = "text ends inside a value"
	reasonValue     = "no value starts here"
	reasonDepth     = "nested too deep"
	reasonTrailing  = "text goes on after the value"
	reasonObject    = "not an object"
	reasonName      = "no member name starts here"
	reasonColon     = "no colon after a member name"
	reasonSeparator = "neither a comma nor the closing bracket"
	reasonControl   = "control character inside a string"
	reasonEscape    = "unknown escape inside a string"
	reasonNumber    = "not a number"
	reasonLiteral   = "neither true, false nor null"
)

// The walkers below take src and the position of a value's first byte and give
// the position just past it. They accept what encoding/json.Valid accepts, up
// to MaxDepth.

// skipSpace gives the position of the first byte at or after i that is no white space.
func skipSpace(src []byte, i int) int {
	for i < len(src) && src[i] <= ' ' && whiteSpace>>src[i]&1 == 1 {
		i++
	}
	return i
}

// whiteSpace has the bit of each character that JSON allows between values.
const whiteSpace = 1<<' ' | 1<<'\n' | 1<<'\r' | 1<<'\t'

// skipValue reads any value; depth counts the open brackets around it.
func skipValue(src []byte, i, depth int) (int, error) {
	if i >= len(src) {
		return i, syntax(i, reasonEnd)
	}
	switch src[i] {
	case '"':
		end, _, err := skipString(src, i)
		return end, err
	case '{':
		return skipObject(src, i, depth+1, nil)
	case '[':
		return skipArray(src, i, depth+1)
	default:
		return skipScalar(src, i)
	}
}

// skipScalar reads a number, true, false or null.
func skipScalar(src []byte, i int) (int, error) {
	if i >= len(src) {
		return i, syntax(i, reasonEnd)
	}
	switch c := src[i]; {
	case c == '-' || isDigit(src, i):
		return skipNumber(src, i)
	case c == 't':
		return skipLiteral(src, i, "true")
	case c == 'f':
		return skipLiteral(src, i, "false")
	case c == 'n':
		return skipLiteral(src, i, "null")
	default:
		return i, syntax(i, reasonValue)
	}
}

func skipLiteral(src []byte, i int, word string) (int, error) {
	if len(src)-i < len(word) || string(src[i:i+len(word)]) != word {
		return i, syntax(i, reasonLiteral)
	}
	return i + len(word), nil
}

// skipObject reads the object that opens at src[i], which is the depth-th open
// bracket. visit, unless nil, sees each member in the order of the text: the
// name as sent, without its quotes, and the value.
func skipObject(src []byte, i, depth int, visit func(name, value []byte)) (int, error) {
	if depth > MaxDepth {
		return i, syntax(i, reasonDepth)
	}
	i = skipSpace(src, i+1)
	if i < len(src) && src[i] == '}' {
		return i + 1, nil
	}
	for {
		from, past, value, _, err := skipName(src, i)
		if err != nil {
			return i, err
		}
		end, err := skipValue(src, value, depth)
		if err != nil {
			return end, err
		}
		if visit != nil {
			visit(src[from:past], src[value:end])
		}
		next, closed, err := skipSeparator(src, end, '}')
		if err != nil || closed {
			return next, err
		}
		i = next
	}
}

// skipName reads a member's name and colon: src[from:past] is the name without
// quotes, value is where the member's value starts; plain is as in skipString.
func skipName(src []byte, i int) (from, past, value int, plain bool, err error) {
	if i >= len(src) {
		return 0, 0, 0, false, syntax(i, reasonEnd)
	}
	if src[i] != '"' {
		return 0, 0, 0, false, syntax(i, reasonName)
	}
	end, plain, err := skipString(src, i)
	if err != nil {
		return 0, 0, 0, false, err
	}
	colon := skipSpace(src, end)
	if colon >= len(src) || src[colon] != ':' {
		return 0, 0, 0, false, syntax(colon, reasonColon)
	}
	return i + 1, end - 1, skipSpace(src, colon+1), plain, nil
}

func skipArray(src []byte, i, depth int) (int, error) {
	if depth > MaxDepth {
		return i, syntax(i, reasonDepth)
	}
	i = skipSpace(src, i+1)
	if i < len(src) && src[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := skipValue(src, i, depth)
		if err != nil {
			return end, err
		}
		next, closed, err := skipSeparator(src, end, ']')
		if err != nil || closed {
			return next, err
		}
		i = next
	}
}

// skipSeparator reads what follows an element: a comma, then next is where the
// next element starts; or the closing bracket, then next is just past it.
func skipSeparator(src []byte, i int, bracket byte) (next int, closed bool, err error) {
	i = skipSpace(src, i)
	switch {
	case i >= len(src):
		return i, false, syntax(i, reasonEnd)
	case src[i] == ',':
		return skipSpace(src, i+1), false, nil
	case src[i] == bracket:
		return i + 1, true, nil
	default:
		return i, false, syntax(i, reasonSeparator)
	}
}

// skipNumber reads a number; its text is kept everywhere as it was sent.
func skipNumber(src []byte, i int) (int, error) {
	if src[i] == '-' {
		i++
	}
	switch {
	case !isDigit(src, i):
		return i, syntax(i, reasonNumber)
	case src[i] == '0':
		i++
	default:
		i = skipDigits(src, i)
	}
	if i < len(src) && src[i] == '.' {
		if i++; !isDigit(src, i) {
			return i, syntax(i, reasonNumber)
		}
		i = skipDigits(src, i)
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if !isDigit(src, i) {
			return i, syntax(i, reasonNumber)
		}
		i = skipDigits(src, i)
	}
	return i, nil
}

func isDigit(src []byte, i int) bool { return i < len(src) && src[i] >= '0' && src[i] <= '9' }

func skipDigits(src []byte, i int) int {
	for isDigit(src, i) {
		i++
	}
	return i
}

// skipString reads the string whose opening quote is src[i]. plain says that
// its bytes are ASCII without escapes, so that they are canonical as they are.
func skipString(src []byte, i int) (end int, plain bool, err error) {
	plain = true
	for i++; ; i++ {
		if i = skipOrdinary(src, i); i >= len(src) {
			return i, false, syntax(i, reasonEnd)
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, plain, nil
		case c == '\\':
			plain = false
			if i, err = skipEscape(src, i); err != nil {
				return i, false, err
			}
		case c < 0x20:
			return i, false, syntax(i, reasonControl)
		default:
			plain = false
		}
	}
}

// Eight bytes at once: each of them one, or only its highest bit.
const (
	eachOne  = 0x0101010101010101
	eachHigh = 0x8080808080808080
)

// skipOrdinary gives the position of the first byte of a string that does not mean
// itself: all but ASCII, and quotes, backslashes and control characters.
func skipOrdinary(src []byte, i int) int {
	for ; i+8 <= len(src); i += 8 {
		eight := binary.LittleEndian.Uint64(src[i:])
		// A borrow can only spoil the marks above the first one.
		marks := ((eight ^ '"'*eachOne - eachOne) | (eight ^ '\\'*eachOne - eachOne) | (eight - 0x20*eachOne) | eight) & eachHigh
		if marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for i < len(src) && src[i] >= 0x20 && src[i] < utf8.RuneSelf && src[i] != '"' && src[i] != '\\' {
		i++
	}
	return i
}

// skipEscape reads the escape whose backslash is src[i] and gives the position
// of its last byte.
func skipEscape(src []byte, i int) (int, error) {
	if i+1 >= len(src) {
		return i, syntax(i, reasonEnd)
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, nil
	case 'u':
		if _, ok := hex4(src, i+2); ok {
			return i + 5, nil
		}
	}
	return i, syntax(i, reasonEscape)
}
