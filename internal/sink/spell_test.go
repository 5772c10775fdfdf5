package sink_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// Upserts with references that no bulk call takes as they are spelled share a bulk call
// all the same: their companies are asked for in one call. One whose company does not
// exist is told so, and keeps nobody waiting.
func TestReferencesStayInBulk(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions = 1
	const companies, invoices = 30, 60
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		for n := range companies {
			if _, err := tx.Create("companies", fmt.Sprintf(`{"name":"N%d","externalId":"c-%d"}`, n, n)); err != nil {
				t.Error(err)
			}
		}
	})
	b.prepare()
	for n := range invoices {
		b.send(fmt.Sprintf(`%d {"id":"i%d","op":"upsert","object":"invoice","target":{"externalId":"i-%d"},"fields":{"currency":"EUR","cId":"extid-c-%d"}}`,
			n, n, n, n%companies))
	}
	b.send(`x {"id":"lost","op":"upsert","object":"invoice","target":{"externalId":"lost"},"fields":{"currency":"EUR","cId":"extid-nobody"}}`)
	b.start()
	results := b.results()
	for n := range invoices {
		expect(t, results, fmt.Sprint("i", n), "OK CREATED -")
	}
	expect(t, results, "lost", "REJECTED NONE REFERENCE_NOT_FOUND")
	ids := map[any]any{}
	for _, row := range b.rows("companies") {
		ids[row["_id"]] = row["externalId"]
	}
	for _, row := range b.rows("invoices") {
		var n int
		if _, err := fmt.Sscanf(row["extId"].(string), "i-%d", &n); err != nil || ids[row["cId"]] != fmt.Sprint("c-", n%companies) {
			t.Errorf("invoice %v is of %v (%v)", row["extId"], ids[row["cId"]], err)
		}
	}
	calls, _ := b.sim.Calls()
	writes, looks := 0, 0
	for _, c := range calls {
		switch {
		case c.Method != http.MethodGet:
			writes++
		case strings.HasPrefix(c.Path, "/companies/") && c.Path != "/companies/extid-nobody", strings.HasPrefix(c.Path, "/leancompanies"):
			looks++
		}
	}
	if writes > 4 || looks > 4 {
		t.Errorf("%d commands took %d writes and %d look-ups", invoices, writes, looks)
	}
}
