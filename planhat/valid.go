package planhat

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep encoding/json lets values be nested.
const maxDepth = 10_000

// validator reads JSON and finds out whether it is valid, as encoding/json does,
// at several times its speed: pages are long, and every byte of them is checked.
// Its methods take the index where something begins and return the index after
// it, or -1 if it is not valid.
type validator struct {
	text []byte
	wide bool // there may be bytes above ASCII
}

// validJSON accepts exactly what [encoding/json.Valid] accepts, less texts that are
// not UTF-8.
func validJSON(text []byte) bool {
	v := validator{text: text}
	end := v.value(skipSpace(text, 0), 0)
	return end >= 0 && skipSpace(text, end) == len(text) && v.isUTF8()
}

func (v *validator) isUTF8() bool { return !v.wide || utf8.Valid(v.text) }

func (v *validator) value(i, depth int) int {
	if i >= len(v.text) {
		return -1
	}
	switch c := v.text[i]; c {
	case '"':
		return v.str(i)
	case '{':
		return v.object(i, depth+1, nil)
	case '[':
		return v.array(i, depth+1)
	case 't':
		return v.word(i, "true")
	case 'f':
		return v.word(i, "false")
	case 'n':
		return v.word(i, "null")
	default:
		return v.number(i)
	}
}

func (v *validator) word(i int, word string) int {
	if end := i + len(word); end <= len(v.text) && string(v.text[i:end]) == word {
		return end
	}
	return -1
}

func (v *validator) array(i, depth int) int {
	if depth > maxDepth {
		return -1
	}
	i = skipSpace(v.text, i+1)
	if v.at(i) == ']' {
		return i + 1
	}
	for {
		if i = v.value(i, depth); i < 0 {
			return -1
		}
		i = skipSpace(v.text, i)
		switch v.at(i) {
		case ',':
			i = skipSpace(v.text, i+1)
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

// object calls found, if any, with the name, quotes and all, and the value of each
// member.
func (v *validator) object(i, depth int, found func(name, value []byte)) int {
	if depth > maxDepth {
		return -1
	}
	i = skipSpace(v.text, i+1)
	if v.at(i) == '}' {
		return i + 1
	}
	for v.at(i) == '"' {
		nameEnd := v.str(i)
		if nameEnd < 0 {
			return -1
		}
		colon := skipSpace(v.text, nameEnd)
		if v.at(colon) != ':' {
			return -1
		}
		start := skipSpace(v.text, colon+1)
		end := v.value(start, depth)
		if end < 0 {
			return -1
		}
		if found != nil {
			found(v.text[i:nameEnd], v.text[start:end])
		}
		i = skipSpace(v.text, end)
		if v.at(i) == '}' {
			return i + 1
		}
		if v.at(i) != ',' {
			return -1
		}
		i = skipSpace(v.text, i+1)
	}
	return -1
}

// at is the byte at an index, 0 behind the end.
func (v *validator) at(i int) byte {
	if i < len(v.text) {
		return v.text[i]
	}
	return 0
}

// Eight bytes at once: each of them all ones, or only its highest bit.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// below marks, by their highest bits, bytes less than n, at most 128; the lowest
// mark is exact, those above it need not be.
func below(eight uint64, n byte) uint64 { return (eight - ones*uint64(n)) &^ eight & highs }

// plainEnd is the index of the first byte from i on that ends or breaks a string:
// a quote, a backslash, a control character.
func (v *validator) plainEnd(i int) int {
	for ; i+8 <= len(v.text); i += 8 {
		eight := binary.LittleEndian.Uint64(v.text[i:])
		v.wide = v.wide || eight&highs != 0
		if stop := below(eight^('"'*ones), 1) | below(eight^('\\'*ones), 1) | below(eight, ' '); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for ; i < len(v.text); i++ {
		c := v.text[i]
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
		v.wide = v.wide || c >= utf8.RuneSelf
	}
	return i
}

func (v *validator) str(i int) int {
	for i++; ; {
		i = v.plainEnd(i)
		switch v.at(i) {
		case '"':
			return i + 1
		case '\\':
			if i = v.escape(i); i < 0 {
				return -1
			}
		default: // a control character, or the end
			return -1
		}
	}
}

func (v *validator) escape(i int) int {
	switch v.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for n := i + 2; n < i+6; n++ {
			if c := v.at(n) | 0x20; (c < '0' || c > '9' || v.at(n) < '0') && (c < 'a' || c > 'f') {
				return -1
			}
		}
		return i + 6
	default:
		return -1
	}
}

func (v *validator) number(i int) int {
	if v.at(i) == '-' {
		i++
	}
	if v.at(i) == '0' {
		i++
	} else if i = v.digits(i); i < 0 {
		return -1
	}
	if v.at(i) == '.' {
		if i = v.digits(i + 1); i < 0 {
			return -1
		}
	}
	if v.at(i) == 'e' || v.at(i) == 'E' {
		if i++; v.at(i) == '+' || v.at(i) == '-' {
			i++
		}
		return v.digits(i)
	}
	return i
}

// digits reads one digit or more.
func (v *validator) digits(i int) int {
	start := i
	for v.at(i) >= '0' && v.at(i) <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
