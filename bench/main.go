// Command bench measures the bridge beside the least program that does the
// same work, in one run: the floor.
//
//	go run ./bench
//
// Each scenario runs the floor and the product as child processes in turn,
// against a broker, a registry and a simulated vendor in the parent, and prints
// the CPU time of the child by its own account: wall clock depends on what else
// the machine does, CPU time and ratios hold. The first of -rounds warms up, the
// best of the others counts.
//
// The floor is what the user asked for and no more: a page becomes events, commands
// become calls. It answers nobody; where commands are carried out there is a second one
// beside it, the answering floor, which writes a result for each command, too. The product's figures have its take-over of a shard, transactions,
// index, checks and results in them; its start before that (topics, schemas) is not
// measured. What a sweep of unchanged rows does each second has the pause in its
// records per second.
//
// What was promised of a scenario is held: a run that costs more ends with exit code 1.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"
)

// roleVar tells a child what it is: "<scenario>/<floor|answers|product>".
const roleVar = "BENCH_ROLE"

// profileVar names a folder for CPU profiles of the children, if any.
const profileVar = "BENCH_PROFILES"

// usage is what a child reports when its work is done.
type usage struct {
	Records int           `json:"records"`
	CPU     time.Duration `json:"cpu"` // user and system time of the work
	Wall    time.Duration `json:"wall"`
	RSS     int64         `json:"rss"` // peak, bytes
	Allocs  uint64        `json:"allocs"`
	GC      time.Duration `json:"gc"` // part of CPU

	Slowest time.Duration `json:"-"` // 99 of 100 took less, by the account of who sent them
}

// program does the work of a scenario on a site.
type program func(*site) (usage, error)

// scenario is one kind of work.
type scenario struct {
	name    string
	floor   program
	answers program // the floor with a result for each command; nil: there is none
	product program
	prepare func(*site) error // in the parent, before each child
	// drive sends the work to a child that waits for it, and says how long the
	// slowest hundredth took; nil: the child finds its work by itself.
	drive func(*site) (time.Duration, error)

	// What the product may cost at most; 0 = nothing was promised.
	mostRatio  float64 // of the floor's CPU time
	mostMicros float64 // of CPU time a record
}

var scenarios = []scenario{
	{name: "source-snapshot", floor: floorSnapshot, product: productSnapshot, mostRatio: 0.8},
	{name: "source-unchanged", floor: floorUnchanged, product: productUnchanged, mostMicros: 3},
	{name: "sink-bulk", floor: floorBulk(false), answers: floorBulk(true), product: productSink, prepare: prepareBulk, mostRatio: 1.2},
	{name: "sink-single", floor: floorSingle(false), answers: floorSingle(true), product: productSink, prepare: prepareSingle, mostRatio: 1.2},
	{name: "sink-single-20ms", floor: floorSingle(false), answers: floorSingle(true), product: productSink, prepare: prepareSlow},
	{name: "webhook", floor: floorWebhook, product: productWebhook, drive: driveWebhooks, mostRatio: 1.5},
}

func main() {
	if role := os.Getenv(roleVar); role != "" {
		if err := child(role); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", role, err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.only, "scenario", "", "run the scenarios whose name contains this")
	flag.IntVar(&o.rounds, "rounds", 3, "runs of each program, the first to warm up")
	flag.IntVar(&o.records, "records", 20_000, "records or commands of a run")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	only            string
	rounds, records int
}

func run(o options) error {
	var missed []error
	for _, s := range scenarios {
		if !strings.Contains(s.name, o.only) {
			continue
		}
		best := map[string]usage{}
		for round := range o.rounds {
			for _, program := range s.programs() {
				u, err := measure(s, program, o.records)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", program, s.name, err)
				}
				if b, ok := best[program]; round > 0 && (!ok || u.CPU < b.CPU) {
					best[program] = u
				}
			}
		}
		p, f := best["product"], best["floor"]
		answering := ""
		if a, ok := best["answers"]; ok {
			answering = fmt.Sprintf(" answering_floor_cpu_us_per_rec=%.2f answering_floor_ratio=%.2f", a.perRecord(), p.perRecord()/a.perRecord())
		}
		if s.drive != nil {
			answering = fmt.Sprintf(" p99_ms=%.1f floor_p99_ms=%.1f floor_rec_per_s=%.0f", ms(p.Slowest), ms(f.Slowest), float64(f.Records)/f.Wall.Seconds())
		}
		fmt.Printf("bench scenario=%s cpu_us_per_rec=%.2f rec_per_s=%.0f max_rss_mib=%.0f allocs_per_rec=%.1f gc_percent=%.0f floor_cpu_us_per_rec=%.2f floor_ratio=%.2f%s\n",
			s.name, p.perRecord(), float64(p.Records)/p.Wall.Seconds(), float64(p.RSS)/(1<<20), float64(p.Allocs)/float64(p.Records),
			100*p.GC.Seconds()/p.CPU.Seconds(), f.perRecord(), p.perRecord()/f.perRecord(), answering)
		missed = append(missed, s.holds(p, f))
	}
	return errors.Join(missed...)
}

// programs are those that do the work.
func (s scenario) programs() []string {
	if s.answers == nil {
		return []string{"floor", "product"}
	}
	return []string{"floor", "answers", "product"}
}

// holds is an error if the product costs more than was promised.
func (s scenario) holds(product, floor usage) error {
	if ratio := product.perRecord() / floor.perRecord(); s.mostRatio > 0 && ratio > s.mostRatio {
		return fmt.Errorf("%s costs %.2f of the floor, want at most %.2f", s.name, ratio, s.mostRatio)
	}
	if s.mostMicros > 0 && product.perRecord() > s.mostMicros {
		return fmt.Errorf("%s costs %.2f us a record, want at most %.2f", s.name, product.perRecord(), s.mostMicros)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (u usage) perRecord() float64 { return float64(u.CPU.Nanoseconds()) / 1000 / float64(u.Records) }

// measure runs one child on a stage of its own.
func measure(s scenario, program string, records int) (usage, error) {
	site, closeSite, err := newSite(records)
	if err != nil {
		return usage{}, err
	}
	defer closeSite()
	if s.prepare != nil {
		if err := s.prepare(site); err != nil {
			return usage{}, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	where, err := site.encode()
	if err != nil {
		return usage{}, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVar+"="+s.name+"/"+program, siteVar+"="+where)
	cmd.Stderr = os.Stderr
	driven := make(chan error, 1)
	var slowest time.Duration
	go func() {
		var err error
		if s.drive != nil {
			slowest, err = s.drive(site)
		}
		driven <- err
	}()
	out, err := cmd.Output()
	if err = errors.Join(err, <-driven); err != nil {
		return usage{}, err
	}
	u := usage{Slowest: slowest}
	if err := json.Unmarshal(out, &u); err != nil {
		return usage{}, fmt.Errorf("report of the child: %w", err)
	}
	if u.Records != records {
		return usage{}, fmt.Errorf("did %d records of %d", u.Records, records)
	}
	return u, nil
}

// child does a program's work and reports.
func child(role string) error {
	name, program, _ := strings.Cut(role, "/")
	site, err := decodeSite(os.Getenv(siteVar))
	if err != nil {
		return err
	}
	for _, s := range scenarios {
		if s.name == name {
			return report(s, program, site)
		}
	}
	return errors.New("no such scenario")
}

// report does the work, under the profiler where that is asked for, and prints
// what it cost.
func report(s scenario, which string, site *site) error {
	if profile := os.Getenv(profileVar); profile != "" {
		f, err := os.Create(filepath.Join(profile, s.name+"-"+which+".pprof"))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	work := map[string]program{"floor": s.floor, "answers": s.answers, "product": s.product}[which]
	u, err := work(site)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(u)
}
