package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/planhat-bridge/planhat-bridge/internal/ops"
)

// Surroundings are what a command has around it.
type Surroundings struct {
	Environ        []string // as os.Environ gives it
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is a terminal: progress may be drawn
	// NewID makes command ids; nil: random UUIDs.
	NewID func() string
	Now   func() time.Time // nil: time.Now
}

// The exit codes.
const (
	codeOK          = 0
	codeNotOK       = 1
	codeUsage       = 2
	codeUnreachable = 3
)

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(format string, args ...any) error {
	return &failure{codeUsage, fmt.Errorf(format, args...)}
}

func unreachable(format string, args ...any) error {
	return &failure{codeUnreachable, fmt.Errorf(format, args...)}
}

// errNotOK ends with code 1 without words: the results have been printed.
var errNotOK = &failure{codeNotOK, errors.New("a command was not OK")}

// Run carries out one command line, without the program's name, and returns the
// exit code. The end of ctx ends what waits.
func Run(ctx context.Context, args []string, around Surroundings) int {
	if around.NewID == nil {
		around.NewID = uuid.NewString
	}
	if around.Now == nil {
		around.Now = time.Now
	}
	root := newRoot(&tool{Surroundings: around}) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	root.SetIn(around.Stdin)
	root.SetOut(around.Stdout)
	root.SetErr(around.Stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if err != nil && !errors.Is(err, errNotOK) && !errors.Is(err, errSick) {
		fmt.Fprintf(around.Stderr, "planhatctl: %v\n", err)
	}
	return code
}

func exitCode(err error) int {
	var f *failure
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &f):
		return f.code
	case isCobraUsage(err):
		return codeUsage
	}
	return codeNotOK
}

// isCobraUsage: cobra gives plain errors for unknown subcommands and wrong
// numbers of arguments.
func isCobraUsage(err error) bool {
	text := err.Error()
	for _, start := range []string{"unknown command", "accepts ", "requires ", "required flag", "if any flags in the group"} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// tool is what the subcommands share.
type tool struct {
	Surroundings
	bootstrap, registry, workspace, account string // flags
	warned                                  bool   // that the registry does not answer
}

// known refuses what is not a subcommand and names one that is near.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("there is no command %q: did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usage("there is no command %q; see planhatctl --help", args[0])
}

func newRoot(t *tool) *cobra.Command {
	root := &cobra.Command{
		Use:   "planhatctl",
		Short: "Send commands to planhat-bridge and look at what it writes",
		Long: "Send commands to planhat-bridge and look at what it writes.\n\n" +
			"It reads the same variables as the services (KAFKA_*, SCHEMA_REGISTRY_*, TOPIC_PREFIX,\n" +
			"BRIDGE_NAME, PLANHAT_WORKSPACES, PIPEDRIVE_ACCOUNTS). Only sample and doctor need tokens.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       ops.ReadBuild().String(),
		Args:          known,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("planhatctl {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see planhatctl %s --help", err, strings.TrimPrefix(cmd.CommandPath(), "planhatctl "))
	})
	flags := root.PersistentFlags()
	flags.StringVar(&t.bootstrap, "bootstrap", "", "Kafka brokers, host:port; instead of KAFKA_BOOTSTRAP_SERVERS")
	flags.StringVar(&t.registry, "registry", "", "schema registry's URL; instead of SCHEMA_REGISTRY_URL")
	flags.StringVarP(&t.workspace, "workspace", "w", "", "Planhat workspace; needed where PLANHAT_WORKSPACES names several")
	flags.StringVar(&t.account, "account", "", "Pipedrive account, instead of a workspace; needed where PIPEDRIVE_ACCOUNTS names several")
	root.MarkFlagsMutuallyExclusive("workspace", "account")
	root.AddCommand(newSend(t), newPlan(t), newTail(t), newTopics(t), newSignal(t), newDeadLetters(t), newSample(t), newDoctor(t))
	return root
}
