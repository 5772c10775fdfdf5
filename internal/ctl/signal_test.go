package ctl

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// answering stands for a source: it answers each signal with what reply says.
func (b *bridge) answering(reply func(schemas.Signal) []schemas.Notification) {
	b.t.Helper()
	if _, err := kadm.NewClient(b.cl).CreateTopic(b.t.Context(), 1, 1, nil, "planhat-bridge.notifications"); err != nil {
		b.t.Fatal(err)
	}
	cl, err := b.options.NewClient(kgo.ConsumeTopics("planhat-bridge.signals"))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	ended := make(chan struct{})
	b.t.Cleanup(func() { cancel(); <-ended; cl.Close() })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				sig, err := schemas.DecodeSignal(r.Value)
				if err != nil {
					b.t.Errorf("planhatctl sent %s: %v", r.Value, err)
					return
				}
				for _, n := range reply(sig) {
					if n.ID == "" {
						n.ID = sig.ID
					}
					value, err := json.Marshal(n)
					if err != nil {
						b.t.Error(err)
						return
					}
					cl.Produce(ctx, &kgo.Record{Topic: "planhat-bridge.notifications", Value: value}, nil)
				}
			})
		}
	}()
}

// quoting answers that a signal is done with the signal itself.
func quoting(sig schemas.Signal) []schemas.Notification {
	text, err := json.Marshal(sig)
	if err != nil {
		text = []byte(err.Error())
	}
	return []schemas.Notification{
		{ID: "of another", Kind: schemas.NotifySignalRefused, Message: "not for us"},
		{Kind: schemas.NotifySignalDone, Message: string(text)},
		{Kind: schemas.NotifySnapshotStarted, Message: "it has begun"},
		{Kind: schemas.NotifySnapshotProgress, Message: "half of it"},
		{Kind: schemas.NotifySnapshotCompleted, Message: "all of it"},
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.now = func() time.Time { return noon }
	b.answering(quoting)
	var out strings.Builder
	for _, args := range [][]string{
		{"pause"},
		{"pause", "--stream", "companies", "--reason", "import under way"},
		{"resume", "--object", "note", "--expires", "1h"},
		{"release", "--stream", "companies"},
		{"record", "--object", "company", "--id", recordID},
		{"record", "--object", "company", "--external-id", "c-1", "-o", "json"},
		{"object", "--stream", "companies"},
		{"object", "--object", "company", "--follow"},
		{"object", "--object", "company", "--follow", "-o", "json"},
		{"pause", "--wait=false"},
	} {
		out.WriteString(b.run("", append([]string{"signal"}, args...)...))
	}
	golden(t, "signal", out.String())
}

func TestSignalsThatAreWrong(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.answering(func(schemas.Signal) []schemas.Notification {
		return []schemas.Notification{{Kind: schemas.NotifySignalRefused, Code: schemas.SignalNotNow, Message: "the stream is paused"}}
	})
	var out strings.Builder
	for _, args := range [][]string{
		{},
		{"explode"},
		{"object"},
		{"object", "--stream", "companies", "--object", "company"},
		{"record", "--object", "company"},
		{"record", "--object", "company", "--id", recordID, "--external-id", "c-1"},
		{"pause", "--id", recordID},
		{"pause", "--timeout", "0s"},
		{"pause", "-o", "yaml"},
		{"release", "companies"},
		{"object", "--stream", "companies"},
	} {
		out.WriteString(b.run("", append([]string{"signal"}, args...)...))
	}
	golden(t, "signal_wrong", out.String())
}

func TestSignalsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	if got := b.run("", "signal", "pause", "--timeout", "300ms"); !strings.Contains(got, "has a source of this bridge ever run?") || !strings.Contains(got, "exit 3") {
		t.Error(got)
	}
	b.answering(func(schemas.Signal) []schemas.Notification {
		return []schemas.Notification{{ID: "another", Kind: schemas.NotifySignalDone}}
	})
	if got := b.run("", "signal", "pause", "--timeout", "300ms"); !strings.Contains(got, "The signal stands") || !strings.Contains(got, "exit 3") {
		t.Error(got)
	}
}
