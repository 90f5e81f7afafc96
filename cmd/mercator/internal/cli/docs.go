package cli

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"mercator/examples"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

func docsCommand(w *World) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "docs --out DIR",
		Short: "Write the reference as Markdown",
		Long: "Docs writes the reference of the language into DIR: a page for each kind, with an example, its arguments, how it is found and " +
			"imported, its risks and the operations of the Administration API that it uses, a page of all functions, one of all advice, and an index. Pages " +
			"that an earlier run wrote and that no longer belong to it are removed; other files in DIR are left alone.",
		Example:     "  mercator docs --out reference",
		Args:        cobra.NoArgs,
		Annotations: codes(codeDone, codeFailed),
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usagef("--out is missing: the folder to write the pages into")
			}
			catalog, err := kinds.Catalog()
			if err != nil {
				return err
			}
			pages, err := reference(w, catalog)
			if err != nil {
				return err
			}
			return writePages(out, pages)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the pages into `DIR`, which is made where it is not there")
	_ = cmd.MarkFlagDirname("out")
	return cmd
}

// written is the first line of every page, by which a page is known that may be replaced or removed.
const written = "<!-- Written by mercator docs. -->\n"

// reference returns the pages by the names of their files.
func reference(w *World, catalog *schema.Catalog) (map[string]string, error) {
	pages := map[string]string{"README.md": indexPage(catalog), "functions.md": functionsPage(config.Manuals(), config.Absent()),
		"advice.md": advicePage(catalog.Advice())}
	for _, name := range catalog.Names() {
		shown, err := exampleOf(w, catalog, catalog.Kind(name))
		if err != nil {
			return nil, err
		}
		pages[name+".md"] = kindPage(catalog, catalog.Kind(name), shown)
	}
	for name, text := range pages {
		pages[name] = written + text
	}
	return pages, nil
}

// writePages writes the pages, each whole or not at all, and removes those of earlier runs.
func writePages(dir string, pages map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usagef("%s: %s", dir, reason(err))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return usagef("%s: %s", dir, reason(err))
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if _, stays := pages[e.Name()]; stays || e.IsDir() || filepath.Ext(path) != ".md" {
			continue
		}
		if text, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(text, []byte(written)) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if err := renameio.WriteFile(filepath.Join(dir, name), []byte(pages[name]), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// example is a configuration that shows a kind.
type example struct {
	// source are the files' texts, "" where there is no example.
	source string
	// resource is the first of the kind in it.
	resource schema.Resource
}

// exampleOf returns the example of a kind, which is evaluated for the addresses and names in it.
func exampleOf(w *World, catalog *schema.Catalog, k *schema.Kind) (example, error) {
	folder, ok := examples.Kind(k.Name)
	if !ok {
		return example{}, nil
	}
	dir, err := os.MkdirTemp("", "mercator-docs-*")
	if err != nil {
		return example{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	if err := os.CopyFS(dir, folder); err != nil {
		return example{}, err
	}
	c, diags := config.Load(dir, config.Options{Catalog: catalog, Now: w.Now().UTC(), Version: version,
		Environ: func(string) (string, bool) { return "", false }})
	evaluation, more := c.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		return example{}, err
	}
	var out example
	names, err := fs.Glob(folder, "*.hcl")
	if err != nil {
		return example{}, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return example{}, err
		}
		out.source += strings.TrimSpace(string(text)) + "\n"
	}
	i := slices.IndexFunc(evaluation.Desired.Resources, func(r schema.Resource) bool { return r.Kind == k.Name })
	if i >= 0 {
		out.resource = evaluation.Desired.Resources[i]
	}
	return out, nil
}
