package plan

import (
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// suggestField names the field that somebody who wrote name most likely meant: what is
// spelled so for other objects, or something similar.
func suggestField(spec *planhat.Spec, name string) string {
	if spelled := spec.KeyField(planhat.Key(name)); spelled != name {
		return spelled
	}
	company := func(s planhat.Spec) bool { return s.CompanyField == name }
	if slices.ContainsFunc(planhat.Objects(), company) && isWritable(spec, spec.CompanyField) {
		return spec.CompanyField
	}
	return suggest(name, tables[spec.Object].writable)
}

func isWritable(spec *planhat.Spec, name string) bool {
	return slices.Contains(tables[spec.Object].writable, name)
}

// suggest names the candidate that somebody who wrote name most likely meant,
// or "". A difference in case alone always counts; else at most a third of the
// letters, and no more than three, may differ.
func suggest(name string, candidates []string) string {
	best, bestDistance := "", min(3, (len(name)+2)/3)+1
	for _, c := range candidates {
		if strings.EqualFold(c, name) {
			return c
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b, or some number >= limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
