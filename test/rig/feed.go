package rig

import (
	"context"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
)

// Feed keeps sending commands of all operations, for company after company.
type Feed struct {
	sending sync.Mutex // held while commands are sent, or none may be
	quit    chan struct{}
	done    chan struct{}
	sent    int
}

// Feed sends the commands of one company every so often until it is stopped, at the
// latest by the end of the test.
func (r *Rig) Feed(every time.Duration) *Feed {
	r.t.Helper()
	f := &Feed{quit: make(chan struct{}), done: make(chan struct{})}
	client, ctx := r.producer(), context.WithoutCancel(r.t.Context()) // what is under way at the end is sent
	go func() {
		defer close(f.done)
		defer client.Close()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-f.quit:
				return
			case <-tick.C:
			}
			f.sending.Lock()
			for _, rec := range company(f.sent) {
				rec.Topic = r.Names.Commands("planhat", stage.Workspace)
				if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
					r.t.Errorf("send: %v", err)
				}
			}
			f.sent++
			f.sending.Unlock()
		}
	}()
	r.t.Cleanup(f.stop)
	return f
}

// Quietly does something while no commands are sent.
func (f *Feed) Quietly(do func()) {
	f.sending.Lock()
	defer f.sending.Unlock()
	do()
}

func (f *Feed) stop() {
	close(f.quit)
	<-f.done
}
