package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/agext/levenshtein"

	"mercator/apply/state"
	httpstate "mercator/apply/state/http"
	"mercator/apply/state/local"
	"mercator/apply/state/postgres"
	"mercator/apply/state/s3"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// backends are the stores that a configuration can name, the default one first.
func backends() []state.Backend {
	return []state.Backend{
		local.Backend(),
		httpstate.Backend(),
		postgres.Backend(),
		s3.Backend(),
	}
}

// openState opens the state that the files, the --state-config flags and the environment describe; with --sandbox
// the sandbox's own, whatever they say, so that real state is never touched.
func (f *folder) openState(settings config.State) (state.Store, diag.List) {
	if f.globals.sandbox {
		return local.New(filepath.Join(f.sandboxDir(), local.DefaultPath), f.catalog, f.clock), nil
	}
	return f.openBackend(settings, f.inputs.state)
}

// openBackend opens a store by name, with arguments from flags, from a block and from the environment, of which the
// earlier win.
func (f *folder) openBackend(block config.State, flags []string) (state.Store, diag.List) {
	all := backends()
	at := slices.IndexFunc(all, func(b state.Backend) bool { return b.Name == block.Type })
	if at < 0 {
		return nil, diag.List{unknownStore(block, all)}
	}
	g := gathering{backend: &all[at], block: block, lookupEnv: f.world.LookupEnv, values: map[string]string{}}
	g.gather(flags)
	if g.diags.HasErrors() {
		return nil, g.diags
	}
	store, err := g.backend.Open(state.Settings{Values: g.values, Dir: f.dir, Catalog: f.catalog, Clock: f.clock, Version: version})
	for _, err := range parts(err) {
		g.diags.Add(diag.FromError(err, codeState, fmt.Sprintf("The state %q cannot be opened", block.Type)).At(block.Range))
	}
	if err != nil {
		return nil, g.diags
	}
	if why := store.Capabilities().Unguarded; why != "" {
		g.diags.Add(diag.Warningf("state_unguarded", "Nothing keeps two applies apart",
			"The state is kept without a lock, so that each can undo what the other records. %s", why).At(block.Range))
	}
	return store, g.diags
}

const codeState = "state_settings"

func unknownStore(block config.State, all []state.Backend) diag.Diagnostic {
	var names []string
	for _, b := range all {
		names = append(names, b.Name)
	}
	detail := fmt.Sprintf("The stores are %s.", list(names))
	if n := nearest(block.Type, names); n != "" {
		detail = fmt.Sprintf("Did you mean %q? %s", n, detail)
	}
	return diag.Errorf(codeState, fmt.Sprintf("There is no state %q", block.Type), "%s", detail).At(block.Range)
}

// gathering collects the arguments of one store.
type gathering struct {
	backend   *state.Backend
	block     config.State
	lookupEnv func(string) (string, bool)
	values    map[string]string
	diags     diag.List
}

func (g *gathering) gather(flags []string) {
	g.fromEnvironment()
	for _, name := range sortedKeys(g.block.Arguments) {
		g.fromBlock(name, g.block.Arguments[name])
	}
	for _, flag := range flags {
		g.fromFlag(flag)
	}
	for _, a := range g.backend.Arguments {
		if a.Required && g.values[a.Name] == "" && !g.diags.HasErrors() {
			g.diags.Add(g.missing(&a))
		}
	}
}

// fromEnvironment takes each argument from the first of its variables that is set and not empty.
func (g *gathering) fromEnvironment() {
	for _, a := range g.backend.Arguments {
		for _, variable := range slices.Backward(a.Environment) {
			if v, ok := g.lookupEnv(variable); ok && v != "" {
				g.values[a.Name] = v
			}
		}
	}
}

// fromBlock takes an argument of the state block. Null is as if it were not written.
func (g *gathering) fromBlock(name string, given config.StateArgument) {
	a := g.argument(name)
	switch {
	case a == nil:
		g.diags.Add(g.unknown(name, "").At(given.Range))
	case given.Sensitive && !a.Sensitive:
		g.diags.Add(diag.Errorf(codeState, fmt.Sprintf("%q is sensitive", name),
			"Messages show it. If it is no secret, write nonsensitive(...) around it%s.", a.orVariable()).At(given.Range))
	case given.Value != "":
		g.values[name] = given.Value
	}
}

// fromFlag takes a --state-config flag. What is wrong with one is told without its text, which may be a secret.
func (g *gathering) fromFlag(flag string) {
	name, value, ok := strings.Cut(flag, "=")
	switch {
	case !ok || !isWord(name): // a connection string has a "=" too
		g.diags.Add(diag.Errorf(codeState, "--state-config needs a name and a value", `Write it as --state-config %s=VALUE.`, g.backend.Arguments[0].Name))
	case g.argument(name) == nil:
		g.diags.Add(g.unknown(name, "--state-config: "))
	default:
		g.values[name] = value
	}
}

// isWord reports whether text can be the name of an argument, misspelt or not.
func isWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func (g *gathering) argument(name string) *argument {
	at := slices.IndexFunc(g.backend.Arguments, func(a state.Argument) bool { return a.Name == name })
	if at < 0 {
		return nil
	}
	return &argument{g.backend.Arguments[at]}
}

func (g *gathering) unknown(name, where string) diag.Diagnostic {
	var names []string
	for _, a := range g.backend.Arguments {
		names = append(names, a.Name)
	}
	detail := fmt.Sprintf("Its arguments, with what they mean: mercator state stores %s", g.backend.Name)
	if n := nearest(name, names); n != "" {
		detail = fmt.Sprintf("Did you mean %q? %s", n, detail)
	}
	return diag.Errorf(codeState, fmt.Sprintf("%sThe state %q has no argument %q", where, g.backend.Name, name), "%s", detail)
}

func (g *gathering) missing(a *state.Argument) diag.Diagnostic {
	detail := fmt.Sprintf("%s: %s. Write %s = ... in the state block, give --state-config %s=VALUE%s.", a.Name, a.Help, a.Name, a.Name, argument{*a}.orVariable())
	return diag.Errorf(codeState, fmt.Sprintf("The state %q needs %q", g.backend.Name, a.Name), "%s", detail).At(g.block.Range)
}

// argument is an argument of a store, as messages speak of it.
type argument struct{ state.Argument }

// orVariable says where else an argument can be set, in the end of a sentence.
func (a argument) orVariable() string {
	if len(a.Environment) == 0 {
		return ""
	}
	return ", or set " + a.Environment[0]
}

// parts returns the errors that err joins, itself where it joins none, and nothing for nil.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// joined makes one error of findings, from which workflow makes the findings again.
func joined(diags diag.List) error {
	var errs []error
	for _, d := range diags {
		errs = append(errs, d)
	}
	return errors.Join(errs...)
}

// nearest returns the candidate that a misspelt name most likely means, or "".
func nearest(name string, candidates []string) string {
	found, best := "", 4
	if len(name) <= 4 {
		best = 3
	}
	for _, c := range candidates {
		if d := levenshtein.Distance(c, name, nil); d < best {
			found, best = c, d
		}
	}
	return found
}
