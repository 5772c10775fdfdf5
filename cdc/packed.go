package cdc

import "encoding/binary"

// packed is an ID and its Entry in 50 bytes. It has no padding, as all of its
// parts are bytes.
type packed struct {
	id                              ID
	fingerprint, raw, stamp, offset [8]byte
	partition                       [4]byte
	object, flags                   byte
}

func pack(id ID, e Entry) packed {
	p := packed{id: id, object: e.Object}
	le := binary.LittleEndian
	le.PutUint64(p.fingerprint[:], e.Fingerprint)
	le.PutUint64(p.raw[:], e.Raw)
	le.PutUint64(p.stamp[:], uint64(e.Stamp))
	le.PutUint64(p.offset[:], uint64(e.Offset))
	le.PutUint32(p.partition[:], uint32(e.Partition))
	if e.Archived {
		p.flags = flagArchived
	}
	return p
}

func (p *packed) entry() Entry {
	le := binary.LittleEndian
	return Entry{
		Fingerprint: le.Uint64(p.fingerprint[:]),
		Raw:         le.Uint64(p.raw[:]),
		Stamp:       int64(le.Uint64(p.stamp[:])),
		Offset:      int64(le.Uint64(p.offset[:])),
		Partition:   int32(le.Uint32(p.partition[:])),
		Object:      p.object,
		Archived:    p.archived(),
	}
}

func (p *packed) rawHash() uint64 { return binary.LittleEndian.Uint64(p.raw[:]) }

func (p *packed) archived() bool { return p.flags&flagArchived != 0 }
