package schemas

import "fmt"

// Fault says why a JSON text cannot be carried.
type Fault int

const (
	// FaultSyntax: not JSON by RFC 8259.
	FaultSyntax Fault = iota + 1
	// FaultUTF8: a string holds bytes that are not UTF-8. (An escaped surrogate
	// without partner is no fault: it is carried as the escape that it is.)
	FaultUTF8
	// FaultDepth: arrays and objects nested deeper than the limit.
	FaultDepth
	// FaultDuplicate: an object names one key twice, so that one value would be lost.
	FaultDuplicate
	// FaultNotObject: JSON, but not an object.
	FaultNotObject
)

func (f Fault) String() string {
	switch f {
	case FaultSyntax:
		return "not JSON"
	case FaultUTF8:
		return "not UTF-8"
	case FaultDepth:
		return "nested too deeply"
	case FaultDuplicate:
		return "key given twice"
	case FaultNotObject:
		return "not a JSON object"
	default:
		return "unknown fault"
	}
}

// TextError tells what is wrong with a JSON text and where. It holds no values of
// the text; Detail is a key's name for FaultDuplicate and a short reason otherwise.
type TextError struct {
	Fault  Fault
	Offset int // in bytes
	Detail string
}

func (e *TextError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s at byte %d", e.Fault, e.Offset)
	}
	if e.Fault == FaultDuplicate {
		return fmt.Sprintf("%s at byte %d: %q", e.Fault, e.Offset, e.Detail)
	}
	return fmt.Sprintf("%s at byte %d: %s", e.Fault, e.Offset, e.Detail)
}
