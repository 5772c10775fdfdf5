package schemas

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

// A row either comes back whole or is refused for one of the documented reasons.
func FuzzRow(f *testing.F) {
	for _, row := range []string{
		listRow, `{}`, `{"name":null,"h":1.0,"mrr":-0,"tags":["a",1],"extra":{"a":[]},"nulls":null}`, `{"k\ud800":"\udc00","name":"\ud83d\ude00"}`,
		`{"createdAt":"2026-02-30T00:00:00.000Z","updatedAt":"0001-01-01T00:00:00.000Z"}`, `{"name":1,"name":2}`, `{"custom":[[[]]]}`, `[`, `{"a":1e5}`,
	} {
		f.Add([]byte(row))
	}
	c := testCodec(f, "company")
	f.Fuzz(func(t *testing.T, row []byte) {
		value, err := c.AppendEnvelope(nil, 1, &Envelope{Op: "c", After: append([]byte{}, row...)})
		valid := json.Valid(row) && utf8.Valid(row)
		if err != nil {
			var fault *TextError
			if !errors.As(err, &fault) {
				t.Fatalf("undocumented error %v", err)
			}
			if valid && fault.Fault != FaultDuplicate && fault.Fault != FaultDepth && fault.Fault != FaultNotObject {
				t.Fatalf("%q is JSON: %v", row, err)
			}
			return
		}
		if !valid {
			t.Fatalf("%q is no JSON and was taken", row)
		}
		e, err := c.DecodeEnvelope(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameValue(t, string(row), string(e.After)); diff != "" {
			t.Fatalf("-sent +came back\n%s", diff)
		}
		readTwmb(t, c, value)
		readHamba(t, c, value)
	})
}

// Whatever bytes come, decoding ends in an error or in rows that can be written again.
func FuzzDecodeEnvelope(f *testing.F) {
	c := testCodec(f, "company")
	for _, e := range []*Envelope{testEnvelope("", listRow), testEnvelope(`{"_id":"1","x":null,"y":[1]}`, ""), {Op: "r"}} {
		value, err := c.AppendEnvelope(nil, 7, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
		f.Add(value[:len(value)/2])
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := c.DecodeEnvelope(value)
		if err != nil {
			return
		}
		again, err := c.AppendEnvelope(nil, 7, &e)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := c.DecodeEnvelope(again)
		if err != nil || string(back.After) != string(e.After) || string(back.Before) != string(e.Before) {
			t.Fatalf("%v\n%s\n%s", err, e.After, back.After)
		}
	})
}

// Whatever bytes come, the answer is a command that holds what DecodeCommand promises,
// or a problem of the closed list.
func FuzzDecodeCommand(f *testing.F) {
	full := fullCommand()
	text, err := CommandJSON(full)
	if err != nil {
		f.Fatal(err)
	}
	avroValue, err := EncodeCommandAvro(nil, 2, &full)
	if err != nil {
		f.Fatal(err)
	}
	for _, value := range [][]byte{text, framed(1, text), avroValue, avroValue[:30], []byte(`{"target":{"_id":1}}`), []byte("\x00"), framed(9, nil)} {
		f.Add(value)
	}
	r := table{1: {"JSON", "{}"}, 2: {"AVRO", CommandSchema()}}
	f.Fuzz(func(t *testing.T, value []byte) {
		c, p := DecodeCommand(t.Context(), value, r)
		if p != nil {
			if _, ok := p.Code.Doc(); !ok || p.Message == "" || p.Remedy == "" || !utf8.ValidString(c.ID) || len(c.ID) > MaxCommandID {
				t.Fatalf("%+v of %+v", p, c)
			}
			return
		}
		if !known(c.Op, Operations()) || c.Object == "" || len(c.ID) > MaxCommandID || c.Fields != nil && !json.Valid(c.Fields) {
			t.Fatalf("was taken: %+v", c)
		}
		if !utf8.ValidString(c.ID + c.Object + c.Target.ID + c.Target.ExternalID + c.Target.SourceID + c.Target.Email) {
			t.Fatalf("not UTF-8: %+v", c)
		}
	})
}
