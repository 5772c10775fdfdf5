package cdc

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// hex4 reads the four hexadecimal digits at src[i:].
func hex4(src []byte, i int) (rune, bool) {
	if len(src)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range src[i : i+4] {
		if c >= 'A' && c <= 'F' {
			c += 'a' - 'A'
		}
		d := digit(c)
		if d > 15 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// nextRune decodes the first character of the inside of a valid JSON string and
// says how many bytes it took. Bytes that are no UTF-8 and lone surrogates read
// as U+FFFD, as encoding/json reads them.
func nextRune(text []byte) (rune, int) {
	if text[0] != '\\' {
		return utf8.DecodeRune(text)
	}
	if text[1] != 'u' {
		return simpleEscape(text[1]), 2
	}
	r, _ := hex4(text, 2)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		low, _ := hex4(text, 8)
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// simpleEscape is the character that a backslash and c stand for.
func simpleEscape(c byte) rune {
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
	default: // quote, backslash, slash
		return rune(c)
	}
}

// appendCanonicalText appends the inside of a JSON string in its one canonical
// spelling: UTF-8, with escapes for quote, backslash and control characters only.
func appendCanonicalText(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	for len(text) > 0 {
		r, n := nextRune(text)
		text = text[n:]
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// appendText appends the characters that the inside of a JSON string stands for.
func appendText(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := nextRune(text)
		text = text[n:]
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// readText is the text itself where nothing in it is escaped or broken, else
// the characters it stands for, in scratch where they fit.
func readText(scratch, text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return text
	}
	return appendText(scratch[:0], text)
}
