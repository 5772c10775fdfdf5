package planhat

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// maxDepth is how deep encoding/json lets values be nested.
const maxDepth = 10_000

// validJSON accepts exactly what [encoding/json.Valid] accepts, less texts that are
// not UTF-8, at several times its speed: pages are long, and every byte of them is
// checked.
//
// It and the functions below take the index where something begins and return the
// index after it, or -1 if it is not valid.
func validJSON(text []byte) bool {
	end := validValue(text, walk.Space(text, 0), 0)
	return end >= 0 && walk.Space(text, end) == len(text)
}

func validValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return validString(b, i)
	case '{':
		return validObject(b, i, depth+1)
	case '[':
		return validArray(b, i, depth+1)
	case 't':
		if i+4 <= len(b) && string(b[i:i+4]) == "true" {
			return i + 4
		}
	case 'f':
		if i+5 <= len(b) && string(b[i:i+5]) == "false" {
			return i + 5
		}
	case 'n':
		if i+4 <= len(b) && string(b[i:i+4]) == "null" {
			return i + 4
		}
	default:
		return validNumber(b, i)
	}
	return -1
}

func validArray(b []byte, i, depth int) int {
	if depth > maxDepth {
		return -1
	}
	i = walk.Space(b, i+1)
	if byteAt(b, i) == ']' {
		return i + 1
	}
	for {
		if i = validValue(b, i, depth); i < 0 {
			return -1
		}
		i = walk.Space(b, i)
		switch byteAt(b, i) {
		case ',':
			i = walk.Space(b, i+1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func validObject(b []byte, i, depth int) int {
	if depth > maxDepth {
		return -1
	}
	i = walk.Space(b, i+1)
	if byteAt(b, i) == '}' {
		return i + 1
	}
	for {
		_, value := validName(b, i)
		if value < 0 {
			return -1
		}
		if i = validValue(b, value, depth); i < 0 {
			return -1
		}
		i = walk.Space(b, i)
		switch byteAt(b, i) {
		case ',':
			i = walk.Space(b, i+1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// validRecord checks a record and finds its id in the same pass. What is not plain, or
// wrong, is left to others to look at.
func validRecord(b []byte) (id string, plain bool) {
	i := walk.Space(b, 0)
	if byteAt(b, i) != '{' {
		return "", false
	}
	for i = walk.Space(b, i+1); ; i = walk.Space(b, i+1) {
		end, value := validName(b, i)
		if value < 0 {
			return "", false
		}
		after := validValue(b, value, 1)
		if after < 0 {
			return "", false
		}
		if walk.IsName(b[i:end], "_id") {
			if id != "" || !isID(walk.Text(b[value:after])) {
				return "", false
			}
			id = walk.Text(b[value:after])
		}
		switch i = walk.Space(b, after); byteAt(b, i) {
		case ',':
		case '}':
			return id, id != "" && walk.Space(b, i+1) == len(b)
		default:
			return "", false
		}
	}
}

// validName reads the name of a member and its colon: end is behind the name, value
// where the member's value begins.
func validName(b []byte, i int) (end, value int) {
	if byteAt(b, i) != '"' {
		return -1, -1
	}
	if end = validString(b, i); end < 0 {
		return -1, -1
	}
	if value = walk.Space(b, end); byteAt(b, value) != ':' {
		return -1, -1
	}
	return end, walk.Space(b, value+1)
}

// byteAt is the byte at an index, 0 behind the end.
func byteAt(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// Eight bytes at once: each of them all ones, or only its highest bit.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// attention marks the bytes of a string that do not stand for themselves in ASCII:
// quote, backslash, control characters, and all above ASCII. The lowest mark is exact.
func attention(eight uint64) uint64 {
	return ((eight ^ ('"' * ones) - ones) | (eight ^ ('\\' * ones) - ones) | (eight - ' '*ones) | eight) & highs
}

func validString(b []byte, i int) int {
	for i++; ; {
		for i+8 <= len(b) {
			if stop := attention(binary.LittleEndian.Uint64(b[i:])); stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = validEscape(b, i); i < 0 {
				return -1
			}
		case c < ' ':
			return -1
		case c < utf8.RuneSelf: // within the last eight bytes of the text
			i++
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size <= 1 {
				return -1
			}
			i += size
		}
	}
}

func validEscape(b []byte, i int) int {
	switch byteAt(b, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for n := i + 2; n < i+6; n++ {
			if c := byteAt(b, n) | 0x20; (c < '0' || c > '9' || byteAt(b, n) < '0') && (c < 'a' || c > 'f') {
				return -1
			}
		}
		return i + 6
	default:
		return -1
	}
}

func validNumber(b []byte, i int) int {
	if byteAt(b, i) == '-' {
		i++
	}
	if byteAt(b, i) == '0' {
		i++
	} else if i = validDigits(b, i); i < 0 {
		return -1
	}
	if byteAt(b, i) == '.' {
		if i = validDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if byteAt(b, i) == 'e' || byteAt(b, i) == 'E' {
		if i++; byteAt(b, i) == '+' || byteAt(b, i) == '-' {
			i++
		}
		return validDigits(b, i)
	}
	return i
}

// validDigits reads one digit or more.
func validDigits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
