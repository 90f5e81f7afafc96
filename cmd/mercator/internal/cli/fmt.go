package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"mercator/schema/config"
	"mercator/schema/diag"
)

func fmtCommand(w *World, g *globals) *cobra.Command {
	var check, diff bool
	cmd := &cobra.Command{
		Use:   "fmt [DIR]",
		Short: "Lay the files out in the usual way",
		Long: "Fmt rewrites the *.hcl files in DIR, or in the current folder, with the usual indentation and alignment, and prints the " +
			"names of those that it changed. What they mean stays the same. Each file is replaced whole or not at all.",
		Example:     "  mercator fmt\n  mercator fmt --check --diff",
		Args:        planArgs,
		Annotations: codes(codeDone, codeFailed, "2    with --check: a file would change"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := dirOf(args)
			if err != nil {
				return err
			}
			return format(newScreen(w, g, w.Stdout), dir, check, diff)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit 2 if a file would change")
	cmd.Flags().BoolVar(&diff, "diff", false, "show what changes")
	return cmd
}

// format formats the files of a folder. A file that does not parse keeps none of the others from being formatted.
func format(s screen, dir string, check, diff bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return usagef("%s: %s", dir, reason(err))
	}
	var diags diag.List
	sources := map[string][]byte{}
	changed := false
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".hcl") {
			continue
		}
		path := filepath.Join(dir, name)
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		after, found := config.Format(before, path)
		diags.Add(found...)
		sources[path] = before
		if bytes.Equal(before, after) {
			continue
		}
		changed = true
		s.printf("%s\n", path)
		if diff {
			s.printf("%s", config.Diff(path, before, after))
		}
		if check {
			continue
		}
		if err := replaceFile(path, after); err != nil {
			return err
		}
	}
	switch {
	case diags.HasErrors():
		return &found{diags, sources}
	case changed && check:
		return exit(exitDifference)
	default:
		return nil
	}
}

// replaceFile replaces a file whole, or not at all, and keeps its permissions.
func replaceFile(path string, content []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return renameio.WriteFile(path, content, mode, renameio.WithStaticPermissions(mode))
}
