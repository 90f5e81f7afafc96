package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mercator/provider/atlas"
	"mercator/schema"
	"mercator/schema/config"
)

// globals are the flags that every command has.
type globals struct {
	chdir    string
	noColor  bool
	logLevel string
	sandbox  bool
}

func (g *globals) register(flags *pflag.FlagSet) {
	flags.StringVar(&g.chdir, "chdir", "", "work in `DIR` instead of the current folder")
	flags.BoolVar(&g.noColor, "no-color", false, "no colours; NO_COLOR does the same")
	flags.StringVar(&g.logLevel, "log-level", "warn", "log on stderr from `LEVEL` on: "+strings.Join(logLevelNames(), ", "))
	flags.BoolVar(&g.sandbox, "sandbox", false, "an embedded Atlas with a state of its own; no account, no network")
}

// enter does what the flags ask for before the command runs.
func (g *globals) enter() error {
	if _, err := g.level(); err != nil {
		return err
	}
	if g.chdir == "" {
		return nil
	}
	if err := os.Chdir(g.chdir); err != nil {
		return usagef("--chdir %s: %s", g.chdir, reason(err))
	}
	return nil
}

type logLevel struct {
	name  string
	level slog.Level
}

func logLevels() []logLevel {
	return []logLevel{{"trace", atlas.LevelTrace}, {"debug", slog.LevelDebug}, {"info", slog.LevelInfo},
		{"warn", slog.LevelWarn}, {"error", slog.LevelError}, {"off", slog.LevelError + 100}}
}

func logLevelNames() []string {
	var names []string
	for _, l := range logLevels() {
		names = append(names, l.name)
	}
	return names
}

func (g *globals) level() (slog.Level, error) {
	for _, l := range logLevels() {
		if l.name == g.logLevel {
			return l.level, nil
		}
	}
	return 0, usagef("--log-level %q is none of %s", g.logLevel, strings.Join(logLevelNames(), ", "))
}

func (g *globals) logger(stderr io.Writer) *slog.Logger {
	level, _ := g.level() // enter has checked it
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

// inputs are what a command line adds to the files.
type inputs struct {
	// list are the --var and --var-file flags, which count in the order given.
	list []config.Input
	// state are the --state-config flags as given.
	state []string
}

func (i *inputs) register(cmd *cobra.Command) {
	cmd.Flags().Var(inputFlag{i, "NAME=VALUE"}, "var", "set a variable; repeatable")
	cmd.Flags().Var(inputFlag{i, "FILE"}, "var-file", "read variables from a file; repeatable")
	_ = cmd.MarkFlagFilename("var-file", "hcl", "json")
}

// registerState defines the flags of the commands that use the state as well.
func (i *inputs) registerState(cmd *cobra.Command) {
	i.register(cmd)
	cmd.Flags().StringArrayVar(&i.state, "state-config", nil, "`KEY=VALUE` for the state block; repeatable")
}

// inputFlag is one of the two flags; what it takes is also its type's name in help.
type inputFlag struct {
	to    *inputs
	takes string
}

// String implements pflag.Value.
func (f inputFlag) String() string { return "" }

// Type implements pflag.Value.
func (f inputFlag) Type() string { return f.takes }

// Set implements pflag.Value.
func (f inputFlag) Set(text string) error {
	if f.takes == "FILE" {
		f.to.list = append(f.to.list, config.Input{File: text})
		return nil
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("write it as NAME=VALUE")
	}
	f.to.list = append(f.to.list, config.Input{Name: name, Value: value})
	return nil
}

// addressFlag is a repeatable flag that takes addresses; orAll lets it take "all" too. An address may hold commas,
// so one flag takes one address.
type addressFlag struct {
	to    *[]string
	orAll bool
}

// String implements pflag.Value.
func (f addressFlag) String() string { return "" }

// Type implements pflag.Value.
func (f addressFlag) Type() string {
	if f.orAll {
		return "ADDR|all"
	}
	return "ADDR"
}

// Set implements pflag.Value.
func (f addressFlag) Set(text string) error {
	if f.orAll && text == "all" {
		*f.to = append(*f.to, text)
		return nil
	}
	a, err := schema.ParseAddress(text)
	if err != nil {
		return err
	}
	*f.to = append(*f.to, string(a))
	return nil
}

func addresses(texts []string) []schema.Address {
	out := make([]schema.Address, len(texts))
	for i, t := range texts {
		out[i] = schema.Address(t)
	}
	return slices.Compact(out)
}

// dirOf returns the folder that the arguments name, the current one if none.
func dirOf(args []string) (string, error) {
	if len(args) == 0 {
		return ".", nil
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return "", usagef("%s: %s", args[0], reason(err))
	}
	if !info.IsDir() {
		return "", usagef("%s is not a folder", args[0])
	}
	return args[0], nil
}
