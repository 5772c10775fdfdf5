package planhat

// FieldType says what the values of a field are.
type FieldType string

// The types of fields. Planhat promises none of them: a value that does not fit is
// rare, but it happens, and belongs to the reader's "everything else".
const (
	String          FieldType = "string"
	Long            FieldType = "long"
	Double          FieldType = "double"
	Boolean         FieldType = "boolean"
	TimestampMillis FieldType = "timestamp-millis" // ISO-8601 in UTC with milliseconds
	Date            FieldType = "date"             // whole days since 1970-01-01, as a number
	StringArray     FieldType = "string-array"
	JSON            FieldType = "json" // an object, an array of objects, or a value of no fixed type
)

// Field is a documented field of an object, or one seen in real answers.
type Field struct {
	Name     string
	Type     FieldType
	Writable bool // false: Planhat sets it; a value sent is ignored or refused

	// Ref is the object whose record, or records, the field names: as a string, as an
	// array of strings, or as an array of objects with id or _id. "": none, or none in
	// the table.
	Ref    Object
	RefKey Key  // the key by which it names them; "": the id
	ByKey  bool // on create and bulk upsert "extid-<externalId>" and "srcid-<sourceId>" are documented too
}

func writable(t FieldType, names ...string) []Field { return fields(t, true, names) }
func readOnly(t FieldType, names ...string) []Field { return fields(t, false, names) }

func refers(o Object, fs []Field) []Field { return refersBy(o, "", fs) }

func refersBy(o Object, k Key, fs []Field) []Field {
	for i := range fs {
		fs[i].Ref, fs[i].RefKey = o, k
	}
	return fs
}

// byKey marks references for which Planhat documents prefixed keys.
func byKey(fs []Field) []Field {
	for i := range fs {
		fs[i].ByKey = true
	}
	return fs
}

func fields(t FieldType, canWrite bool, names []string) []Field {
	fs := make([]Field, len(names))
	for i, name := range names {
		fs[i] = Field{Name: name, Type: t, Writable: canWrite}
	}
	return fs
}
