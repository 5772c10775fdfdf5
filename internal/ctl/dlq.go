package ctl

import (
	"time"

	"github.com/spf13/cobra"
)

// letterFlags are those of all subcommands of dlq; each has only those that it
// takes.
type letterFlags struct {
	codes, objects        []string
	since, until          string
	settled, all          bool
	dryRun, force         bool
	reason, output        string
	most                  int
	ids                   []string
	sinceTime, untilTime  time.Time
	needsChoice, needsIDs bool
}

func newDeadLetters(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "List, show, redrive and drop dead letters",
		Long: "List, show, redrive and drop dead letters: commands that were REJECTED or ended as UNKNOWN. A letter is named by its\n" +
			"place, <partition>/<offset>, or by its command's id. Without --workspace, all workspaces are meant.\n\n" +
			"Nothing is taken out of the topic: a letter that is driven again or dropped is marked as settled, and not listed any more.\n\n" +
			"Exit codes: 0 done, 1 a letter was refused or not found, 2 the command line is wrong, 3 no connection.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("there is no dlq %q: there are list, show, redrive, drop", args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLetterList(t), newLetterShow(t), newLetterRedrive(t), newLetterDrop(t))
	return cmd
}

func newLetterList(t *tool) *cobra.Command {
	var f letterFlags
	cmd := &cobra.Command{
		Use: "list [id]...", Short: "List dead letters, oldest first within a partition",
		Example: "  planhatctl dlq list --code FORBIDDEN --since 2h\n  planhatctl dlq list --settled -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.listLetters)
		},
	}
	f.choosing(cmd)
	cmd.Flags().BoolVar(&f.settled, "settled", false, "those that were driven again or dropped, too")
	cmd.Flags().IntVar(&f.most, "max", 0, "end after this many letters; 0: no limit")
	return cmd
}

func newLetterShow(t *tool) *cobra.Command {
	f := letterFlags{needsIDs: true, settled: true}
	cmd := &cobra.Command{
		Use: "show <id>...", Short: "Show all that is known of dead letters",
		Example: "  planhatctl dlq show order-17\n  planhatctl dlq show 0/12 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.showLetters)
		},
	}
	f.printing(cmd)
	return cmd
}

func newLetterRedrive(t *tool) *cobra.Command {
	f := letterFlags{needsChoice: true}
	cmd := &cobra.Command{
		Use: "redrive [id]...", Short: "Send the commands of dead letters again",
		Long: "Send the commands of dead letters again, behind all others of the topic, with their Kafka keys and headers and on their\n" +
			"partitions, each as a new command whose id is derived from the letter's place. Command and mark are written in one\n" +
			"transaction: a crash neither loses a command nor sends it twice.\n\n" +
			"Refused, unless --force is given: a command of whose key a later one was carried out, or may have been; one that the\n" +
			"sink would refuse again; a create that may have been carried out (OUTCOME_UNKNOWN).",
		Example: "  planhatctl dlq redrive order-17\n  planhatctl dlq redrive --code FORBIDDEN --object license --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.redriveLetters)
		},
	}
	f.choosing(cmd)
	f.settling(cmd)
	cmd.Flags().BoolVar(&f.force, "force", false, "send also what is refused without it; bytes that are no command as they are")
	return cmd
}

func newLetterDrop(t *tool) *cobra.Command {
	f := letterFlags{needsChoice: true}
	cmd := &cobra.Command{
		Use: "drop [id]...", Short: "Settle dead letters whose commands are not wanted any more",
		Long: "Settle dead letters whose commands are not wanted any more. They stay in the topic as long as it keeps them, and\n" +
			"dlq list --settled shows them.",
		Example: "  planhatctl dlq drop 0/12 --reason 'sent by mistake'\n  planhatctl dlq drop --code UNDECODABLE --until 24h",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.dropLetters)
		},
	}
	f.choosing(cmd)
	f.settling(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "for the others: dlq show repeats it")
	return cmd
}
