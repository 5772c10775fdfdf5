package schemas

import "fmt"

// Problem says why a value is no command that could be carried out.
type Problem struct {
	Code    Code
	Message string // what is wrong; no contents beyond short names
	Remedy  string // what to do about it
	// Wait: nothing is wrong with the value as far as one can tell, but the schema
	// registry could not be asked. Try again; do not reject.
	Wait bool
	// Err is the cause, for logs; nil for most.
	Err error
}

func (p *Problem) String() string { return string(p.Code) + ": " + p.Message }

// problem makes a Problem with the remedy that the list of codes gives.
func problem(code Code, format string, args ...any) *Problem {
	doc, _ := code.Doc()
	return &Problem{Code: code, Message: fmt.Sprintf(format, args...), Remedy: doc.Remedy}
}

// clip shortens what a producer wrote for use in a message.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "..."
}
