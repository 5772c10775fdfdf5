package planhatsim

import (
	"fmt"
	"strings"
)

// patch is what a request sets, cleaned: names of the model at the top, custom fields apart.
type patch struct {
	fields document
	custom document
}

// prepare casts what was sent and sorts out custom fields, read-only and unknown names.
func (tx *Tx) prepare(m *model, sent document, create bool) (patch, *refusal) {
	var p patch
	for _, f := range sent {
		if err := tx.prepareField(m, &p, f, create); err != nil {
			return p, err
		}
	}
	if err := duplicateCase(p.custom); err != nil {
		return p, err
	}
	if m.admit != nil {
		return p, m.admit(tx, &p.fields, create)
	}
	return p, nil
}

func (tx *Tx) prepareField(m *model, p *patch, f member, create bool) *refusal {
	dotted, isDotted := strings.CutPrefix(f.name, "custom.")
	k, writable := m.writable[f.name]
	known := tx.known(m, f.name)
	switch {
	case f.name == "_id":
	case isDotted && !m.noCustom:
		p.custom.set(dotted, f.val)
	case f.name == "custom" && !m.noCustom:
		return addCustom(p, f.val)
	case m.company != "" && f.name == m.company && !writable:
		return tx.setCompany(p, m.company, f.val, create)
	case f.name == "companyExternalId" && m.stored() == conversationModel:
		return tx.setCompanyByExternalID(p, f.val)
	case writable && known:
		val, err := cast(f.name, k, f.val)
		if err != nil {
			return err
		}
		p.fields.set(f.name, val)
	case m.readOnly[f.name] && known:
		if tx.sw.ReadOnlyFields == "reject" {
			return &refusal{status: 400, validation: true, message: f.name + " is read-only"}
		}
	case tx.sw.UnknownFields == "store":
		p.fields.set(f.name, f.val)
	case tx.sw.UnknownFields == "reject":
		return &refusal{status: 400, validation: true, message: f.name + " is not a property of this model"}
	}
	return nil
}

// known tells whether this tenant's model has a name.
func (tx *Tx) known(m *model, name string) bool { return m.variant == nil || m.variant(tx.sw)[name] }

func addCustom(p *patch, raw []byte) *refusal {
	if isNull(raw) {
		return nil
	}
	if raw[0] != '{' {
		return &refusal{status: 400, validation: true, message: "custom must be an object"}
	}
	for _, f := range splitObject(raw) {
		if p.custom.index(f.name) < 0 {
			p.custom = append(p.custom, f)
			continue
		}
		p.custom.set(f.name, f.val)
	}
	return nil
}

// duplicateCase refuses custom names of one request that differ only in case.
func duplicateCase(custom document) *refusal {
	seen := map[string]string{}
	for _, f := range custom {
		folded := strings.ToLower(f.name)
		if other, there := seen[folded]; there {
			return &refusal{status: 400, validation: true, message: fmt.Sprintf("duplicate custom fields %q and %q", other, f.name)}
		}
		seen[folded] = f.name
	}
	return nil
}

// setCompany reads the reference to a company. Prefixed ids are documented for companyId, on create and bulk.
func (tx *Tx) setCompany(p *patch, name string, raw []byte, create bool) *refusal {
	if isNull(raw) {
		p.fields.set(name, []byte("null"))
		return nil
	}
	ref, _ := textOf(raw)
	prefixed := strings.HasPrefix(ref, extPrefix) || strings.HasPrefix(ref, srcPrefix)
	switch {
	case prefixed && (name == "companyId" || tx.sw.CIDPrefix == "accepted") && (create || tx.bulk || tx.sw.PutCompanyPrefix == "accepted"):
		company := tx.lookup(companyModel, ref)
		if company == nil {
			return refuse(400, "company %s not found", ref)
		}
		ref = company.id
	case !isObjectID(ref):
		return &refusal{status: 400, validation: true, message: fmt.Sprintf("Cast to ObjectId failed for value %s at path %q", clip(raw), name)}
	case tx.s.store(companyModel).byID[ref] == nil && tx.sw.DanglingCompany == "reject":
		return refuse(400, "company %s not found", ref)
	}
	p.fields.setText(name, ref)
	return nil
}

func (tx *Tx) setCompanyByExternalID(p *patch, raw []byte) *refusal {
	ref, _ := textOf(raw)
	if ref == "" || p.fields.has("companyId") {
		return nil
	}
	company := tx.lookup(companyModel, extPrefix+ref)
	if company == nil {
		return refuse(400, "company %s not found", ref)
	}
	p.fields.setText("companyId", company.id)
	return nil
}

// merge lays a patch over a document: fields replace, custom fields merge key by key.
func (tx *Tx) merge(m *model, doc document, p patch) document {
	doc = doc.clone()
	overlay(&doc, p.fields, tx.sw.NullWrite == "unset")
	if m.noCustom {
		return doc
	}
	var custom document
	if old := doc.get("custom"); len(old) > 0 && old[0] == '{' {
		custom = splitObject(old)
	}
	overlay(&custom, p.custom, tx.sw.NullWrite == "unset")
	doc.set("custom", custom.appendTo(nil, nil))
	return doc
}

func overlay(doc *document, over document, unset bool) {
	for _, f := range over {
		switch {
		case unset && isNull(f.val):
			doc.remove(f.name)
		case doc.index(f.name) >= 0:
			setIfNew(doc, f.name, f.val)
		default:
			*doc = append(*doc, member{f.name, f.key, f.val})
		}
	}
}
