package ctl

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const deadLetters = "planhat.deadletters.acme"

// letter writes a command, its result and its dead letter as the sink would.
func (b *bridge) letter(key, value string, code schemas.Code, message string) {
	b.t.Helper()
	rec := &kgo.Record{Topic: commands, Partition: 1, Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-1")}}}
	if key != "-" {
		rec.Key = []byte(key)
	}
	b.write(rec)
	c, _ := schemas.DecodeCommand(b.t.Context(), rec.Value, nil)
	if c.ID == "" {
		c.ID = sink.DerivedID(rec.Topic, rec.Partition, rec.Offset)
	}
	doc, _ := code.Doc()
	b.answered(rec, c.ID, doc.Status, code)
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	b.write(&kgo.Record{Topic: deadLetters, Key: rec.Key, Value: rec.Value, Headers: append(rec.Headers,
		header(sink.HeaderCode, string(code)), header(sink.HeaderMessage, message), header(sink.HeaderRemedy, doc.Remedy),
		header(sink.HeaderCommandID, c.ID), header(sink.HeaderTopic, rec.Topic), header(sink.HeaderPartition, "1"),
		header(sink.HeaderOffset, strconv.FormatInt(rec.Offset, 10)),
		header(sink.HeaderTime, noon.Add(time.Duration(rec.Offset)*time.Minute).Format(time.RFC3339Nano)))})
}

// answered writes a result, "" for one that is OK.
func (b *bridge) answered(rec *kgo.Record, id string, status schemas.Status, code schemas.Code) {
	b.t.Helper()
	r := schemas.Result{CommandID: id, Status: status, Effect: schemas.EffectNone, Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}
	if code != "" {
		r.Error = &schemas.ResultError{Code: code}
	} else {
		r.Effect = schemas.EffectUpdated
	}
	value, err := schemas.AppendResult(nil, b.resultID, &r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(&kgo.Record{Topic: results, Key: []byte(id), Value: value})
}

// carriedOut writes a command that was done.
func (b *bridge) carriedOut(key, value string) {
	b.t.Helper()
	rec := &kgo.Record{Topic: commands, Partition: 1, Key: []byte(key), Value: []byte(value)}
	b.write(rec)
	c, _ := schemas.DecodeCommand(b.t.Context(), rec.Value, nil)
	b.answered(rec, c.ID, schemas.StatusOK, "")
}

// post fills the topics with letters of many kinds.
func (b *bridge) post() {
	b.t.Helper()
	b.letter("company/c-1", `{"id":"order-17","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"Acme"}}`, schemas.CodeForbidden, "the token may not write company")
	b.letter("company/c-2", `{"id":"order-18","op":"update","object":"company","target":{"externalId":"c-2"},"fields":{"name":"B"}}`, schemas.CodeNotFound, "there is no company with externalId \"c-2\"")
	b.letter("k", `{`, schemas.CodeUndecodable, "no JSON")
	b.letter("license/l-1", `{"op":"create","object":"license","fields":{"value":1,"_currency":"EUR","companyId":"`+recordID+`","fromDate":"2026-01-01"}}`, schemas.CodeOutcomeUnknown, "the answer was lost")
	b.carriedOut("company/c-2", `{"id":"order-19","op":"upsert","object":"company","target":{"externalId":"c-2"},"fields":{"name":"C"}}`)
	b.letter("-", `{"id":"order-20","op":"update","object":"enduser","target":{"email":"a@b.example"},"fields":{"nme":"x"}}`, schemas.CodeUnknownField, `an enduser has no field "nme"`)
	b.write(&kgo.Record{Topic: deadLetters, Value: []byte("not ours")})
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.now = func() time.Time { return noon.Add(2 * time.Hour) }
	b.post()
	var got strings.Builder
	for _, args := range [][]string{
		{"list"},
		{"list", "--code", "FORBIDDEN,not_found", "-o", "json"},
		{"list", "--object", "company", "--since", "119m30s"},
		{"list", "--until", noon.Add(time.Minute).Format(time.RFC3339Nano), "--max", "1"},
		{"show", "order-18", "0/2"},
		{"show", "order-17", "-o", "json"},
		{"show", "order-99"},
		{"redrive", "--all", "--dry-run"},
		{"redrive", "--all"},
		{"redrive", "0/1", "--force", "-o", "json"},
		{"redrive", "order-17"},
		{"drop", "0/3", "--reason", "it is there", "--dry-run"},
		{"drop", "0/3", "--reason", "it is there"},
		{"drop", "--code", "UNKNOWN_FIELD", "-o", "json"},
		{"redrive", "0/2", "--force"},
		{"list"},
		{"list", "--settled"},
		{"show", "0/3", "order-17"},
	} {
		got.WriteString(b.run("", append([]string{"dlq"}, args...)...))
	}
	got.WriteString(b.run("", "tail", "deadletters"))
	golden(t, "dlq", got.String()+"--- the commands that were sent again\n"+b.redriven())
}

// redriven shows the commands behind those of post as another client reads them.
func (b *bridge) redriven() string {
	b.t.Helper()
	var out strings.Builder
	b.each(commands, 1, func(r *kgo.Record) {
		if r.Offset < 6 {
			return
		}
		fmt.Fprintf(&out, "%s %s\n", r.Key, r.Value)
		for _, h := range r.Headers {
			fmt.Fprintf(&out, "  %s: %s\n", h.Key, h.Value)
		}
	})
	return out.String()
}

func (b *bridge) each(topic string, partition int32, fn func(*kgo.Record)) {
	b.t.Helper()
	err := kafka.ReadToStable(b.t.Context(), b.cl, topic, partition, 0, func(r *kgo.Record) error { fn(r); return nil })
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestDeadLettersUsage(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	var got strings.Builder
	for _, args := range [][]string{
		{"lst"},
		{"show"},
		{"redrive"},
		{"drop", "--all", "--code", "FORBIDDEN"},
		{"list", "--code", "FORBID"},
		{"list", "--since", "yesterday"},
		{"list", "--since", "1h", "--until", "2h"},
		{"list", "-o", "yaml"},
		{"list", "--max", "-1"},
		{"list", "-w", "other"},
		{"drop", "--all"},
	} {
		got.WriteString(b.run("", append([]string{"dlq"}, args...)...))
	}
	golden(t, "dlq_usage", got.String())
}

func TestDeadLettersOfSeveralWorkspaces(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.environ = append(b.environ, "PLANHAT_WORKSPACES=acme, umbrella-2")
	b.post()
	got := b.run("", "dlq", "list", "--code", "FORBIDDEN")
	for _, want := range []string{"WORKSPACE", "\nacme ", "planhat.deadletters.umbrella-2: the topic does not exist", "--- exit 0"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if got := b.run("", "dlq", "drop", "order-17"); !strings.Contains(got, "DROPPED acme 0/0 order-17") || !strings.Contains(got, "--- exit 0") {
		t.Error(got)
	}
}

// TestRedriveRefusesWhatItCannotKnow: where the commands behind a letter's one
// are gone, or have no result, nobody can tell what would be overwritten.
func TestRedriveRefusesWhatItCannotKnow(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.letter("company/c-1", `{"id":"old","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"A"}}`, schemas.CodeForbidden, "no")
	b.letter("company/c-1", `{"id":"refused too","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"B"}}`, schemas.CodeForbidden, "no")
	b.write(&kgo.Record{Topic: commands, Partition: 1, Key: []byte("company/c-1"), Value: []byte(`{"id":"read","op":"get","object":"company","target":{"externalId":"c-1"}}`)})
	if got := b.run("", "dlq", "redrive", "old", "--dry-run"); !strings.Contains(got, "WOULD REDRIVE 0/0 old") {
		t.Errorf("a later command that was refused, or one that only reads, overtakes: %s", got)
	}
	b.write(&kgo.Record{Topic: commands, Partition: 1, Key: []byte("company/c-1"), Value: []byte(`{"id":"new","op":"delete","object":"company","target":{"externalId":"c-1"}}`)})
	if got := b.run("", "dlq", "redrive", "old"); !strings.Contains(got, "has no result that tells what it did: new at 1/3") || !strings.Contains(got, "exit 1") {
		t.Error(got)
	}
	var cut kadm.Offsets
	cut.Add(kadm.Offset{Topic: commands, Partition: 1, At: 4})
	if _, err := kadm.NewClient(b.cl).DeleteRecords(t.Context(), cut); err != nil {
		t.Fatal(err)
	}
	if got := b.run("", "dlq", "redrive", "old"); !strings.Contains(got, "are no longer kept") || !strings.Contains(got, "exit 1") {
		t.Error(got)
	}
}

// TestRedriveKeepsTheOrderOfAKey: letters of one key go again one by one or all
// at once; what was driven again counts where it was first.
func TestRedriveKeepsTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	for _, name := range []string{"A", "B", "C"} {
		b.letter("company/c-1", `{"id":"`+name+`","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"`+name+`"}}`, schemas.CodeForbidden, "no")
	}
	for _, id := range []string{"A", "B"} {
		if got := b.run("", "dlq", "redrive", id); !strings.Contains(got, "REDRIVEN 0/") {
			t.Fatal(got)
		}
		b.each(commands, 1, func(r *kgo.Record) { // the sink carries it out
			if r.Offset > 2 {
				b.answered(r, sink.DerivedID(deadLetters, 0, r.Offset-3), schemas.StatusOK, "")
			}
		})
	}
	if got := b.run("", "dlq", "redrive", "C"); !strings.Contains(got, "REDRIVEN 0/2 C") {
		t.Error(got)
	}
	b.carriedOut("company/c-1", `{"id":"D","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"D"}}`)
	b.letter("company/c-1", `{"id":"E","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"E"}}`, schemas.CodeForbidden, "no")
	if got := b.run("", "dlq", "redrive", "E"); !strings.Contains(got, "REDRIVEN") {
		t.Error(got)
	}
}

// TestRedriveIsOneTransaction: whichever commit of a hand fails, nothing of it
// is seen, and when it has been run again each command is sent once.
func TestRedriveIsOneTransaction(t *testing.T) {
	t.Parallel()
	for failing := 1; failing <= 2; failing++ {
		t.Run(strconv.Itoa(failing), func(t *testing.T) {
			t.Parallel()
			b := newBridge(t)
			b.post()
			commits := 0
			b.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
				b.cluster.KeepControl()
				if commits++; commits != failing {
					return nil, nil, false
				}
				resp := req.ResponseKind().(*kmsg.EndTxnResponse)
				resp.ErrorCode = kerr.InvalidTxnState.Code
				return resp, nil, true
			})
			got := b.run("", "dlq", "redrive", "order-17")
			if failing == 1 && (!strings.Contains(got, "is not known; run the command again") || !strings.Contains(got, "exit 3") || b.redriven() != "") {
				t.Errorf("%s%s", got, b.redriven())
			}
			for range 2 {
				b.run("", "dlq", "redrive", "order-17")
			}
			if got := b.redriven(); strings.Count(got, letters.HeaderOf) != 1 {
				t.Errorf("not once: %s", got)
			}
			if got := b.run("", "dlq", "list", "order-17"); strings.Contains(got, "order-17  ") {
				t.Errorf("it is open: %s", got)
			}
		})
	}
}

// TestTwoHands: the letters of several transactions go in the order of their
// commands, and a second hand that comes in between stops the first, before its
// first transaction or after it: each command is sent once.
func TestTwoHands(t *testing.T) {
	t.Parallel()
	for name, comesIn := range map[string]func(first *letters.Hand, second func()) func(letters.Report){
		"before the first transaction": func(first *letters.Hand, second func()) func(letters.Report) {
			first.Now = func() time.Time { second(); return noon }
			return func(letters.Report) {}
		},
		"between transactions": func(_ *letters.Hand, second func()) func(letters.Report) {
			return func(letters.Report) { second() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t)
			const count = 450
			b.manyLetters(count)
			first, second := b.hand(), b.hand()
			var once sync.Once
			report := comesIn(first, func() {
				once.Do(func() {
					if err := second.Redrive(t.Context(), &letters.Filter{}, func(letters.Report) {}); err != nil {
						t.Errorf("the second hand: %v", err)
					}
				})
			})
			if err := first.Redrive(t.Context(), &letters.Filter{}, report); err == nil {
				t.Error("the first hand does not notice the second")
			}
			b.sentAgain(count)
		})
	}
}

// sentAgain holds that behind the commands of manyLetters they stand once more,
// in their order.
func (b *bridge) sentAgain(count int) {
	b.t.Helper()
	next := 0
	b.each(commands, 1, func(r *kgo.Record) {
		if r.Offset < int64(count) {
			return
		}
		for _, h := range r.Headers {
			if h.Key == letters.HeaderOf {
				if want := "c-" + strconv.Itoa(next); string(h.Value) != want {
					b.t.Fatalf("%s is sent again where %s should be", h.Value, want)
				}
				next++
			}
		}
	})
	if next != count {
		b.t.Errorf("%d commands were sent again, of %d", next, count)
	}
}

// manyLetters writes commands c-0, c-1, ... of a few keys, and their letters.
func (b *bridge) manyLetters(count int) {
	b.t.Helper()
	var sent, dead []*kgo.Record
	for n := range count {
		id := "c-" + strconv.Itoa(n)
		key := []byte("company/" + strconv.Itoa(n%7))
		value := []byte(`{"id":"` + id + `","op":"upsert","object":"company","target":{"externalId":"` + strconv.Itoa(n%7) + `"},"fields":{"name":"` + id + `"}}`)
		sent = append(sent, &kgo.Record{Topic: commands, Partition: 1, Key: key, Value: value})
		dead = append(dead, &kgo.Record{Topic: deadLetters, Key: key, Value: value, Headers: []kgo.RecordHeader{
			{Key: sink.HeaderCode, Value: []byte("FORBIDDEN")}, {Key: sink.HeaderCommandID, Value: []byte(id)}, {Key: sink.HeaderTopic, Value: []byte(commands)},
			{Key: sink.HeaderPartition, Value: []byte("1")}, {Key: sink.HeaderOffset, Value: []byte(strconv.Itoa(n))},
		}})
		result, err := schemas.AppendResult(nil, b.resultID, &schemas.Result{CommandID: id, Status: schemas.StatusRejected, Effect: schemas.EffectNone,
			Topic: commands, Partition: 1, Offset: int64(n), Error: &schemas.ResultError{Code: schemas.CodeForbidden}})
		if err != nil {
			b.t.Fatal(err)
		}
		dead = append(dead, &kgo.Record{Topic: results, Key: []byte(id), Value: result})
	}
	for _, records := range [][]*kgo.Record{sent, dead} {
		if err := b.cl.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bridge) hand() *letters.Hand {
	b.t.Helper()
	cl, err := letters.NewClient(b.options, "planhat-bridge.deadletters.planhat.acme")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(cl.Close)
	registry, err := sr.NewClient(sr.URLs(b.registry.URL()))
	if err != nil {
		b.t.Fatal(err)
	}
	return &letters.Hand{
		Topic:    letters.Topic{Client: cl, Name: deadLetters, Resolver: schemas.NewResolver(registry)},
		Commands: commands, Results: results, Now: time.Now,
	}
}

// TestRedriveOfWhatALetterHasNoRoomFor: a large command is taken from where it
// was read; when it is gone, so is the letter.
func TestRedriveOfWhatALetterHasNoRoomFor(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.write(&kgo.Record{Topic: commands, Partition: 1, Key: []byte("company/c-1"), Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("1")}},
		Value: []byte(`{"id":"large","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"` + strings.Repeat("x", 920<<10) + `"}}`)})
	b.write(&kgo.Record{Topic: deadLetters, Headers: []kgo.RecordHeader{
		{Key: sink.HeaderCode, Value: []byte("FORBIDDEN")}, {Key: sink.HeaderCommandID, Value: []byte("large")}, {Key: sink.HeaderTopic, Value: []byte(commands)},
		{Key: sink.HeaderPartition, Value: []byte("1")}, {Key: sink.HeaderOffset, Value: []byte("0")}, {Key: sink.HeaderOmitted, Value: []byte("942171")},
	}})
	if got := b.run("", "dlq", "show", "large"); !strings.Contains(got, "left out, since it is too large") {
		t.Error(got)
	}
	if got := b.run("", "dlq", "redrive", "large"); !strings.Contains(got, "REDRIVEN 0/0 large") {
		t.Fatal(got)
	}
	b.each(commands, 1, func(r *kgo.Record) {
		if r.Offset > 0 && (string(r.Key) != "company/c-1" || len(r.Value) < 920<<10 || len(r.Headers) != 4) {
			t.Errorf("driven again as %s with %d bytes and %d headers", r.Key, len(r.Value), len(r.Headers))
		}
	})
}
