package flood

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// flood is one way of sending too much.
type flood struct {
	senders int
	pause   time.Duration
	send    func()
}

const huge = 100 << 20

// stages are floods that come at the same time. The first keeps everybody else
// from the door, so that the others need a time of their own.
func (w *world) stages() [][]flood {
	bomb := zipped(huge)
	return [][]flood{
		// Ten times as many connections as are let in, which never finish a header.
		{{times * taken, time.Second, w.stall}},
		{
			// Bodies that nobody can want: with and without the password, with and
			// without a length, cut off by the answer.
			{senders, pause, func() { w.post("huge", endless(huge), huge, true) }},
			{senders, pause, func() { w.post("huge, chunked", endless(huge), -1, true) }},
			{senders, pause, func() { w.post("huge, a stranger's", endless(huge), huge, false) }},
			// Small bodies that would unpack to 100 MB.
			{senders, pause, func() { w.post("bomb", bytes.NewReader(bomb), int64(len(bomb)), true, "Content-Encoding", "gzip") }},
			{senders, pause, func() { w.post("bomb, not said", bytes.NewReader(bomb), int64(len(bomb)), true) }},
			// As large as may be, read to the end, and no JSON: ten times what fits.
			{times * 16, pause, func() { w.post("1 MiB", endless(1<<20), 1<<20, true) }},
			// The right password and a body that trickles.
			{8, pause, w.trickle},
		},
	}
}

const pause = 50 * time.Millisecond

// keepOn does something again and again, without haste.
func (w *world) keepOn(over <-chan struct{}, rest time.Duration, do func()) {
	for {
		do()
		select {
		case <-over:
			return
		case <-time.After(rest):
		}
	}
}

// endless is a reader of n bytes that are no JSON.
func endless(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func zipped(n int64) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.Copy(z, endless(n))
	_ = z.Close()
	return b.Bytes()
}

// post sends a body and counts the answer; it may come before all is sent.
func (w *world) post(name string, body io.Reader, length int64, known bool, header ...string) {
	req, err := http.NewRequest(http.MethodPost, w.intake+"/pipedrive/acme", body)
	if err != nil {
		w.t.Error(err)
		return
	}
	req.ContentLength = length
	req.SetBasicAuth(user, password)
	if !known {
		req.SetBasicAuth(user, "guess")
	}
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.count(name, "cut")
		return
	}
	_ = resp.Body.Close()
	w.count(name, strconv.Itoa(resp.StatusCode))
	if resp.StatusCode == http.StatusOK {
		w.t.Errorf("%s was answered 200", name)
	}
}

// stall opens a connection, begins a header and waits to be sent away.
func (w *world) stall() {
	w.linger("stalled", "POST /pipedrive/acme HTTP/1.1\r\nX-Slow: ")
}

// trickle says the password and begins a body.
func (w *world) trickle() {
	req, err := http.NewRequest(http.MethodPost, w.intake, http.NoBody)
	if err != nil {
		w.t.Error(err)
		return
	}
	req.SetBasicAuth(user, password)
	w.linger("trickle", fmt.Sprintf("POST /pipedrive/acme HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n{\"meta\":",
		req.Header.Get("Authorization"), 1<<20))
}

// linger sends the beginning of something and listens until the other side has
// had enough.
func (w *world) linger(name, begin string) {
	w.dialing <- struct{}{}
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(w.intake, "http://"), patience)
	<-w.dialing
	if err != nil {
		w.count(name, "not let in")
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err = io.WriteString(c, begin); err == nil {
		_, err = io.Copy(io.Discard, c)
	}
	w.count(name, "sent away")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Errorf("%s: was let be for %s", name, patience)
	}
}

// tally is what was answered to whom.
func (w *world) tally() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.counted)
}

func (w *world) count(name, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted[name+" "+answer]++
}

// promises are the webhooks that were answered 200.
type promises struct {
	mu   sync.Mutex
	next int
	kept []string // keys of their records
}

func (p *promises) id() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return strconv.Itoa(p.next)
}

func (p *promises) add(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, "deal/"+id)
}

func (p *promises) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.kept)
}
