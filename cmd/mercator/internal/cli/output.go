package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"mercator/apply/state"
)

func outputCommand(w *World, g *globals) *cobra.Command {
	var asJSON bool
	var in inputs
	cmd := &cobra.Command{
		Use:   "output [NAME]",
		Short: "Print the outputs of the last apply",
		Long: "Output prints the values of the output blocks as the last apply left them, or the one called NAME: a text as it is, " +
			"anything else as JSON. Sensitive outputs are not stored, so they can't be printed.",
		Example:     "  mercator output\n  mercator output connection_string\n  mercator output --json | jq .",
		Args:        cobra.MaximumNArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := openFolder(w, g, ".", in)
			if err != nil {
				return err
			}
			store, err := f.openStore()
			if err != nil {
				return err
			}
			st, err := store.Read(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return printOutput(newScreen(w, g, w.Stdout), st, args[0], asJSON)
			}
			return printOutputs(newScreen(w, g, w.Stdout), f.stderr, st, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, types included")
	in.registerState(cmd)
	return cmd
}

func printOutput(s screen, st *state.State, name string, asJSON bool) error {
	o, ok := st.Outputs[name]
	switch {
	case !ok && len(st.Outputs) == 0:
		return fmt.Errorf("there is no output %q: the state holds none; declare it and run mercator apply", name)
	case !ok:
		return fmt.Errorf("there is no output %q; the state holds %s", name, list(slices.Sorted(maps.Keys(st.Outputs))))
	case o.Sensitive:
		return fmt.Errorf("the output %q is sensitive and therefore not stored; take it from where it comes from, "+
			"or declare the output without sensitive if it is no secret", name)
	}
	if !asJSON && o.Value.Type() == cty.String && o.Value.IsKnown() && !o.Value.IsNull() {
		s.printf("%s\n", o.Value.AsString())
		return nil
	}
	text, err := valueJSON(o.Value)
	if err != nil {
		return err
	}
	s.printf("%s\n", text)
	return nil
}

// outputJSON is an output in JSON, in the form that Terraform's users know.
type outputJSON struct {
	Sensitive bool            `json:"sensitive"`
	Type      json.RawMessage `json:"type,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"`
}

func outputsJSON(outputs map[string]state.Output) (map[string]outputJSON, error) {
	out := map[string]outputJSON{}
	for name, o := range outputs {
		if o.Sensitive {
			out[name] = outputJSON{Sensitive: true}
			continue
		}
		ty, err := ctyjson.MarshalType(o.Value.Type())
		if err != nil {
			return nil, err
		}
		value, err := ctyjson.Marshal(o.Value, o.Value.Type())
		if err != nil {
			return nil, err
		}
		out[name] = outputJSON{Type: ty, Value: value}
	}
	return out, nil
}

func printOutputs(s, stderr screen, st *state.State, asJSON bool) error {
	if asJSON {
		outputs, err := outputsJSON(st.Outputs)
		if err != nil {
			return err
		}
		return printJSON(s, outputs)
	}
	if len(st.Outputs) == 0 {
		stderr.line("The state holds no outputs. Declare them with output blocks and run mercator apply.")
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(st.Outputs)) {
		o := st.Outputs[name]
		if o.Sensitive {
			s.printf("%s = (sensitive, not stored)\n", name)
			continue
		}
		text, err := valueJSON(o.Value)
		if err != nil {
			return err
		}
		s.printf("%s = %s\n", name, text)
	}
	return nil
}

// valueJSON returns a value without secrets as indented JSON.
func valueJSON(v cty.Value) (string, error) {
	var b bytes.Buffer
	err := printJSON(screen{w: &b}, ctyjson.SimpleJSONValue{Value: v})
	return strings.TrimSuffix(b.String(), "\n"), err
}

func printJSON(s screen, v any) error {
	e := json.NewEncoder(s.w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
