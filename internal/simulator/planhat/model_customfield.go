package planhatsim

import (
	"slices"
	"strings"
)

var customFieldModel = &model{
	object: "customfield", listing: "customfields", path: "/customfields", verbs: "CUGLD",
	pageDefault: 100, pageMax: 2000,
	required: [][]string{{"name"}, {"type"}, {"parent"}, {"isHidden"}},
	writable: columns{
		kindText: "name type parent formula numberFormat",
		kindBool: "isHidden isFeatured isShared isLocked isMandatory isFormula treatUndefinedAsZero",
		kindList: "listValues",
	}.table(),
	readOnly: names("filter formulaRefs __v"),
	noCustom: true,
	detail:   names("__v"),
	defaults: `{"isFeatured":false,"isShared":false,"isLocked":false,"isMandatory":false,"isFormula":false,"treatUndefinedAsZero":false,` +
		`"formula":"","listValues":[],"filter":[],"formulaRefs":[],"numberFormat":null}`,
	filters: map[string]filter{"parent": byField("parent")},
	admit:   admitCustomField,
}

// fieldTypes are the documented types of custom fields.
var fieldTypes = []string{
	"number", "text", "rich text", "checkbox", "day", "date", "list", "multipicklist", "team member", "team members", "rating", "phone",
	"email", "enduser", "endusers", "url",
}

func admitCustomField(_ *Tx, fields *document, _ bool) *refusal {
	if wanted := fields.text("type"); wanted == "" || slices.Contains(fieldTypes, wanted) {
		return nil
	}
	return &refusal{status: 400, validation: true, message: "type must be one of " + strings.Join(fieldTypes, ", ")}
}
