package cdc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Entry is what is known of one record of a stream.
type Entry struct {
	Fingerprint uint64 // of the last change's content
	Raw         uint64 // RawHash of the last row seen, 0 = not known; memory only
	Stamp       int64  // change stamp, ms since 1970-01-01 UTC, 0 = none
	Offset      int64  // place of the last change in the change topic
	Partition   int32
	Object      uint8 // which of the stream's objects the record is
	Archived    bool
}

// entryVersion is the first byte of a stored entry. A reader refuses a version
// that it does not know.
const entryVersion = 1

const flagArchived = 1 << 0

// AppendEntry appends the stored form of e: version, flags, object, fingerprint
// (8 bytes, little endian), then stamp, offset and partition as varints. Raw is
// not stored: a new owner learns it from the first sweep.
func AppendEntry(dst []byte, e Entry) []byte {
	var flags byte
	if e.Archived {
		flags |= flagArchived
	}
	dst = append(dst, entryVersion, flags, e.Object)
	dst = binary.LittleEndian.AppendUint64(dst, e.Fingerprint)
	dst = binary.AppendVarint(dst, e.Stamp)
	dst = binary.AppendVarint(dst, e.Offset)
	return binary.AppendVarint(dst, int64(e.Partition))
}

// ParseEntry reads what AppendEntry wrote. It refuses other versions, cut and
// overlong input.
func ParseEntry(text []byte) (Entry, error) {
	const fixed = 3 + 8
	if len(text) > 0 && text[0] != entryVersion {
		return Entry{}, fmt.Errorf("parse index entry: version %d is not known (this release reads version %d)", text[0], entryVersion)
	}
	if len(text) < fixed {
		return Entry{}, fmt.Errorf("parse index entry: %d bytes are too few", len(text))
	}
	if text[1]&^flagArchived != 0 {
		return Entry{}, fmt.Errorf("parse index entry: unknown flags %#x", text[1])
	}
	e := Entry{
		Archived:    text[1]&flagArchived != 0,
		Object:      text[2],
		Fingerprint: binary.LittleEndian.Uint64(text[3:]),
	}
	rest := text[fixed:]
	var partition int64
	for _, n := range []*int64{&e.Stamp, &e.Offset, &partition} {
		value, size := binary.Varint(rest)
		if size <= 0 {
			return Entry{}, errors.New("parse index entry: a number is cut or too long")
		}
		*n, rest = value, rest[size:]
	}
	if len(rest) != 0 {
		return Entry{}, fmt.Errorf("parse index entry: %d bytes too many", len(rest))
	}
	if partition < math.MinInt32 || partition > math.MaxInt32 {
		return Entry{}, fmt.Errorf("parse index entry: partition %d is out of range", partition)
	}
	e.Partition = int32(partition)
	return e, nil
}
