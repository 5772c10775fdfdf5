package planhat

import "slices"

// customFieldSpec: the catalogue of custom fields. There is no bulk upsert of it.
var customFieldSpec = Spec{
	Object:   CustomField,
	Listing:  "customfields",
	Path:     "/customfields",
	PageSize: 2000,
	Keys:     []Key{KeyID},
	ReadOnly: true,
	Rank:     30,
	Fields: slices.Concat(
		readOnly(String, "_id", "name", "type", "parent"),
		readOnly(Boolean, "isHidden", "isFeatured", "isShared", "isLocked", "isMandatory", "isFormula",
			"treatUndefinedAsZero"),
		readOnly(String, "formula"),
		readOnly(StringArray, "listValues"),
		readOnly(String, "numberFormat"),
		readOnly(JSON, "filter", "formulaRefs"),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}
