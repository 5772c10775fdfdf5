package sinkfaults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// mail is what a read_committed reader has seen of the answers.
type mail struct {
	cl      *kgo.Client
	results map[string]schemas.Result
	when    map[string]time.Time // a result was written
	letters map[string][]letter
}

// letter is a dead letter.
type letter struct {
	key   string // of the command
	code  string
	value []byte
	at    time.Time
}

func newMail(w *world) *mail {
	w.t.Helper()
	return &mail{
		results: map[string]schemas.Result{}, when: map[string]time.Time{}, letters: map[string][]letter{},
		cl: w.client(kgo.ConsumeTopics(results, deadLetters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond)),
	}
}

// pull reads what there is and tells whether a command's result is there.
func (m *mail) pull(id string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Millisecond)
	defer cancel()
	for rec := range m.cl.PollFetches(ctx).RecordsAll() {
		m.take(rec)
	}
	_, ok := m.results[id]
	return ok
}

func (m *mail) take(rec *kgo.Record) {
	if rec.Topic == results {
		if r, err := schemas.DecodeResult(rec.Value); err == nil { // the oracle reports what is none
			m.results[r.CommandID], m.when[r.CommandID] = r, rec.Timestamp
		}
		return
	}
	head := map[string]string{}
	for _, h := range rec.Headers {
		head[h.Key] = string(h.Value)
	}
	id := head[sink.HeaderCommandID]
	m.letters[id] = append(m.letters[id], letter{string(rec.Key), head[sink.HeaderCode], rec.Value, rec.Timestamp})
}

// judge holds the answers to what is expected: OK, but for the commands that the story
// names; one dead letter for each that is REJECTED or UNKNOWN, and none for others.
func (m *mail) judge(w *world) {
	w.t.Helper()
	var wrong []string
	for id, r := range m.results {
		got, code := string(r.Status), ""
		if r.Error != nil {
			code = string(r.Error.Code)
			got += " " + code
		}
		if want, named := w.refused[id]; got != want && (named || got != "OK") && (got != "OK" || !w.optional[id]) {
			wrong = append(wrong, fmt.Sprintf("command %s is %s, want %q: %+v", id, got, want, r.Error))
		}
		letters := 0
		if r.Status == schemas.StatusRejected || r.Status == schemas.StatusUnknown {
			letters = 1
		}
		if have := m.letters[id]; len(have) != letters || letters == 1 && have[0].code != code {
			wrong = append(wrong, fmt.Sprintf("command %s is %s and has the dead letters %+v", id, got, have))
		}
	}
	for id := range m.letters {
		if _, answered := m.results[id]; !answered {
			wrong = append(wrong, "a dead letter of command "+id+", which has no result")
		}
	}
	for id := range w.refused {
		if _, answered := m.results[id]; !answered {
			wrong = append(wrong, "command "+id+" has no result")
		}
	}
	if slices.Sort(wrong); len(wrong) > 0 {
		w.t.Errorf("%d answers are not as expected:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 10)], "\n"))
	}
}
