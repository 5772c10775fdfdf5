package cdc

// DeleteLimits say how many deletes at once are plausible. The zero value lets
// all pass.
type DeleteLimits struct {
	Share float64 // of the records in the index, 0.2 = one in five; 0 = no limit
	Count int     // 0 = no limit
	Free  int     // so many are plausible whatever Share says, for small streams
}

// MassDelete says that so many deletion candidates, of so many records in the
// index, are more than limits allow. Then nothing may be deleted before an
// operator has looked: a vendor's fault looks the same as an emptied workspace.
func MassDelete(candidates, indexed int, limits DeleteLimits) bool {
	if limits.Count > 0 && candidates > limits.Count {
		return true
	}
	return limits.Share > 0 && candidates > limits.Free && float64(candidates) > limits.Share*float64(indexed)
}
