package cdc

// Shape says what the rows of an object look like, as far as capture must know.
type Shape struct {
	Stamp         string // name of the change stamp, "" = the object has none
	ArchivedField string // name of the archived flag, "" = none
	TypeField     string // name of the field that tells objects of one listing apart, "" = none

	// Volatile names are left out of fingerprints: top-level names, and custom
	// fields as "custom.<name>". They change without an edit.
	Volatile map[string]bool
}

// Facts are what capture must know of a row apart from its content.
type Facts struct {
	Stamp    int64 // ms since 1970-01-01 UTC; 0 if there is none
	HasStamp bool  // Stamp was there and could be read
	Archived bool
	Type     string // "" = none
}

// Inspect reads the facts of a row in one pass over its top level. The last of
// several members with one name counts. A stamp is a date as [ParseStamp] reads
// it, or a whole number of ms; any other value is as good as none, and so is a
// type that is no string. The error is a [*SyntaxError].
func Inspect(raw []byte, s *Shape) (Facts, error) {
	var facts Facts
	start := skipSpace(raw, 0)
	if start >= len(raw) || raw[start] != '{' {
		return Facts{}, syntax(start, reasonObject)
	}
	var scratch [64]byte
	end, err := skipObject(raw, start, 1, func(name, value []byte) {
		facts.note(s, readText(scratch[:], name), value)
	})
	if err != nil {
		return Facts{}, err
	}
	if end = skipSpace(raw, end); end != len(raw) {
		return Facts{}, syntax(end, reasonTrailing)
	}
	return facts, nil
}

// note takes what a member of the row says.
func (f *Facts) note(s *Shape, name, value []byte) {
	if s.Stamp != "" && string(name) == s.Stamp {
		f.Stamp, f.HasStamp = readStamp(value)
	}
	if s.ArchivedField != "" && string(name) == s.ArchivedField {
		f.Archived = string(value) == "true"
	}
	if s.TypeField != "" && string(name) == s.TypeField {
		f.Type = readString(value)
	}
}

// readString is the text of a JSON string, "" for any other value.
func readString(value []byte) string {
	if value[0] != '"' {
		return ""
	}
	return string(readText(nil, value[1:len(value)-1]))
}

// readStamp reads the value of a change stamp.
func readStamp(value []byte) (ms int64, ok bool) {
	if value[0] != '"' {
		return parseMillis(value)
	}
	var scratch [64]byte
	return ParseStamp(readText(scratch[:], value[1:len(value)-1]))
}

// parseMillis reads a positive whole number of at most 15 digits.
func parseMillis(text []byte) (ms int64, ok bool) {
	if len(text) == 0 || len(text) > 15 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		ms = ms*10 + int64(c-'0')
	}
	return ms, ms > 0
}
