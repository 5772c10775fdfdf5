package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// typeField tells the objects of a shared listing apart.
const typeField = "type"

func checkFields(c schemas.Command, o *Order, rule opRule, rules Rules) (Fields, *Refusal) {
	given, take, err := parseFields(c)
	if err != nil {
		return nil, reject(schemas.CodeInvalidCommand, "fields: "+err.Error(), "send fields as one JSON object")
	}
	switch {
	case !rule.fields && len(given) > 0:
		return nil, reject(schemas.CodeInvalidCommand, fmt.Sprintf("a %s takes no fields", o.Op), "leave fields out")
	case rule.some && len(given) == 0:
		return nil, reject(schemas.CodeMissingField, fmt.Sprintf("the %s sets no field", o.Op), "set at least one field")
	}
	fields, custom, refusal := normalise(given, take)
	if refusal != nil {
		return nil, refusal
	}
	for _, f := range fields {
		if refusal := checkField(f, o, c.AllowUnknownFields); refusal != nil {
			return nil, refusal
		}
	}
	if refusal := checkCustom(custom, o, c.AllowUnknownFields, rules); refusal != nil {
		return nil, refusal
	}
	if refusal := checkOwnKey(fields, o); refusal != nil {
		return nil, refusal
	}
	// A record without a type may become another object's.
	if o.Op == Upsert && o.Spec.Shared() && !fields.Has(typeField) {
		return nil, reject(schemas.CodeMissingField, fmt.Sprintf("an upsert of %s needs %s", o.Spec.Object.WithArticle(), typeField),
			fmt.Sprintf("set %q: the record may be a new one", typeField))
	}
	if rule.required {
		if refusal := checkRequired(fields, o); refusal != nil {
			return nil, refusal
		}
		if o.Spec.Type != "" {
			fields = fields.WithText(typeField, o.Spec.Type)
		}
	}
	return fields, nil
}

// parseFields takes a command's fields apart, and tells how objects among them are: what
// the decoder has read is valid at every level.
func parseFields(c schemas.Command) (fields Fields, take func([]byte) ([]Field, error), err error) {
	if len(c.Fields) == 0 || isNull(c.Fields) {
		return nil, members, nil
	}
	if read, ok := c.Members(); ok {
		return read, splitObject, nil
	}
	fields, err = members(c.Fields)
	return fields, members, err
}

// normalise refuses repeated names and gathers "custom.<name>" fields into the
// field "custom", whose members it gives, too.
func normalise(given Fields, take func([]byte) ([]Field, error)) (fields, custom Fields, refusal *Refusal) {
	if name, twice := repeated(given, func(name string) string { return name }); twice {
		return nil, nil, invalid(name, "is there twice", "send each field once")
	}
	for _, f := range given {
		if strings.HasPrefix(f.Name, customField+".") || f.Name == customField {
			return gatherCustom(given, take)
		}
	}
	return given, nil, nil
}

func gatherCustom(given Fields, take func([]byte) ([]Field, error)) (fields, custom Fields, refusal *Refusal) {
	out := make(Fields, 0, len(given))
	var whole Field
	for _, f := range given {
		name, dotted := strings.CutPrefix(f.Name, customField+".")
		switch {
		case dotted && name == "":
			return nil, nil, invalid(f.Name, "names no custom field", `write "custom.<name>"`)
		case dotted:
			custom = append(custom, Field{Name: name, Raw: f.Raw})
		case f.Name == customField:
			inner, err := take(f.Raw)
			if err != nil {
				return nil, nil, invalid(f.Name, "is not a JSON object", `send "custom": {"<name>": <value>}`)
			}
			custom, whole = append(custom, inner...), f
		default:
			out = append(out, f)
		}
	}
	// The vendor refuses names that differ only in case as duplicates.
	if name, twice := repeated(custom, strings.ToLower); twice {
		return nil, nil, invalid(customField+"."+name, "is there twice", "send each custom field once; case does not tell them apart")
	}
	if len(out)+1 < len(given) || whole.Name == "" { // there are dotted ones
		whole = Field{Name: customField, Raw: custom.JSON()}
	}
	return append(out, whole), custom, nil
}

// repeated finds a name that is there twice once it is folded.
func repeated(fields Fields, fold func(string) string) (string, bool) {
	if len(fields) <= 16 {
		return repeatedAmongFew(fields, fold)
	}
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		key := fold(f.Name)
		if seen[key] {
			return f.Name, true
		}
		seen[key] = true
	}
	return "", false
}

func repeatedAmongFew(fields Fields, fold func(string) string) (string, bool) {
	var names [16]string
	for n, f := range fields {
		names[n] = fold(f.Name)
		if slices.Contains(names[:n], names[n]) {
			return f.Name, true
		}
	}
	return "", false
}

func checkField(f Field, o *Order, allowUnknown bool) *Refusal {
	known, ok := tables[o.Spec.Object].fields[f.Name]
	switch {
	case f.Name == "_id" || ok && !known.Writable:
		return reject(schemas.CodeReadOnlyField, fmt.Sprintf("field %q of %s is read-only", f.Name, o.Spec.Object.WithArticle()),
			fmt.Sprintf("leave %q out", f.Name))
	case !ok && !allowUnknown:
		return unknown(f.Name, suggestField(o.Spec, f.Name), o.Spec.Object)
	case f.Name == customField:
		return nil
	case f.Name == typeField && o.Spec.Shared():
		return checkType(f, o.Spec)
	case isKeyField(o.Spec, f.Name) || known.Ref != "" && known.Type == planhat.String:
		if _, ok := text(f.Raw); !ok && !isNull(f.Raw) {
			return invalid(f.Name, "must be a non-empty string", "send it as a JSON string, or null to clear it")
		}
	case known.Ref != "":
		return checkReferences(f)
	}
	return nil
}

// checkType holds the type to the object: of a shared listing it says of which object
// a record is.
func checkType(f Field, spec *planhat.Spec) *Refusal {
	value, _ := text(f.Raw)
	switch {
	case spec.Type != "" && value != spec.Type:
		return invalid(f.Name, fmt.Sprintf("must be %q for %s", spec.Type, spec.Object.WithArticle()), "leave it out")
	case value == "":
		return invalid(f.Name, "must be a non-empty string", fmt.Sprintf("name the type of the %s", spec.Object))
	case !spec.Holds(value):
		return invalid(f.Name, fmt.Sprintf("must not be %q for %s", value, spec.Object.WithArticle()),
			fmt.Sprintf("use object %s", spec.ObjectOf(value)))
	}
	return nil
}

// checkReferences accepts an array of ids, or of objects with their ids.
func checkReferences(f Field) *Refusal {
	const remedy = `send an array of ids, or of objects such as {"id": "<id>"}; null or an empty array clears it`
	if isNull(f.Raw) {
		return nil
	}
	if len(f.Raw) == 0 || f.Raw[0] != '[' {
		return invalid(f.Name, "must be an array", remedy)
	}
	for n, element := range elements(f.Raw) {
		if value, _ := spelling(element); value == "" {
			return invalid(f.Name, fmt.Sprintf("names no record in element %d", n), remedy)
		}
	}
	return nil
}

// checkCustom holds custom names to the catalogue, where that is known: the
// vendor would store an unknown name without a word.
func checkCustom(custom Fields, o *Order, allowUnknown bool, rules Rules) *Refusal {
	if allowUnknown || rules.Custom == nil || len(custom) == 0 {
		return nil
	}
	known, ok := rules.Custom(o.Spec.Object)
	if !ok {
		return nil
	}
	for _, c := range custom {
		name := customField + "." + c.Name
		computed, exists := known[c.Name]
		switch {
		case !exists:
			return unknownCustom(c.Name, known, o.Spec.Object)
		case computed:
			return reject(schemas.CodeReadOnlyField, fmt.Sprintf("field %q of %s is computed by a formula", name, o.Spec.Object.WithArticle()),
				fmt.Sprintf("leave %q out, or change the fields that its formula reads", name))
		}
	}
	return nil
}

func unknownCustom(name string, known CustomFields, object planhat.Object) *Refusal {
	remedy := "create it in Planhat first;"
	if best := suggest(name, slices.Sorted(maps.Keys(known))); best != "" {
		remedy = fmt.Sprintf("did you mean %q?", customField+"."+best)
	}
	return reject(schemas.CodeUnknownField, fmt.Sprintf("%s has no custom field %q", object.WithArticle(), name), remedy+" "+unlessAllowed)
}

// unlessAllowed ends the remedies for names that nobody knows.
const unlessAllowed = "allowUnknownFields sends the field as it is"

func unknown(name, best string, object planhat.Object) *Refusal {
	remedy := "docs/contract.md lists its fields;"
	if _, has := tables[object].fields[customField]; has {
		remedy = "custom fields go into custom;"
	}
	if best != "" {
		remedy = fmt.Sprintf("did you mean %q?", best)
	}
	return reject(schemas.CodeUnknownField, fmt.Sprintf("%s has no field %q", object.WithArticle(), name), remedy+" "+unlessAllowed)
}

// checkOwnKey keeps an upsert from renaming the key that it goes by: created
// and updated records would not have the same key afterwards.
func checkOwnKey(fields Fields, o *Order) *Refusal {
	if o.Op != Upsert {
		return nil
	}
	name := o.Spec.KeyField(o.Target.Key)
	raw := fields.Get(name)
	if raw == nil {
		return nil
	}
	if v, _ := text(raw); v != o.Target.Value {
		return invalid(name, "differs from the target of the upsert", "leave it out, or use update to change it")
	}
	return nil
}

func checkRequired(fields Fields, o *Order) *Refusal {
	for _, group := range o.Spec.Required {
		if !hasOne(fields, group) {
			// The type is set by us.
			if o.Spec.Type != "" && len(group) == 1 && group[0] == typeField {
				continue
			}
			return reject(schemas.CodeMissingField, fmt.Sprintf("a new %s needs %s", o.Spec.Object, strings.Join(group, " or ")),
				"set "+strings.Join(group, " or "))
		}
	}
	return nil
}

func hasOne(fields Fields, names []string) bool {
	for _, n := range names {
		if raw := fields.Get(n); raw != nil && !isNull(raw) {
			return true
		}
	}
	return false
}

func isKeyField(spec *planhat.Spec, name string) bool {
	for _, k := range spec.Keys {
		if spec.KeyField(k) == name {
			return true
		}
	}
	return false
}

func invalid(field, what, remedy string) *Refusal {
	return reject(schemas.CodeInvalidField, fmt.Sprintf("field %q %s", field, what), remedy)
}
