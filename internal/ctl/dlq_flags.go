package ctl

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func (f *letterFlags) choosing(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.codes, "code", nil, "with this error code, repeatable")
	flags.StringSliceVar(&f.objects, "object", nil, "with a command for this object, repeatable")
	flags.StringVar(&f.since, "since", "", "given up at this time or later: 2026-03-04T15:21:10Z, or 90m, 24h, 7d before now")
	flags.StringVar(&f.until, "until", "", "given up before this time")
	var codes []string
	for _, doc := range schemas.Codes() {
		codes = append(codes, string(doc.Code))
	}
	complete(cmd, "code", codes)
	complete(cmd, "object", objectNames())
	f.printing(cmd)
}

func (f *letterFlags) settling(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.all, "all", false, "every open letter")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and write nothing")
}

func (f *letterFlags) printing(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "text or json (an object a line)")
	complete(cmd, "output", []string{"text", "json"})
}

func (f *letterFlags) check(args []string, now time.Time) error {
	f.ids = args
	var err error
	if f.sinceTime, err = moment("since", f.since, now); err != nil {
		return err
	}
	if f.untilTime, err = moment("until", f.until, now); err != nil {
		return err
	}
	for n, code := range f.codes {
		f.codes[n] = strings.ToUpper(code)
		if _, ok := schemas.Code(f.codes[n]).Doc(); !ok {
			return usage("--code %q: there is no such code; docs/error-codes.md lists them", code)
		}
	}
	filter := f.filter()
	switch {
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	case f.most < 0:
		return usage("--max %d: write a number above 0, or 0 for all", f.most)
	case f.needsIDs && len(args) == 0:
		return usage("which letter? Write its place, such as 0/12, or its command's id; planhatctl dlq list shows them")
	case f.needsChoice && filter.IsZero() != f.all:
		return usage("say which letters: by ids, --code, --object, --since, --until, or every open one with --all alone")
	case !f.sinceTime.IsZero() && !f.untilTime.IsZero() && !f.sinceTime.Before(f.untilTime):
		return usage("--since %s is not before --until %s: no letter is between", f.since, f.until)
	}
	return nil
}

func (f *letterFlags) filter() letters.Filter {
	return letters.Filter{IDs: f.ids, Codes: f.codes, Objects: f.objects, Since: f.sinceTime, Until: f.untilTime, Settled: f.settled}
}

// moment reads a time, or how long ago it was.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, usage("--%s %q: write a time such as 2026-03-04T15:21:10Z, or how long ago: 90m, 24h, 7d", flag, text)
	}
	return now.Add(-ago), nil
}
