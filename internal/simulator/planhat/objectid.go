package planhatsim

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// idMaker makes ObjectIds as MongoDB does (seconds, machine, counter), strictly ascending even where
// the clock steps back.
type idMaker struct {
	machine [5]byte
	seconds uint32
	counter uint32
}

const counterMax = 1<<24 - 1

func (m *idMaker) next(at time.Time) string {
	now := uint32(at.Unix())
	switch {
	case now > m.seconds:
		m.seconds, m.counter = now, 0
	case m.counter == counterMax:
		m.seconds, m.counter = m.seconds+1, 0
	default:
		m.counter++
	}
	var id [12]byte
	binary.BigEndian.PutUint32(id[:4], m.seconds)
	copy(id[4:9], m.machine[:])
	id[9], id[10], id[11] = byte(m.counter>>16), byte(m.counter>>8), byte(m.counter)
	return hex.EncodeToString(id[:])
}

// isObjectID tells whether s has the form of an id: 24 lower or upper case hex digits.
func isObjectID(s string) bool {
	if len(s) != 24 {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}
