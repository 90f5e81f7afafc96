package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes is the annotation that holds a command's section on exit codes.
const exitCodes = "exit codes"

// codes describes exit codes for help: pairs of code and meaning, one a line.
func codes(lines ...string) map[string]string {
	return map[string]string{exitCodes: "  " + strings.Join(lines, "\n  ")}
}

const (
	codeDone        = "0    done"
	codeFailed      = "1    error"
	codeLocked      = "3    the state's lock is held by someone else"
	codeStale       = "4    the saved plan is stale"
	codeInterrupted = "130  interrupted"
)

const usageTemplate = `Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}
{{- if .HasExample}}

Examples:
{{.Example}}
{{- end}}
{{- if .HasAvailableSubCommands}}
{{- $commands := .Commands}}
{{- if .Groups}}
{{- range $group := .Groups}}

{{.Title}}
{{- range $commands}}
{{- if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}
{{- end}}
{{- end}}
{{- end}}
{{- else}}

Commands:
{{- range $commands}}
{{- if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}
{{- end}}
{{- end}}
{{- end}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped WIDTH | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableInheritedFlags}}

Global flags:
{{.InheritedFlags.FlagUsagesWrapped WIDTH | trimTrailingWhitespaces}}
{{- end}}
{{- with index .Annotations "exit codes"}}

Exit codes:
{{.}}
{{- end}}
`

const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}`

// help gives a command and all below it the same form of help, folded to the width of the terminal.
func help(root *cobra.Command, w *World) {
	width := newScreen(w, &globals{}, w.Stdout).width
	root.SetUsageTemplate(strings.ReplaceAll(usageTemplate, "WIDTH", strconv.Itoa(width)))
	root.SetHelpTemplate(helpTemplate)
	each(root, func(c *cobra.Command) {
		if c.Long == "" {
			c.Long = c.Short + "."
		}
		c.Long = fold(c.Long, width)
		c.InitDefaultHelpFlag()
		c.Flags().Lookup("help").Usage = "show this help"
		c.InitDefaultVersionFlag()
		if f := c.Flags().Lookup("version"); f != nil {
			f.Usage = "print the version"
		}
		c.DisableFlagsInUseLine = true
		c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err.Error()} })
		if args := c.Args; args != nil {
			c.Args = func(c *cobra.Command, given []string) error {
				if err := args(c, given); err != nil {
					return usageError{err.Error()}
				}
				return nil
			}
		}
	})
}

func each(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		each(sub, do)
	}
}
