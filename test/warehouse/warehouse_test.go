// Package warehouse holds the tables that Kafka Connect makes of the change topics,
// with the connector of examples/connect, against what Planhat has: every column of
// every row.
//
// examples/connect/run.sh --no-bridge runs Kafka, registry, Connect and PostgreSQL
// and prints the variables that name them. Without these the test is skipped, or
// fails if BRIDGE_REQUIRE_WAREHOUSE=1. The database must be empty.
package warehouse

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// patience bounds the wait for the tables: Connect looks for new topics now and
// then, and writes batch by batch.
const patience = 90 * time.Second

// variables name what run.sh started.
var variables = []string{"REAL_KAFKA", "REAL_REGISTRY", "WAREHOUSE"}

func TestTablesEqualPlanhat(t *testing.T) {
	for _, name := range variables {
		if os.Getenv(name) != "" {
			continue
		}
		const remedy = "%s is not set; examples/connect/run.sh --no-bridge starts what it names"
		if os.Getenv("BRIDGE_REQUIRE_WAREHOUSE") == "1" {
			t.Fatalf(remedy, name)
		}
		t.Skipf(remedy, name)
	}
	r := rig.New(t, rig.Options{Broker: os.Getenv("REAL_KAFKA"), Registry: os.Getenv("REAL_REGISTRY"), Companies: 60})
	w := warehouse{address: os.Getenv("WAREHOUSE"), state: r.Stage.Simulator.State}

	source := r.Start("source", "", 0)
	w.awaitEqual(t, "the snapshot")

	for range 6 {
		r.Stage.Simulator.Live(80)
	}
	w.awaitEqual(t, "life")
	source.Stop(t)

	// Killed with a transaction open: its changes are on the topic, and are aborted.
	source = r.Start("source", "source.changes-acked", 1)
	r.Stage.Simulator.Live(80)
	source.Killed(t)
	source = r.Start("source", "", 0)
	deleted := w.deleteSome(t, r)
	w.awaitEqual(t, "a crash, and deletes")
	source.Stop(t)
	for table, id := range deleted {
		if rows := w.rows(t, "", table); rows[id] != nil {
			t.Errorf("%s %s was deleted, and is a row", table, id)
		}
	}

	report := w.compare(t, "")
	total := 0
	for _, spec := range planhat.Objects() {
		cells := report.cells[string(spec.Object)]
		total += cells
		if cells == 0 {
			t.Errorf("%s: no value was compared in a column of its own", spec.Object)
		}
	}
	if total < 5000 {
		t.Errorf("only %d values were compared in columns of their own", total)
	}
	t.Logf("tables: %d, typed cells compared: %v", len(report.cells), report.cells)
	t.Run("the comparison can fail", w.canFail)
}

// awaitEqual waits until the tables say what Planhat has, which is quiet.
func (w warehouse) awaitEqual(t *testing.T, after string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		report := w.compare(t, "")
		if len(report.differences) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			most := report.differences[:min(20, len(report.differences))]
			t.Fatalf("after %s the tables differ for %s, %d times:\n%s", after, patience, len(report.differences), strings.Join(most, "\n"))
		}
	}
}

// canFail falsifies the tables, each time in a transaction that is taken back.
func (w warehouse) canFail(t *testing.T) {
	ids := make([]string, 0, 1)
	for id := range w.rows(t, "", "company") {
		ids = append(ids, id)
	}
	one := `'` + ids[0] + `'`
	for name, tt := range map[string]struct{ sql, want string }{
		"a text":      {`update company set name = name || '.' where _id = ` + one, "company " + ids[0] + " name: "},
		"a number":    {`update company set arr = coalesce(arr, 0) + 0.01 where _id = ` + one, "company " + ids[0] + " arr: "},
		"an instant":  {`update company set "updatedAt" = "updatedAt" + interval '1 millisecond' where _id = ` + one, "company " + ids[0] + " updatedAt: "},
		"a list":      {`update company set tags = array_append(tags, 'x') where _id = ` + one, "company " + ids[0] + " tags: "},
		"JSON":        {`update company set custom = '{"odd":1}' where _id = ` + one, "company " + ids[0] + " custom: "},
		"a null":      {`update company set name = null where _id = ` + one, "company " + ids[0] + " name: "},
		"extra":       {`update company set extra = '{"odd":1}' where _id = ` + one, "company " + ids[0] + " odd: "},
		"nulls":       {`update company set nulls = '["odd"]' where _id = ` + one, "company " + ids[0] + " odd: "},
		"a row less":  {`delete from company where _id = ` + one, "company " + ids[0] + ": is no row"},
		"a row more":  {`insert into company (_id) values ('invented')`, "company invented: "},
		"a table off": {`drop table license`, "license: there is no such table"},
	} {
		got := w.compare(t, tt.sql).differences
		if !slices.ContainsFunc(got, func(found string) bool { return strings.HasPrefix(found, tt.want) }) {
			t.Errorf("%s: found %q, want %q", name, got, tt.want)
		}
	}
	w.missesEvery(t)
	if got := w.compare(t, "").differences; len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

// missesEvery drops the tables of all objects at a time: each is missed.
func (w warehouse) missesEvery(t *testing.T) {
	t.Helper()
	var drop string
	for _, spec := range planhat.Objects() {
		drop += `drop table "` + string(spec.Object) + `"; `
	}
	found := w.compare(t, drop).differences
	for _, spec := range planhat.Objects() {
		if want := string(spec.Object) + ": there is no such table"; !slices.Contains(found, want) {
			t.Errorf("all tables are dropped: found %q, want %q", found, want)
		}
	}
}
