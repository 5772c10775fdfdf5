package oracle

import (
	"github.com/google/uuid"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func resultsByCommand(results []Result) map[Place][]Result {
	out := make(map[Place][]Result, len(results))
	for _, r := range results {
		if r.Err == nil {
			at := Place{r.Result.Topic, r.Result.Partition, r.Result.Offset}
			out[at] = append(out[at], r)
		}
	}
	return out
}

// checkResults: every command has exactly one result, no result answers what was
// never asked, and each says which command it answers.
func checkResults(e Evidence) []Mismatch {
	var out []Mismatch
	answers := resultsByCommand(e.Results)
	known := make(map[Place]bool, len(e.Commands))
	for _, cmd := range e.Commands {
		known[cmd.Place] = true
		switch given := answers[cmd.Place]; len(given) {
		case 0:
			out = append(out, mismatchAt(cmd.Place, cmd.Command.ID, "the command has no result"))
		case 1:
			out = append(out, matchResult(cmd, given[0])...)
		default:
			for _, r := range given[1:] {
				out = append(out, mismatchAt(r.Place, r.Result.CommandID, "another result of the command at %s partition %d offset %d: the first is at partition %d offset %d",
					cmd.Topic, cmd.Partition, cmd.Offset, given[0].Partition, given[0].Offset))
			}
		}
	}
	for _, r := range e.Results {
		at := Place{r.Result.Topic, r.Result.Partition, r.Result.Offset}
		switch {
		case r.Err != nil:
			out = append(out, mismatchAt(r.Place, r.Key, "the result cannot be decoded: %v", r.Err))
		case !known[at]:
			out = append(out, mismatchAt(r.Place, r.Result.CommandID, "a result without a command: none is at %s partition %d offset %d", at.Topic, at.Partition, at.Offset))
		case r.Key != r.Result.CommandID:
			out = append(out, mismatchAt(r.Place, r.Result.CommandID, "the result's key is %q", r.Key))
		}
	}
	return out
}

// derivedVersion is the version of the UUID that a command without an id gets.
const derivedVersion = 5

func matchResult(cmd Command, r Result) []Mismatch {
	var out []Mismatch
	reportf := func(format string, args ...any) {
		out = append(out, mismatchAt(r.Place, r.Result.CommandID, format, args...))
	}
	c, res := cmd.Command, r.Result
	if c.ID != "" && res.CommandID != c.ID {
		reportf("the result's command id is %q, the command's is %q", res.CommandID, c.ID)
	}
	if id, err := uuid.Parse(res.CommandID); c.ID == "" && (err != nil || id.Version() != derivedVersion) {
		reportf("a command without an id is answered under a UUIDv5, not %q", res.CommandID)
	}
	if cmd.Problem != "" {
		if res.Status != schemas.StatusRejected {
			reportf("a command that cannot be decoded (%s) has status %s", cmd.Problem, res.Status)
		}
		return out
	}
	if res.Op != c.Op || res.Object != c.Object {
		reportf("the result is of %s %s, the command of %s %s", res.Op, res.Object, c.Op, c.Object)
	}
	if (res.Status == schemas.StatusOK) != (res.Error == nil) {
		reportf("status %s and error code %q contradict each other", res.Status, errorCode(res))
	}
	if res.Status != schemas.StatusOK && res.Status != schemas.StatusUnknown && res.Effect != schemas.EffectNone {
		reportf("status %s has effect %s", res.Status, res.Effect)
	}
	return out
}

func errorCode(r schemas.Result) schemas.Code {
	if r.Error == nil {
		return ""
	}
	return r.Error.Code
}
