package script

import (
	"encoding/json"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Every command of the script is one that the sink takes up.
func TestCommandsAreValid(t *testing.T) {
	const id = "66f0a1b2c3d4e5f600000001"
	for _, spec := range Writable() {
		key := string(Key(spec))
		commands := []Command{Create(spec, "cmd-1", 1, "extid-c"), Update(spec, "cmd-1", key, id), Get(spec, "cmd-1", key, id), Delete(spec, "cmd-1", key, id)}
		if key != "" {
			commands = append(commands, Upsert(spec, "cmd-1", 1, "extid-c"))
		}
		for _, c := range commands {
			value, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			cmd, problem := schemas.DecodeCommand(t.Context(), value, nil)
			if problem != nil {
				t.Errorf("%s: %s", value, problem)
				continue
			}
			if _, refusal := plan.Check(cmd, plan.Rules{}); refusal != nil {
				t.Errorf("%s: %+v", value, refusal)
			}
		}
	}
}
