package schemas

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// unquote appends the text that a string token's inner bytes stand for. An escaped
// surrogate without partner becomes the three bytes that UTF-8 would use for it
// (WTF-8): good for comparing and sorting keys, never written out.
func unquote(dst, inner []byte) []byte {
	for i := 0; i < len(inner); {
		c := inner[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if inner[i+1] != 'u' {
			dst = append(dst, simpleEscape(inner[i+1]))
			i += 2
			continue
		}
		r, _ := hex4(inner, i+2)
		n, lone, _ := scanEscape(inner, i)
		switch {
		case lone:
			dst = append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
		case n == 12:
			low, _ := hex4(inner, i+8)
			dst = utf8.AppendRune(dst, (r-0xd800)<<10+(low-0xdc00)+0x10000)
		default:
			dst = utf8.AppendRune(dst, r)
		}
		i += n
	}
	return dst
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

// appendQuoted appends s, which is UTF-8, as a JSON string with as few escapes as JSON allows.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		n := 0
		for n < len(s) && s[n] >= 0x20 && s[n] != '"' && s[n] != '\\' {
			n++
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			break
		}
		switch c := s[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		s = s[n+1:]
	}
	return append(dst, '"')
}

// appendDouble appends f the way JavaScript prints it, which is how the vendors'
// JSON spells numbers: digits as few as needed, an exponent from 1e21 on and below 1e-6.
func appendDouble(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	if abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript one.
	if n := len(dst); n-start >= 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// exactLong reads a number token's text as a long that prints back to the same text.
func exactLong(text []byte) (int64, bool) {
	digits := text
	negative := text[0] == '-'
	if negative {
		digits = text[1:]
	}
	if len(digits) > 19 || negative && digits[0] == '0' {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case !negative && u < 1<<63:
		return int64(u), true
	default:
		return 0, false
	}
}

var tenths = [...]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// exactDouble reads a number token's text as a double that appendDouble prints back
// to the same text. Up to 15 digits with at most 6 behind the point, the last of
// them not zero, always do: 15 digits survive a double.
func exactDouble(text []byte) (float64, bool) {
	if f, ok := shortDouble(text); ok {
		return f, true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, false
	}
	var buf [32]byte
	return f, string(appendDouble(buf[:0], f)) == string(text)
}

func shortDouble(text []byte) (float64, bool) {
	digits := text
	if text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > 16 || digits[0] == '0' && (len(digits) == 1 && len(text) > 1) {
		return 0, false
	}
	var u uint64
	n, point := 0, -1
	for i, c := range digits {
		switch {
		case c == '.':
			point = i
		case c >= '0' && c <= '9':
			u = u*10 + uint64(c-'0')
			n++
		default:
			return 0, false
		}
	}
	behind := 0
	if point >= 0 {
		behind = len(digits) - point - 1
		if digits[len(digits)-1] == '0' {
			return 0, false
		}
	}
	if n > 15 || behind >= len(tenths) {
		return 0, false
	}
	f := float64(u) / tenths[behind]
	if len(digits) != len(text) {
		f = -f
	}
	return f, true
}
