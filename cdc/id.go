package cdc

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// ID is a record id: 24 lower-case hexadecimal digits, which sort as the bytes do.
// The zero ID stands for "none".
type ID [12]byte

// MaxID is the greatest ID, the upper end of a range without an end.
var MaxID = ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// ParseID reads 24 lower-case hexadecimal digits. Upper case is refused: the id
// would not come back as it was sent.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != 2*len(id) {
		return ID{}, fmt.Errorf("parse record id: want 24 hexadecimal digits, have %d characters", len(text))
	}
	for i := range id {
		high, low := digit(text[2*i]), digit(text[2*i+1])
		if high > 15 || low > 15 {
			return ID{}, fmt.Errorf("parse record id: no lower-case hexadecimal digit at position %d or %d", 2*i, 2*i+1)
		}
		id[i] = high<<4 | low
	}
	return id, nil
}

// digit is the value of a lower-case hexadecimal digit, or 255.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	default:
		return 255
	}
}

// String gives the 24 digits back.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Compare is -1, 0 or 1; it orders IDs as a listing by _id does.
func (id ID) Compare(other ID) int {
	be := binary.BigEndian
	if c := cmp.Compare(be.Uint64(id[:8]), be.Uint64(other[:8])); c != 0 {
		return c
	}
	return cmp.Compare(be.Uint32(id[8:]), be.Uint32(other[8:]))
}

// Time is when the record was made, to the second: an id begins with it.
func (id ID) Time() time.Time {
	return time.Unix(int64(binary.BigEndian.Uint32(id[:4])), 0)
}

// IsZero says that id stands for "none".
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText implements [encoding.TextMarshaler]: the 24 digits.
func (id ID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] with the rules of [ParseID].
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
