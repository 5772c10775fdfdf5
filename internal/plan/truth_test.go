package plan

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// rounds is how often a test of chance is run; ROUNDS multiplies it.
func rounds(t *testing.T, n int) int {
	t.Helper()
	by, err := strconv.Atoi(os.Getenv("ROUNDS"))
	if err != nil {
		return n
	}
	return n * by
}

// TestAttributionIsNeverWrong holds Attribute to the truth behind answers of
// every form.
func TestAttributionIsNeverWrong(t *testing.T) {
	seen := map[Outcome]int{}
	for n := range rounds(t, 4000) {
		attributed(t, uint64(n), 1, seen)
	}
	for o := Again; o <= Denied; o++ {
		if seen[o] == 0 {
			t.Errorf("no item was %s", o)
		}
	}
}

func FuzzAttribute(f *testing.F) {
	for n := range uint64(8) {
		f.Add(n, n*7)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) { attributed(t, a, b, map[Outcome]int{}) })
}

// attributed draws a call, tells its items' fates in some form, and compares
// what is made of that with them.
func attributed(t *testing.T, a, b uint64, seen map[Outcome]int) {
	t.Helper()
	r := rand.New(rand.NewPCG(a, b))
	call, fates := drawCall(r)
	form := drawForms(r)
	status, body := form.render(r, fates)
	answer := answered(t, call.Spec, status, body)
	dropped := false
	for _, one := range fates {
		dropped = dropped || one.kind == fateDropped
	}
	for n, v := range Attribute(call, answer) {
		seen[v.Outcome]++
		if v.Outcome == Look {
			v = Settle(call, answer, fates[n].id)
		}
		if why := contradicts(call, fates[n], v); why != "" {
			t.Fatalf("%d, %d: item %d, %+v, is said to be %+v: %s\n%+v\n%d %s", a, b, n, fates[n], v, why, form, status, body)
		}
		if form.plain() && !dropped && v.Outcome == Again {
			t.Fatalf("%d, %d: item %d, %+v, is not recognised in a plain answer\n%d %s", a, b, n, fates[n], status, body)
		}
		if form.whole() && v.Doubt {
			t.Fatalf("%d, %d: item %d, %+v, is doubted though the answer is whole\n%d %s", a, b, n, fates[n], status, body)
		}
	}
}

// contradicts says why a verdict is wrong, "" if it is not.
func contradicts(c Call, one fate, v Verdict) string {
	is := map[Outcome]bool{
		Created: one.kind == fateInserted, Updated: one.kind == fateUpdated, Unchanged: one.kind == fateUnchanged,
		Refused: one.kind.refused() && one.kind != fateDenied, Denied: one.kind == fateDenied,
		Alone: c.Items[0].Op == Update && one.kind.refused(), Again: v.Doubt || !one.kind.written(),
	}
	switch {
	case !is[v.Outcome]:
		return "it is not"
	case v.RecordID != "" && v.RecordID != one.id:
		return "the record is another"
	case (v.Outcome == Refused || v.Outcome == Denied) && v.Message != one.message:
		return "the reason is another's"
	case v.Doubt && v.Outcome != Again:
		return "what is proved is not in doubt"
	case c.Key == planhat.KeyID && (v.Outcome == Created || v.Outcome == Updated || v.Outcome == Unchanged) && v.RecordID == "":
		return "the record has no id"
	}
	return ""
}
