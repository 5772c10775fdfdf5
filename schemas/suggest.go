package schemas

import "strings"

// maxSuggestLength bounds the work of Suggest: longer names get no suggestion.
const maxSuggestLength = 64

// Suggest finds the candidate that a misspelt name most likely meant: the same but for
// case, or at most two slips away (one in a name of up to four bytes).
func Suggest(name string, candidates []string) (string, bool) {
	if len(name) > maxSuggestLength {
		return "", false
	}
	best, least := "", 3
	if len(name) <= 4 {
		least = 2
	}
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if len(c) > maxSuggestLength {
			continue
		}
		if d := slips(lower, strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// slips counts the bytes to insert, drop, change or swap with the neighbour on the way from a to b.
func slips(a, b string) int {
	var before, last, row []int
	row = make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last = last, row
		row = make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// didYouMean is the end of a message about a name that is not one of the candidates.
func didYouMean(name string, candidates []string) string {
	if s, ok := Suggest(name, candidates); ok {
		return `; did you mean "` + s + `"?`
	}
	return "; known are " + strings.Join(candidates, ", ")
}
