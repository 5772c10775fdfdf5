package schemas

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// The Confluent wire format: a zero byte and the schema's id before the data.
const (
	wireMagic  = 0
	wireHeader = 5
)

// The branches of a union of null and one other, as Avro writes them.
const (
	branchNull  = 0
	branchValue = 2
)

func appendHeader(dst []byte, schemaID int) ([]byte, error) {
	if schemaID < 0 || schemaID > math.MaxInt32 {
		return dst, fmt.Errorf("schema id %d is out of range", schemaID)
	}
	dst = append(dst, wireMagic)
	return binary.BigEndian.AppendUint32(dst, uint32(schemaID)), nil
}

// WireID reads the schema id of a value in the Confluent wire format. ok is false if
// the value has no such header.
func WireID(value []byte) (id int, ok bool) {
	if len(value) < wireHeader || value[0] != wireMagic {
		return 0, false
	}
	u := binary.BigEndian.Uint32(value[1:])
	return int(u), u <= math.MaxInt32
}

func appendLong(dst []byte, v int64) []byte { return binary.AppendVarint(dst, v) }

func appendDoubleBits(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// appendText writes a string of the bridge's own; what is not UTF-8 in it is replaced.
func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return append(appendLong(dst, int64(len(s))), s...)
}

func appendTexts(dst []byte, list []string) []byte {
	if len(list) > 0 {
		dst = appendLong(dst, int64(len(list)))
		for _, s := range list {
			dst = appendText(dst, s)
		}
	}
	return append(dst, 0)
}

var errWireEnd = errors.New("the data ends too soon")

// wireReader reads Avro with every length checked against what is left.
type wireReader struct {
	b     []byte
	pos   int
	steps int // values skipped
}

func (r *wireReader) left() int { return len(r.b) - r.pos }

func (r *wireReader) long() (int64, error) {
	v, n := binary.Varint(r.b[r.pos:])
	switch {
	case n > 0:
		r.pos += n
		return v, nil
	case n == 0:
		return 0, errWireEnd
	default:
		return 0, errors.New("a number is longer than 64 bits")
	}
}

func (r *wireReader) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(r.left()) {
		return nil, errWireEnd
	}
	b := r.b[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

func (r *wireReader) bytes() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

func (r *wireReader) text() ([]byte, error) {
	b, err := r.bytes()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(b) {
		return nil, errors.New("a string is not UTF-8")
	}
	return b, nil
}

func (r *wireReader) double() (float64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
}

// boolean is strict: any other byte than 0 and 1 is a sign of data read by a wrong schema.
func (r *wireReader) boolean() (bool, error) {
	b, err := r.take(1)
	if err != nil {
		return false, err
	}
	if b[0] > 1 {
		return false, errors.New("a boolean is neither 0 nor 1")
	}
	return b[0] == 1, nil
}

// block reads the count of an array's or map's next block, 0 at its end. Elements
// take at least one byte each in the bridge's schemas, so a count beyond the bytes
// left is refused.
func (r *wireReader) block() (int64, error) {
	n, err := r.long()
	if err != nil {
		return 0, err
	}
	if n < 0 {
		if _, err := r.long(); err != nil { // the block's size in bytes
			return 0, err
		}
		n = -n
	}
	if n < 0 || n > int64(r.left()) {
		return 0, errWireEnd
	}
	return n, nil
}
