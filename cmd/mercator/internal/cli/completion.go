package cli

import (
	"github.com/spf13/cobra"
)

func completionCommand(w *World) *cobra.Command {
	shells := map[string]func(*cobra.Command) error{
		"bash":       func(c *cobra.Command) error { return c.Root().GenBashCompletionV2(w.Stdout, true) },
		"zsh":        func(c *cobra.Command) error { return c.Root().GenZshCompletion(w.Stdout) },
		"fish":       func(c *cobra.Command) error { return c.Root().GenFishCompletion(w.Stdout, true) },
		"powershell": func(c *cobra.Command) error { return c.Root().GenPowerShellCompletionWithDesc(w.Stdout) },
	}
	return &cobra.Command{
		Use:                   "completion bash|zsh|fish|powershell",
		Short:                 "Print a shell completion script",
		Example:               "  source <(mercator completion bash)",
		Args:                  cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs:             []string{"bash", "zsh", "fish", "powershell"},
		DisableFlagsInUseLine: true,
		Annotations:           codes(codeDone, codeFailed),
		RunE:                  func(c *cobra.Command, args []string) error { return shells[args[0]](c) },
	}
}
