package cli

import (
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(w *World) *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "Print the version",
		Example:     "  mercator version",
		Args:        cobra.NoArgs,
		Annotations: codes(codeDone),
		RunE: func(*cobra.Command, []string) error {
			screen{w: w.Stdout}.printf("mercator %s\n%s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
