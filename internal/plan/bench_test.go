package plan

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// BenchmarkBulk is the plan's part of 5,000 upserts, from decoded commands to
// verdicts. Read it as time and memory per 5,000 commands.
func BenchmarkBulk(b *testing.B) {
	const n = 5000
	commands := make([]schemas.Command, n)
	answer := planhat.BulkAnswer{Created: n}
	for i := range commands {
		commands[i] = schemas.Command{
			Op: "upsert", Object: "company", Target: schemas.Target{ExternalID: fmt.Sprintf("acct-%d", i)},
			Fields: json.RawMessage(`{"name":"Fjordlight Energy","phase":"Onboarding","status":"customer","description":"Grid balancing software","city":"Bergen","zip":"5015","country":"Norway","phonePrimary":"+47 55 00 00 01","web":"https://fjordlight.example","tags":["Enterprise","Nordics"],"csmScore":4,"custom":{"Customer Tier":"Enterprise","Seats":120}}`),
		}
		answer.InsertsKeys = append(answer.InsertsKeys, planhat.KeySet{"_id": fmt.Sprintf("%024x", i), "externalId": fmt.Sprintf("acct-%d", i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		orders := make([]*Order, n)
		for i, c := range commands {
			o, refusal := Check(c, Rules{Now: noon})
			if refusal != nil {
				b.Fatal(*refusal)
			}
			o.Seq, o.Chain = i, c.Target.ExternalID
			orders[i] = &o
		}
		for _, stage := range Build(orders, Limits{}) {
			for _, c := range stage {
				for _, i := range c.Items {
					_ = i.BulkBody()
				}
				Attribute(c, answer)
			}
		}
	}
}
