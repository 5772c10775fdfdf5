package source

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// listingOf is a listing of the ids of even numbers below 2n.
func listingOf(n int) []cdc.Sighting {
	out := make([]cdc.Sighting, n)
	for i := range out {
		out[i].ID = numbered(2 * i)
	}
	return out
}

func numbered(n int) (id cdc.ID) {
	binary.BigEndian.PutUint64(id[4:], uint64(n)+1)
	return id
}

// Wherever the record is, and wherever the index says that it is, it is found in
// a few pages; where it is not, that is proved.
func TestNearingFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	most := 0
	for range 3000 {
		rows := listingOf(random.IntN(5000))
		target, limit := random.IntN(2*len(rows)+6), 2+random.IntN(60)
		n := newNearing(numbered(target), random.IntN(len(rows)+200), limit)
		there := target%2 == 0 && target < 2*len(rows)
		for try := 1; ; try++ {
			if try > nearTries {
				t.Fatalf("%d of %d rows is not found in %d pages of %d", target, len(rows), nearTries, limit)
			}
			from := min(n.offset, len(rows))
			row, found, err := n.take(rows[from:min(from+limit, len(rows))])
			if err != nil && !errors.Is(err, errUnlisted) {
				t.Fatal(err)
			}
			if found != there && (found || err != nil) || found && row.ID != numbered(target) {
				t.Fatalf("%d of %d rows: found is %v, %v", target, len(rows), found, err)
			}
			if found || err != nil {
				most = max(most, try)
				break
			}
		}
	}
	if most > 25 {
		t.Errorf("%d pages for one record", most)
	}
}

func TestNearingNoticesAnotherOrder(t *testing.T) {
	t.Parallel()
	rows := listingOf(10)
	rows[3], rows[4] = rows[4], rows[3]
	if _, _, err := newNearing(numbered(12), 5, 20).take(rows); !errors.Is(err, cdc.ErrOrder) {
		t.Errorf("error %v", err)
	}
}

// While rows come and go before it, a record is still found or proved absent,
// or the search ends.
func TestNearingInAListingThatMoves(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	lost := 0
	for range 500 {
		rows := listingOf(1000)
		n := newNearing(numbered(1000), random.IntN(1000), 50)
		for try := 0; ; try++ {
			if try == nearTries {
				lost++
				break
			}
			if at := random.IntN(400); random.IntN(2) == 0 {
				rows = append(rows[:at:at], rows[at+1:]...)
			}
			from := min(n.offset, len(rows))
			_, found, err := n.take(rows[from:min(from+50, len(rows))])
			if err != nil {
				t.Fatalf("a record that stays in the listing is not found: %v", err)
			}
			if found {
				break
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d of 500 searches were given up", lost)
	}
}
