package schemas

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// misfits are the fields of the sample records that no typed field takes, and why.
//
// Nothing else: objects where ids are documented (roles of users, timeEntries of
// timesheets), arrays of no fixed shape and the two forms of a churn have fields.
var misfits = map[string][]string{
	"company_list_row":       {"owner"},       // some tenants list an object where a single record has an id
	"note_with_an_odd_stamp": {"update_time"}, // notes are of version 1 of the API, and so are their stamps
}

// Every sample record comes back from Avro as it was sent, and all of it that can be
// typed is typed.
func TestSamplesRoundTrip(t *testing.T) {
	for vendor, path := range map[string]string{"planhat": "../planhat/testdata/samples.json", "pipedrive": "testdata/pipedrive.json"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var samples map[string]struct {
			Object string
			Row    json.RawMessage
		}
		if err := json.Unmarshal(raw, &samples); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for name, sample := range samples {
			seen[sample.Object] = true
			t.Run(vendor+" "+name, func(t *testing.T) {
				sampleComesBack(t, vendorCodec(t, vendor, sample.Object), string(sample.Row), misfits[name])
			})
		}
		for _, object := range Objects(vendor) {
			if !seen[object] {
				t.Errorf("there is no sample of a %s of %s", object, vendor)
			}
		}
	}
}

func sampleComesBack(t *testing.T, codec *Codec, row string, misfits []string) {
	t.Helper()
	value, err := codec.AppendEnvelope(nil, 1, testEnvelope("", row))
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.DecodeEnvelope(value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain(t, row), plain(t, string(back.After))); diff != "" {
		t.Errorf("-sent +decoded\n%s", diff)
	}
	if diff := cmp.Diff(misfits, extraOf(t, readTwmb(t, codec, value))); diff != "" {
		t.Errorf("in extra: -want +got\n%s", diff)
	}
}

// extraOf lists the names in the field extra of the row after a change.
func extraOf(t *testing.T, envelope map[string]any) []string {
	t.Helper()
	row, _ := envelope["after"].(map[string]any)
	for _, only := range row { // the branch of the union may be named
		if inner, ok := only.(map[string]any); ok && len(row) == 1 {
			row = inner
		}
	}
	if len(row) < 3 {
		t.Fatalf("no row: %v", envelope)
	}
	text, _ := row[fieldExtra].(string)
	if text == "" {
		return nil
	}
	names, ok := plain(t, text).(map[string]any)
	if !ok {
		t.Fatalf("extra is %s", text)
	}
	return slices.Sorted(maps.Keys(names))
}
