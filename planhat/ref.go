package planhat

import "net/url"

// Ref names one record by a key.
type Ref struct {
	Key   Key
	Value string
}

// ByID names a record by Planhat's own id, 24 hex characters.
func ByID(id string) Ref { return Ref{KeyID, id} }

// ByExternalID names a record by the externalId given to it.
func ByExternalID(id string) Ref { return Ref{KeyExternalID, id} }

// BySourceID names a record by the sourceId given to it.
func BySourceID(id string) Ref { return Ref{KeySourceID, id} }

var pathPrefixes = map[Key]string{KeyID: "", KeyExternalID: "extid-", KeySourceID: "srcid-"}

// String returns key and value, for error messages.
func (r Ref) String() string { return string(r.Key) + " " + r.Value }

// path returns the escaped path of a record. Every value that would reach another
// route (an empty one falls through to the list) is refused.
func (s Spec) path(action string, r Ref) (string, *Error) {
	subject := string(s.Object) + " by " + string(r.Key)
	prefix, addressable := pathPrefixes[r.Key]
	switch {
	case !s.hasKey(r.Key):
		return "", refuse(action, subject, "%s has no such key", s.Object)
	case !addressable:
		return "", refuse(action, subject, "Planhat has no address by %s; look the record up first", r.Key)
	case r.Value == "":
		return "", refuse(action, subject, "the value is empty")
	case r.Key == KeyID && !isID(r.Value):
		return "", refuse(action, subject, "%q is not an id of 24 hex characters", r.Value)
	}
	return s.Path + "/" + prefix + url.PathEscape(r.Value), nil
}

func isID[T string | []byte](id T) bool {
	if len(id) != 24 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}
