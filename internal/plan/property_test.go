package plan

import (
	"fmt"
	"maps"

	"testing"

	"pgregory.net/rapid"
)

func TestPlanEqualsOneByOne(t *testing.T) {
	reached := map[string]int{}
	for range rounds(t, 4) {
		rapid.Check(t, func(r *rapid.T) { planned(t, r, reached) })
	}
	for _, what := range []string{
		"merged", "merged and refused", "several in bulk", "cut by bytes", "cut by items", "resolve", "put", "post", "remove", "read",
		isCreated, isUpdated, isUnchanged, isDeleted, isGone, isRead, isMissing, isRefused, isConflict, isExpired,
	} {
		if reached[what] == 0 {
			t.Errorf("no scene has %s", what)
		}
	}
}

// planned draws a scene, carries its plan out, and compares what the vendor holds and
// what the commands are told with the same commands one by one, in the order of the
// plan. That this order keeps what it must is TestPlanKeepsOrder's.
func planned(tb testing.TB, t *rapid.T, reached map[string]int) {
	tb.Helper()
	s := drawScene(tb, t, true)
	limits := Limits{Items: rapid.IntRange(1, 5).Draw(t, "items"), Bytes: rapid.SampledFrom([]int{0, 60, 150, 400}).Draw(t, "bytes")}
	stages := Build(s.orders, limits)
	want, got := s.v.clone(), s.v.clone()
	results := oneByOne(want, inOrder(stages), s.late)
	e := execute(got, stages, s.late, s.v.chance)
	if !want.equal(got) {
		t.Fatalf("one by one:\n%q\nas planned:\n%q\n%s", want.state(), got.state(), describe(stages))
	}
	for _, o := range s.orders {
		is, ok := e.results[o.Seq]
		if !ok || !alikeResults(o, results[o.Seq], is) {
			t.Fatalf("command %d: one by one %q, as planned %q\n%s", o.Seq, results[o.Seq], is, describe(stages))
		}
		reached[is]++
	}
	note(reached, stages, results, limits)
}

// alikeResults tells whether a command is told what it would be told by itself. Of
// merged commands nobody knows which one has changed the record; nobody knows whether
// one in doubt has.
func alikeResults(o *Order, want, got string) bool {
	switch got {
	case isWritten:
		return want == isUpdated || want == isUnchanged
	case "":
		return true
	case isRefused: // a reference may be found to lead nowhere before the record is
		return want == got || want == isMissing && len(itemOf(o).Unspelled()) > 0
	}
	return want == got
}

// inOrder are the orders of a plan as it carries them out.
func inOrder(stages []Stage) []*Order {
	var out []*Order
	for _, stage := range stages {
		for _, c := range stage {
			for _, i := range c.Items {
				out = append(out, i.Orders...)
			}
		}
	}
	return out
}

// note counts what a scene has reached.
func note(reached map[string]int, stages []Stage, results map[int]string, limits Limits) {
	limits = limits.withDefaults()
	for _, stage := range stages {
		groups := map[group]int{}
		bytes := map[group]int{}
		for _, c := range stage {
			reached[c.Way.String()]++
			if len(c.Items) > 1 {
				reached["several in bulk"]++
			}
			for _, i := range c.Items {
				if g, ok := i.bulkGroup(); ok {
					groups[g]++
					bytes[g] += i.bulkSize()
				}
				if !i.Merged() {
					continue
				}
				reached["merged"]++
				for _, o := range i.Orders {
					if results[o.Seq] == isRefused {
						reached["merged and refused"]++
					}
				}
			}
		}
		for g, n := range groups {
			if n > limits.Items {
				reached["cut by items"]++
			} else if n > 1 && bytes[g] > limits.Bytes {
				reached["cut by bytes"]++
			}
		}
	}
}

// TestReferencesAreWrittenFirst: where every command could succeed if each waited for
// the records that it refers to, every command does.
func TestReferencesAreWrittenFirst(t *testing.T) {
	waited, stuck := 0, 0
	for range rounds(t, 2) {
		rapid.Check(t, func(r *rapid.T) {
			s := drawScene(t, r, false)
			want := s.v.clone()
			results, passes := waiting(want, s.orders)
			if results == nil {
				stuck++
				return // some wait for each other, or for a record that nobody brings
			}
			if passes > 1 {
				waited++
			}
			stages, got := Build(s.orders, Limits{}), s.v.clone()
			e := execute(got, stages, nil, s.v.chance)
			for _, o := range s.orders {
				if (results[o.Seq] == isRefused) != (e.results[o.Seq] == isRefused) {
					r.Fatalf("command %d: waiting %q, as planned %q\n%s", o.Seq, results[o.Seq], e.results[o.Seq], describe(stages))
				}
			}
			if !want.equal(got) {
				r.Fatalf("waiting:\n%q\nas planned:\n%q\n%s", want.state(), got.state(), describe(stages))
			}
		})
	}
	if !testing.Short() && waited < 5 || stuck > 100*rounds(t, 1) { // a short run has too few scenes to count
		t.Errorf("in %d scenes a command has waited for another, in %d one for ever", waited, stuck)
	}
}

// waiting carries orders out one by one; one whose references are not there keeps its
// chain waiting for the others. It returns nil if all wait.
func waiting(v *vendor, orders []*Order) (results map[int]string, passes int) {
	results = map[int]string{}
	left := chains(orders)
	for moved := true; moved; {
		moved = false
		passes++
		for n := range left {
			for len(left[n]) > 0 && there(v, left[n][0]) {
				maps.Copy(results, oneByOne(v, left[n][:1], nil))
				left[n], moved = left[n][1:], true
			}
		}
	}
	for _, chain := range left {
		if len(chain) > 0 {
			return nil, 0
		}
	}
	return results, passes - 1
}

// there tells whether the records that an order refers to exist.
func there(v *vendor, o *Order) bool {
	for _, ref := range References(o.Spec, o.Fields) {
		if v.find(&tables[ref.Object].spec, ref.Target) == nil {
			return false
		}
	}
	return true
}

func describe(stages []Stage) string {
	out := ""
	for n, stage := range stages {
		for _, c := range stage {
			out += fmt.Sprintf("stage %d %s %s by %q\n", n, c.Way, c.Spec.Object, c.Key)
			for _, i := range c.Items {
				out += fmt.Sprintf("   %s %v %s:", i.Op, i.Target, i.Fields.JSON())
				for _, o := range i.Orders {
					out += fmt.Sprintf(" #%d", o.Seq)
				}
				out += "\n"
			}
		}
	}
	return out
}

// TestPlanKeepsOrder holds every plan to its structure: each order once, chains
// in order, no record twice in a bulk call, no call above the limits.
func TestPlanKeepsOrder(t *testing.T) {
	tb := t
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(tb, t, true)
		limits := Limits{Items: rapid.IntRange(1, 5).Draw(t, "items"), Bytes: 400}
		place := map[int]int{}
		item := map[int]int{} // by command: the first command of its item
		for n, stage := range Build(s.orders, limits) {
			for _, c := range stage {
				seen := map[identity]bool{}
				if len(c.Items) > limits.Items || c.Way != Bulk && len(c.Items) != 1 {
					t.Fatalf("a %s call of %d items", c.Way, len(c.Items))
				}
				for _, i := range c.Items {
					for _, id := range itemIdentities(i) {
						if seen[id] {
							t.Fatalf("%v is twice in a call", id)
						}
						seen[id] = true
					}
					for _, o := range i.Orders {
						if _, twice := place[o.Seq]; twice {
							t.Fatalf("command %d is planned twice", o.Seq)
						}
						place[o.Seq], item[o.Seq] = n, i.Orders[0].Seq
					}
				}
			}
		}
		if len(place) != len(s.orders) {
			t.Fatalf("%d of %d commands are planned", len(place), len(s.orders))
		}
		last := map[string]*Order{} // by what two commands may not overtake each other for
		for _, o := range s.orders {
			behind := []string{fmt.Sprint(o.Spec.Object, o.Target)}
			if o.Target.Key == "" {
				behind = nil
			}
			if o.Chain != "" {
				behind = append(behind, "key "+o.Chain)
			}
			for _, name := range behind {
				if was := last[name]; was != nil && place[was.Seq] >= place[o.Seq] && item[was.Seq] != item[o.Seq] {
					t.Fatalf("command %d does not wait for %d: both are of %s", o.Seq, was.Seq, name)
				}
				last[name] = o
			}
		}
	})
}

func itemIdentities(i Item) map[identity]identity {
	out := map[identity]identity{}
	for _, o := range i.Orders {
		for _, id := range o.identities() {
			out[id] = id
		}
	}
	return out
}
