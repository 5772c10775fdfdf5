package webhook

import (
	"bufio"

	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// later is a status that comes later.
func (i *intake) later(body string, change ...func(*http.Request)) <-chan int {
	out := make(chan int, 1)
	go func() {
		status, _ := i.send(body, change...)
		out <- status
	}()
	return out
}

// holdKafka keeps what is produced from the broker until it is let go.
func (i *intake) holdKafka() (hold *wire.Rule, letGo func()) {
	gate := make(chan struct{})
	hold = &wire.Rule{Key: kmsg.Produce, Hold: gate}
	remove := i.wire.Add(hold)
	release := sync.OnceFunc(func() { remove(); close(gate) })
	i.t.Cleanup(release)
	return hold, release
}

// 200 is a promise: it is given when Kafka has the webhook, not when it was sent.
func TestNothingIsPromisedBeforeKafkaHasIt(t *testing.T) {
	i := start(t, Limits{})
	i.send(deal) // the way to the broker is open
	hold, letGo := i.holdKafka()
	answer := i.later(deal)
	i.eventually("the webhook is on its way", func() bool { return hold.Hits.Load() > 0 })
	select {
	case status := <-answer:
		t.Fatalf("answered %d while Kafka does not have it", status)
	case <-time.After(100 * time.Millisecond): // a wrong answer comes at once
	}
	letGo()
	if status := <-answer; status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	if n := len(i.topic("acme")); n != 2 {
		t.Errorf("%d records", n)
	}
}

// Pipedrive hangs up after ten seconds: it is answered before, whatever Kafka does,
// and what is kept of an outage is nothing.
func TestWithoutKafkaTheAnswerComesInTime(t *testing.T) {
	for name, trouble := range map[string]func(*intake) (end func()){
		"connections break": func(i *intake) func() { return i.wire.Add(&wire.Rule{Key: kmsg.Produce, Drop: true}) },
		"nobody answers":    func(i *intake) func() { _, letGo := i.holdKafka(); return letGo },
	} {
		t.Run(name, func(t *testing.T) {
			i := start(t, Limits{Answer: 300 * time.Millisecond})
			i.send(deal)
			end := trouble(i)
			begun := time.Now()
			for range 3 {
				status, answer := i.send(deal)
				if status != http.StatusServiceUnavailable || answer.Get("Retry-After") == "" {
					t.Fatalf("answered %d, %v", status, answer)
				}
			}
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("three answers took %s", took)
			}
			if st := i.Status().(Status); st.State != "refusing" || st.Cause == "" || st.Since.IsZero() {
				t.Errorf("status %+v", st)
			}
			end()
			i.eventually("webhooks are stored again", func() bool {
				status, _ := i.send(deal)
				return status == http.StatusOK
			})
			i.nothingHeld()
			if st := i.Status().(Status); st.State != "ok" {
				t.Errorf("status %+v", st)
			}
			for _, once := range []string{"webhooks cannot be stored", "webhooks are stored again"} {
				if n := strings.Count(i.log.String(), once); n != 1 {
					t.Errorf("%d lines say %q:\n%s", n, once, i.log)
				}
			}
		})
	}
}

// A topic that was deleted and made anew is written to again without a restart.
func TestATopicMadeAnewIsWrittenTo(t *testing.T) {
	i := start(t, Limits{Answer: 2 * time.Second})
	i.send(deal)
	admin, err := i.options.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis, req.TopicNames = 5000, []string{i.names.Webhooks("acme")}
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &req.TopicNames[0]
	req.Topics = append(req.Topics, topic)
	if _, err := req.RequestWith(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if status, _ := i.send(deal); status != http.StatusServiceUnavailable {
		t.Errorf("without its topic a webhook is answered %d", status)
	}
	if cause, _ := i.trouble.told(); !strings.Contains(cause, i.names.Webhooks("acme")) {
		t.Errorf("the cause does not name the topic: %s", cause)
	}
	if err := kafka.EnsureTopics(t.Context(), admin, i.Topics(), true); err != nil {
		t.Fatal(err)
	}
	i.eventually("webhooks are stored again", func() bool {
		status, _ := i.send(deal)
		return status == http.StatusOK
	})
}

// More than fits is told so at once, with when to come back.
func TestOverloadIsAnsweredAtOnce(t *testing.T) {
	for name, limits := range map[string]Limits{
		"requests": {Requests: 2},
		"bytes":    {Bytes: 2 * leastSpace},
	} {
		t.Run(name, func(t *testing.T) {
			i := start(t, limits)
			i.send(deal)
			_, letGo := i.holdKafka()
			first, second := i.later(deal), i.later(deal)
			i.eventually("two webhooks wait", func() bool { return i.load.requests.Load() == 2 })
			for range 20 {
				status, answer := i.send(deal)
				if status != http.StatusServiceUnavailable || answer.Get("Retry-After") == "" {
					t.Fatalf("answered %d, %v", status, answer)
				}
			}
			letGo()
			if a, b := <-first, <-second; a != http.StatusOK || b != http.StatusOK {
				t.Errorf("answered %d and %d", a, b)
			}
			if n := len(i.topic("acme")); n != 3 {
				t.Errorf("%d records", n)
			}
			i.nothingHeld()
		})
	}
}

// Large bodies that trickle in leave room for those that Pipedrive usually sends.
func TestLargeBodiesLeaveRoomForUsualOnes(t *testing.T) {
	i := start(t, Limits{Bytes: 4 << 20, Whole: patience})
	for range 3 {
		if _, err := io.WriteString(i.dial(), head(1<<20)+`{"meta":`); err != nil {
			t.Fatal(err)
		}
	}
	i.eventually("three wait for their rest", func() bool { return i.load.bytes.Load() == 3<<20 })
	if status, _ := i.send(`"` + strings.Repeat("x", 1<<20-2) + `"`); status != http.StatusServiceUnavailable {
		t.Errorf("a fourth large one is answered %d", status)
	}
	if status, _ := i.send(deal); status != http.StatusOK {
		t.Errorf("a usual one is answered %d", status)
	}
}

// A body that trickles in, or none at all, does not hold anything for long.
func TestSlowSendersAreGivenUp(t *testing.T) {
	i := start(t, Limits{Header: 200 * time.Millisecond, Whole: 400 * time.Millisecond})
	body := i.dial()
	if _, err := io.WriteString(body, head(1000)+`{"meta":`); err != nil {
		t.Fatal(err)
	}
	i.eventually("its room is taken", func() bool { return i.load.bytes.Load() > 0 })
	resp, err := http.ReadResponse(bufio.NewReader(body), nil)
	if err != nil || resp.StatusCode != http.StatusRequestTimeout || !resp.Close {
		t.Fatalf("a slow body is answered %v, %v", resp, err)
	}
	i.nothingHeld()
	header := i.dial()
	if _, err := io.WriteString(header, "POST /pipedrive/acme HTTP/1.1\r\nX-"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(header); err != nil {
		t.Errorf("a slow header: %v", err)
	}
	gone := i.dial()
	if _, err := io.WriteString(gone, head(1000)+`{"meta":`); err != nil {
		t.Fatal(err)
	}
	i.eventually("its room is taken", func() bool { return i.load.bytes.Load() > 0 })
	_ = gone.Close()
	i.nothingHeld()
	if n := len(i.topic("acme")); n != 0 {
		t.Errorf("%d records", n)
	}
}

// Connections beyond the limit are answered, too, and cost nothing for long.
func TestTooManyConnectionsAreSentAway(t *testing.T) {
	i := start(t, Limits{Connections: 2, Header: patience})
	first, second := i.dial(), i.dial()
	i.eventually("both are in", func() bool { return i.door.open.Load() == 2 })
	for n := range 2 * mostLeaving {
		third := i.dial()
		if n > 0 { // most only knock
			_ = third.Close()
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(third), nil)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !resp.Close {
			t.Fatalf("a connection too many is answered %v, %v", resp, err)
		}
		if rest, err := io.ReadAll(third); err != nil || len(rest) > 0 {
			t.Errorf("then %q, %v", rest, err)
		}
	}
	// Before there is room: who knocked and has not been looked at yet would be let in.
	i.eventually("who was sent away is counted", func() bool { return i.value("planhat_bridge_webhook_connections_refused_total") >= 2*mostLeaving })
	if got := i.value("planhat_bridge_webhook_connections"); got != 2 {
		t.Errorf("%v connections are open", got)
	}
	_ = first.Close()
	i.eventually("there is room again", func() bool {
		status, _ := i.send(deal)
		return status == http.StatusOK
	})
	_ = second.Close()
	i.client.CloseIdleConnections()
	i.eventually("all have left", func() bool { return i.door.open.Load() == 0 && i.door.leaving.Load() == 0 })
}

// At the end of the process what is under way is stored and answered; nobody new
// is let in.
func TestWhatIsUnderWayAtTheEndIsFinished(t *testing.T) {
	i := start(t, Limits{})
	i.send(deal)
	hold, letGo := i.holdKafka()
	answer := i.later(deal)
	i.eventually("the webhook is on its way", func() bool { return hold.Hits.Load() > 0 })
	i.stop()
	i.eventually("nobody is let in", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-i.ended:
		t.Fatalf("ended with a webhook under way: %v", err)
	default:
	}
	letGo()
	if status := <-answer; status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	if n := len(i.topic("acme")); n != 2 {
		t.Errorf("%d records", n)
	}
	err := <-i.ended
	i.ended <- err
	if err != nil {
		t.Error(err)
	}
}

// A topic may take less than a body may have.
func TestABodyFitsItsTopic(t *testing.T) {
	i := start(t, Limits{})
	admin, err := i.options.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	alter := func(bytes string) {
		req := kmsg.NewPtrIncrementalAlterConfigsRequest()
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, i.names.Webhooks("acme")
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value = "max.message.bytes", &bytes
		r.Configs = append(r.Configs, c)
		req.Resources = append(req.Resources, r)
		if _, err := req.RequestWith(t.Context(), admin); err != nil {
			t.Fatal(err)
		}
	}
	most := `"` + strings.Repeat("x", 1<<20-2) + `"`
	if status, _ := i.send(most); status != http.StatusOK {
		t.Errorf("1 MiB is answered %d", status)
	}
	if status, _ := i.send(most + " "); status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than 1 MiB is answered %d", status)
	}
	alter("20000")
	if err := i.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if most := i.rooms["acme"].most; most != 20000-overhead {
		t.Errorf("%d bytes fit", most)
	}
}

// What a broker refuses for its size is too large, not unavailable: to send it
// again would be no use.
func TestWhatTheBrokerFindsTooLargeIsRefused(t *testing.T) {
	i := start(t, Limits{})
	i.wire.Add(&wire.Rule{Key: kmsg.Produce, Answer: func(r kmsg.Response) {
		for _, t := range r.(*kmsg.ProduceResponse).Topics {
			for n := range t.Partitions {
				t.Partitions[n].ErrorCode = 10 // MESSAGE_TOO_LARGE
			}
		}
	}})
	if status, _ := i.send(deal); status != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", status)
	}
	i.nothingHeld()
}

func TestABusyAddressIsBadSetup(t *testing.T) {
	i := start(t, Limits{})
	cfg := i.cfg
	cfg.WebhookAddr = strings.TrimPrefix(i.url, "http://")
	other := New(cfg, Deps{Kafka: i.options, Registerer: prometheus.NewRegistry()})
	if err := other.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "WEBHOOK_ADDR") {
		t.Errorf("got %v", err)
	}
}
