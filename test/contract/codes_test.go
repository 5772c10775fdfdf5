package contract

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// story is what the list of codes does not say of a code: when it arises, and
// what comes of driving its dead letter again.
type story struct{ arises, redrive string }

const (
	asItIs  = "No use: the command itself has to change. Send a new one, and drop the letter."
	noneYet = "There is no dead letter: whoever sent the command decides again."
)

var stories = map[schemas.Code]story{
	schemas.CodeUndecodable: {"The value is empty, is no JSON object, nests too deeply, starts with a zero byte without a schema id behind it, " +
		"or has bytes that its Avro schema does not describe.",
		"Refused; `--force` sends the bytes as they are, for a bridge that understands them by now."},
	schemas.CodeUnknownSchema: {"The registry answers that it has no such schema. (A registry that does not answer is waited for.)",
		"Yes, when the registry has the schema."},
	schemas.CodeTooLarge: {"The value has more than 1 MiB; Planhat answers 413; or the record that a `get` read is too large for a result.", asItIs},
	schemas.CodeInvalidCommand: {"A member is unknown, missing, given twice or of a wrong type; `fields` is no object; a `create` has a target or a `delete` " +
		"has fields; the `_id` has not 24 hexadecimal digits; the target's key is none of the object's.", asItIs},
	schemas.CodeUnknownObject:    {"`object` is misspelt, or is not among `PLANHAT_<NAME>_OBJECTS`.", "Yes, when the object is configured; else no use."},
	schemas.CodeUnknownOperation: {"`op` is misspelt.", asItIs},
	schemas.CodeUnsupportedOperation: {"A write to an object that is read only (ticket, customfield), or `ifUnchangedSince` for an object or a record " +
		"without a time of change.", asItIs},
	schemas.CodeMissingTarget: {"An `update`, `upsert`, `delete` or `get` without `target`, or with an empty one.", asItIs},
	schemas.CodeAmbiguousTarget: {"`target` has two keys; or several records have the key, as an `externalId` that is unique only within a company.",
		"Yes, when one record is left in Planhat; else send a new command by `_id`."},
	schemas.CodeUnknownField: {"A field is neither documented nor, under `custom`, in the tenant's catalogue of custom fields.",
		"Yes, when the custom field has been created in Planhat; else no use."},
	schemas.CodeReadOnlyField: {"A field that Planhat computes, or a custom field with a formula.", asItIs},
	schemas.CodeInvalidField:  {"A value's type is not the field's, a name is there twice, or the fields contradict the target.", asItIs},
	schemas.CodeMissingField:  {"A `create` without the fields that a new record needs, a write without any field, or an `upsert` of a conversation without `type`.", asItIs},
	schemas.CodeNoUpsertKey: {"An `upsert` of an object that Planhat matches by `_id` only, or by a key that it does not match by: see the " +
		"[objects](contract.md#objects).", asItIs},
	schemas.CodeNotFound: {"An `update` or `get` whose target no record has. A `delete` of what is gone is `OK UNCHANGED` instead.",
		"Yes, when the record is there."},
	schemas.CodeAlreadyExists: {"A `create` or a new key that another record has already: Planhat answers 409, or refuses and a look-up finds the record.", noneYet},
	schemas.CodeReferenceNotFound: {"A field names a record, by `_id`, `extid-...` or `srcid-...`, that is not there within `SINK_REFERENCE_WAIT`.",
		"Yes, when the record referred to is there."},
	schemas.CodePreconditionFailed: {"The record's time of change is after the command's `ifUnchangedSince`.", noneYet},
	schemas.CodeExpired:            {"The sink came to the command after its `notAfter`: it was down, behind, or waited for Planhat.", noneYet},
	schemas.CodeForbidden: {"Planhat answers 403; says 401 to this call alone; or says that it does not find a record or a listing that is there.",
		"Yes, when the token has the right."},
	schemas.CodeVendorRejected: {"Planhat answers 400 or 422 for a reason that the bridge does not know, names an error for an item of a bulk call, leaves the item " +
		"out of its answers, or [keeps failing](guarantees.md#commands) on this one call.",
		"Yes, when what the message names has changed in Planhat; else no use."},
	schemas.CodeOutcomeUnknown: {"The answer to a write was lost, and no key or no state of the record proves whether it took effect.",
		"Look the record up first. A `create` is refused without `--force`: it could make a second record. Any other command has the same effect again."},
}

func TestErrorCodesAreDocumented(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	writeCodes(t, &want)
	path := filepath.Join("..", "..", "docs", "error-codes.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(have)); diff != "" {
		t.Errorf("docs/error-codes.md is not what the code says (make docs rewrites it):\n%s", diff)
	}
}

func writeCodes(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	fmt.Fprint(b, "# Error codes\n\nGenerated from the code (`make docs`), and held to it by a test. The list is closed: results, the headers of dead letters, "+
		"metrics and logs use these codes and no others. They stand in the order in which a command meets them.\n\n"+
		"A result's `error` has the code, a message with the names involved, and a remedy for this case; what follows holds for every case. "+
		"Commands that end as `REJECTED` or `UNKNOWN` have a [dead letter](dead-letters.md).\n\n| code | status | meaning |\n| --- | --- | --- |\n")
	for _, doc := range schemas.Codes() {
		fmt.Fprintf(b, "| [`%s`](#%s) | `%s` | %s |\n", doc.Code, strings.ToLower(string(doc.Code)), doc.Status, doc.Meaning)
	}
	for _, doc := range schemas.Codes() {
		s, ok := stories[doc.Code]
		if !ok || s.arises == "" || s.redrive == "" {
			t.Errorf("nobody says when %s arises, and whether to drive it again: add it to stories", doc.Code)
		}
		fmt.Fprintf(b, "\n## `%s`\n\n`%s`. %s\n\n- **Arises:** %s\n- **Remedy:** %s\n- **Redrive:** %s\n", doc.Code, doc.Status, doc.Meaning, s.arises, doc.Remedy, s.redrive)
	}
	if len(stories) != len(schemas.Codes()) {
		t.Errorf("%d codes have a story, there are %d", len(stories), len(schemas.Codes()))
	}
}

// Whoever reads dead letters with another client finds each header explained.
func TestHeadersOfDeadLettersAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "dead-letters.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(letters.Headers(), sink.HeaderCode, sink.HeaderMessage, sink.HeaderRemedy, sink.HeaderCommandID, sink.HeaderTopic,
		sink.HeaderPartition, sink.HeaderOffset, sink.HeaderTime, sink.HeaderOmitted) {
		if !bytes.Contains(text, []byte("| `"+name+"` |")) {
			t.Errorf("docs/dead-letters.md does not explain the header %s", name)
		}
	}
}
