// Package cli is the command line: a file for each command, which reads flags, has workflow do the work, and
// prints what comes back. Nothing here decides about resources.
//
// A command is made by a function that takes the [World] and the global flags and returns a cobra command; what
// several need (streams, formats, findings, the opening of a configuration) are plain functions beside them.
package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// version is Mercator's own, as required_version and the User-Agent header see it.
const version = "0.1.0"

// World is what surrounds a run of the program. Tests make one of their own.
type World struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	Now            func() time.Time
}

// getenv returns a variable's value, "" where it is not set.
func (w *World) getenv(name string) string {
	value, _ := w.LookupEnv(name)
	return value
}

// Run runs one command line and returns its exit code. Canceling ctx ends it gracefully (R29).
func Run(ctx context.Context, w World, args []string) int {
	g := &globals{}
	root := rootCommand(&w, g)
	root.SetArgs(args)
	root.SetIn(w.Stdin)
	root.SetOut(w.Stdout)
	root.SetErr(w.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return report(ctx, newScreen(&w, g, w.Stderr), cmd, err)
}

func rootCommand(w *World, g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "mercator",
		Short: "Configuration as code for MongoDB Atlas",
		Long: `Mercator keeps MongoDB Atlas as HCL files describe it. "plan" shows what differs, "apply" carries it out, ` +
			`"drift" tells what changed behind its back.`,
		Example: `  mercator plan             what would change
  mercator apply            plan, ask, carry out
  mercator apply --sandbox  without account and network
  mercator drift            what changed outside Mercator
  mercator schema cluster   the arguments of a kind`,
		Annotations: codes(codeDone, codeFailed, "2    there is a difference, for commands that say so", codeLocked, codeStale,
			codeInterrupted),
		Version:           version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              cobra.NoArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return g.enter() },
	}
	root.SetVersionTemplate("mercator {{.Version}}\n")
	g.register(root.PersistentFlags())
	root.AddGroup(&cobra.Group{ID: groupMain, Title: "Commands:"}, &cobra.Group{ID: groupFiles, Title: "Files and values:"},
		&cobra.Group{ID: groupOther, Title: "More:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupMain, planCommand(w, g), applyCommand(w, g), destroyCommand(w, g), driftCommand(w, g), statusCommand(w, g), showCommand(w, g))
	add(groupFiles, validateCommand(w, g), fmtCommand(w, g), graphCommand(w, g), consoleCommand(w, g), outputCommand(w, g), stateCommand(w, g))
	add(groupOther, doctorCommand(w, g), sandboxCommand(w, g), schemaCommand(w, g), docsCommand(w), explainCommand(w, g), versionCommand(w), completionCommand(w))
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	help(root, w)
	return root
}

// The groups in which help lists the commands.
const (
	groupMain  = "main"
	groupFiles = "files"
	groupOther = "other"
)
