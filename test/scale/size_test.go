package scale

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// companies of the tenant; its endusers are shared out among them.
const companies = 5_000

// endusers is how many there are: SCALE_ENDUSERS, 20,000 without it.
func endusers(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SCALE_ENDUSERS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < companies || n%companies != 0 {
		t.Fatalf("SCALE_ENDUSERS is %q: it must be a multiple of %d", text, companies)
	}
	return n
}

// mostMiB is how much memory the source may take: some for itself, its pages and its
// transactions, and for each record the index and as much again, which is garbage
// until it is collected.
func mostMiB(endusers int) int { return 114 + endusers*2*64>>20 }

// patience is how long a step of the test may take.
func patience(endusers int) time.Duration {
	return 3*time.Minute + time.Duration(endusers)*time.Millisecond
}

// mostJudged is how many endusers the oracle can hold to Planhat, twenty KB each.
const mostJudged = 200_000

// judged are the objects that the oracle decides on.
func judged(t *testing.T, endusers int) []string {
	t.Helper()
	if endusers > mostJudged {
		t.Logf("the oracle judges companies only: %d endusers are more than it can hold", endusers)
		return []string{"company"}
	}
	return []string{"company", "enduser"}
}

// callsOfAMinute is what a tenant grants.
const callsOfAMinute = 200

// cost prints what a stretch of work took of the process, for each row that it read.
func (p *process) cost(t *testing.T, what string, before time.Duration, calls []planhatsim.Call) {
	t.Helper()
	rows := 0
	for _, c := range calls {
		rows += c.Items
	}
	cpu := p.spent() - before
	t.Logf("scale work=%q rows=%d calls=%d minutes_at_%d_calls=%.1f cpu_s=%.2f cpu_us_per_row=%.2f", what, rows, len(calls),
		callsOfAMinute, float64(len(calls))/callsOfAMinute, cpu.Seconds(), float64(cpu.Microseconds())/float64(max(rows, 1)))
}

// stateSize prints how large the state is, as the broker tells it.
func stateSize(t *testing.T, broker string) {
	t.Helper()
	cl, err := kafka.Options{Brokers: []string{broker}}.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	topics, err := kadm.NewClient(cl).DescribeAllLogDirs(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	topic := kafka.Names{Bridge: "planhat-bridge"}.State("source")
	bytes := int64(0)
	for _, dirs := range topics {
		dirs.EachPartition(func(p kadm.DescribedLogDirPartition) {
			if p.Topic == topic {
				bytes += p.Size
			}
		})
	}
	t.Logf("scale state_topic_mib=%.1f", float64(bytes)/(1<<20))
}
