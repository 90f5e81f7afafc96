package cli

import (
	"fmt"
	"slices"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

func explainCommand(w *World, g *globals) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Show what is advised, and why",
		Long: "Explain lists the advice that validate and plan give: its codes, what it is about, and at which level it is given. With a CODE " +
			"it says why the advice matters and how to mend what deserves it. The mercator block sets the levels, advice = { CODE = " +
			"\"error\" }, and a block accepts advice with a reason, accept = { CODE = \"why that is right here\" }.",
		Example:     "  mercator explain\n  mercator explain open_to_the_world",
		Args:        cobra.MaximumNArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(_ *cobra.Command, args []string) error {
			catalog, err := kinds.Catalog()
			if err != nil {
				return err
			}
			s := newScreen(w, g, w.Stdout)
			s.width = min(s.width, plainWidth)
			return explain(s, catalog.Advice(), args, asJSON)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			catalog, err := kinds.Catalog()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return explained(catalog.Advice()), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// adviceJSON is one piece of advice.
type adviceJSON struct {
	Code    string   `json:"code"`
	Kinds   []string `json:"kinds"`
	Level   string   `json:"level"`
	Summary string   `json:"summary"`
	Why     string   `json:"why"`
	Mend    string   `json:"mend"`
}

func explain(s screen, advice []schema.AdviceOf, args []string, asJSON bool) error {
	if len(args) > 0 {
		code := args[0]
		advice = slices.DeleteFunc(advice, func(a schema.AdviceOf) bool { return a.Code != code })
		if len(advice) == 0 {
			return meaning(s, code, asJSON)
		}
	}
	if asJSON {
		out := make([]adviceJSON, len(advice))
		for i, a := range advice {
			out[i] = adviceJSON{a.Code, append([]string{}, a.Kinds...), string(a.LevelOf(nil)), a.Summary, a.Why, a.Mend}
		}
		return printJSON(s, out)
	}
	for i, a := range advice {
		if i > 0 {
			s.printf("\n")
		}
		whom := "the files"
		if len(a.Kinds) > 0 {
			whom = list(a.Kinds)
		}
		s.printf("%s  %s, about %s\n%s\n", page{s}.strong(a.Code), a.LevelOf(nil), whom, indent(a.Sentence()+".", "    ", s.width))
		if len(args) == 0 {
			continue
		}
		s.printf("\n%s\n\n%s\n", indent(a.Why, "    ", s.width), indent(a.Mend, "    ", s.width))
		s.printf("\n%s\n", indent(fmt.Sprintf("The mercator block sets the level, one of %s: advice = { %s = \"off\" }", list(schema.Levels()), a.Code), "    ", s.width))
		if len(a.Kinds) > 0 {
			s.printf("%s\n", indent(fmt.Sprintf("A block says why it is right there: accept = { %s = \"why that is right here\" }", a.Code), "    ", s.width))
		}
	}
	return nil
}

// meaning says what a code of the files' findings means, which is no advice.
func meaning(s screen, code string, asJSON bool) error {
	for _, c := range config.Codes() {
		switch {
		case c.Code != code:
		case asJSON:
			return printJSON(s, map[string]string{"code": code, "meaning": c.Meaning})
		default:
			s.printf("%s\n%s\n", page{s}.strong(code), indent(capital(c.Meaning)+".", "    ", s.width))
			return nil
		}
	}
	catalog, err := kinds.Catalog()
	if err != nil {
		return err
	}
	nearest, best := "", 2+len(code)/4
	for _, known := range explained(catalog.Advice()) {
		if d := levenshtein.Distance(known, code, nil); d < best {
			nearest, best = known, d
		}
	}
	if nearest != "" {
		return fmt.Errorf("there is nothing to explain about %q; did you mean %q?", code, nearest)
	}
	return fmt.Errorf("there is nothing to explain about %q; \"mercator explain\" lists all advice, and the message of every other finding says what it is about", code)
}

// explained returns the codes that can be explained.
func explained(advice []schema.AdviceOf) []string {
	var out []string
	for _, a := range advice {
		out = append(out, a.Code)
	}
	for _, c := range config.Codes() {
		out = append(out, c.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
