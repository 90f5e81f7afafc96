package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"mercator/schema"
	"mercator/schema/jsonschema"
	"mercator/schema/kinds"
)

func schemaCommand(w *World, g *globals) *cobra.Command {
	var asJSON, asJSONSchema bool
	cmd := &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Show the kinds, or the arguments of one",
		Long: "Schema lists the kinds of resources, or shows one: its arguments and their types, what identifies it, the operations of the " +
			"Administration API that it uses, and the roles that they need. With --json-schema it prints a JSON Schema (draft 2020-12), by " +
			"which editors complete and check configurations in JSON syntax (*.hcl.json), or the body of one kind's block.",
		Example: "  mercator schema\n  mercator schema cluster\n  mercator schema database_user --json\n" +
			"  mercator schema --json-schema > mercator.schema.json",
		Args:        cobra.MaximumNArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(_ *cobra.Command, args []string) error {
			if asJSON && asJSONSchema {
				return usagef("--json and --json-schema print different things; choose one of them")
			}
			catalog, err := kinds.Catalog()
			if err != nil {
				return err
			}
			s := newScreen(w, g, w.Stdout)
			s.width = min(s.width, plainWidth)
			if asJSONSchema {
				return showJSONSchema(s, catalog, args)
			}
			return showSchema(s, catalog, args, asJSON)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			catalog, err := kinds.Catalog()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return catalog.Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&asJSONSchema, "json-schema", false, "print a JSON Schema for editors")
	return cmd
}

func showJSONSchema(s screen, catalog *schema.Catalog, args []string) error {
	if len(args) == 0 {
		return printJSON(s, jsonschema.Configuration(catalog))
	}
	kind := catalog.Kind(args[0])
	if kind == nil {
		return unknownKind(catalog, args[0])
	}
	return printJSON(s, jsonschema.Kind(catalog, kind))
}

func showSchema(s screen, catalog *schema.Catalog, args []string, asJSON bool) error {
	if len(args) == 0 {
		if asJSON {
			return printJSON(s, catalogJSON(catalog))
		}
		s.kinds(catalog)
		return nil
	}
	kind := catalog.Kind(args[0])
	if kind == nil {
		return unknownKind(catalog, args[0])
	}
	if asJSON {
		return printJSON(s, kindJSON(kind))
	}
	page{s}.kind(catalog, kind)
	return nil
}

func unknownKind(catalog *schema.Catalog, name string) error {
	if n := nearest(name, catalog.Names()); n != "" {
		return fmt.Errorf("there is no kind %q; did you mean %q?", name, n)
	}
	return fmt.Errorf("there is no kind %q; the kinds are %s", name, list(catalog.Names()))
}

// kinds lists the kinds, those that live in another below it.
func (s screen) kinds(catalog *schema.Catalog) {
	var walk func(parent, lead string)
	walk = func(parent, lead string) {
		for _, k := range catalog.Children(parent) {
			s.printf("%s%s\n%s\n", lead, k.Name, indent(k.Doc, lead+"    ", s.width))
			walk(k.Name, lead+"  ")
		}
	}
	walk("", "")
}

// page writes the reference of one kind.
type page struct{ screen }

func (p page) kind(catalog *schema.Catalog, k *schema.Kind) {
	p.printf("%s\n\n%s\n", p.strong(strings.ToUpper(k.Name)), indent(k.Doc, "  ", p.width))
	var facts []string
	if k.Parent != "" {
		facts = append(facts, "Lives in a "+k.Parent+".")
	}
	if children := catalog.Children(k.Name); len(children) > 0 {
		var names []string
		for _, c := range children {
			names = append(names, c.Name)
		}
		facts = append(facts, "Blocks inside: "+list(names)+".")
	}
	facts = append(facts, identityOf(k)...)
	if k.Settle != nil {
		facts = append(facts, fmt.Sprintf("Atlas works on it in the background; apply waits, for up to %s.", k.Settle.Limit))
	}
	p.printf("\n%s\n", indent(strings.Join(facts, "\n"), "  ", p.width))
	p.section("Arguments")
	if k.Fan != nil {
		p.fan(k)
	} else {
		p.attributes(k.Attributes, "  ", func(a *schema.Attribute) bool { return a.Argument() })
	}
	if slices.ContainsFunc(k.Attributes, func(a schema.Attribute) bool { return a.Owner == schema.Server }) {
		p.section("Decided by Atlas")
		p.attributes(k.Attributes, "  ", func(a *schema.Attribute) bool { return a.Owner == schema.Server })
	}
	p.section("Operations below " + apiRoot)
	p.operations(k)
}

func (p page) strong(text string) string { return p.paint(text, color.Bold) }

func (p page) section(title string) { p.printf("\n%s\n\n", p.strong(title)) }

// removal says what the removal of a singleton's block comes to.
func removal(k *schema.Kind) string {
	if k.Reset == "" {
		return "Where the block is removed, everything stays as it is."
	}
	return "Where the block is removed, it is reset: " + k.Reset + "."
}

func identityOf(k *schema.Kind) []string {
	id := k.Identity
	var out []string
	switch {
	case k.Singleton && k.Parent == "":
		out = append(out, "A connection leads to exactly one.", removal(k))
	case k.Singleton:
		out = append(out, "There is exactly one; inside its "+k.Parent+" the block has no label.", removal(k))
	case len(id.Key) > 0:
		out = append(out, "Known in Atlas by "+list(id.Key)+".")
	case id.Binds == schema.ByContent:
		out = append(out, "It has no name in Atlas: it is found by its id, or by exactly equal content.")
	}
	if id.LabelIs != "" {
		out = append(out, fmt.Sprintf("The label is its %s unless that is set.", id.LabelIs))
	}
	if id.Hint != "" {
		out = append(out, "Atlas wants "+id.Hint+".")
	}
	if k.HoldsData {
		out = append(out, "It holds data: deletion and replacement need to be confirmed.")
	}
	return out
}

func (p page) fan(k *schema.Kind) {
	p.printf("  %s  map, required\n", p.strong(k.Fan.Argument))
	text := fmt.Sprintf("Each key is the %s of a resource of its own; the value is an object of the arguments below.", k.Fan.Key)
	if k.Fan.Short != "" {
		text = fmt.Sprintf("Each key is the %s of a resource of its own; the value is its %s, or an object of the arguments below.", k.Fan.Key, k.Fan.Short)
	}
	p.printf("%s\n", indent(text, "      ", p.width))
	p.attributes(k.Attributes, "      ", func(a *schema.Attribute) bool { return a.Argument() && a.Name != k.Fan.Key })
}

func (p page) attributes(attrs []schema.Attribute, lead string, want func(*schema.Attribute) bool) {
	for i := range attrs {
		a := &attrs[i]
		if !want(a) {
			continue
		}
		if line := strings.Join(traits(a), ", "); len(lead)+len(a.Name)+2+len(line) <= p.width {
			p.printf("%s%s  %s\n", lead, p.strong(a.Name), line)
		} else {
			p.printf("%s%s\n%s\n", lead, p.strong(a.Name), indent(line, lead+"    ", p.width))
		}
		if text := about(a); text != "" {
			p.printf("%s\n", indent(text, lead+"    ", p.width))
		}
		p.attributes(a.Nested, lead+"    ", want)
	}
}

// traits are the type of an attribute and the words that qualify it.
func traits(a *schema.Attribute) []string {
	out := []string{typeName(a)}
	for _, t := range []struct {
		holds bool
		word  string
	}{
		{a.Required, "required"}, {len(a.RequiredWhen) > 0, "sometimes required"}, {a.Immutable, "cannot be changed in place"},
		{a.WriteOnly, "secret, never stored"}, {a.OnceShown, "secret, shown once"}, {a.DestroyTime, "used at deletion"},
		{a.Unread, "never shown by Atlas"}, {a.Initial, "taken once"},
	} {
		if t.holds {
			out = append(out, t.word)
		}
	}
	return out
}

func typeName(a *schema.Attribute) string {
	switch a.Type {
	case schema.TypeNumber:
		return "number"
	case schema.TypeInteger:
		return "integer"
	case schema.TypeBool:
		return "bool"
	case schema.TypeTime:
		return "time"
	case schema.TypeObject:
		return "object"
	case schema.TypeList:
		if a.Nested != nil {
			return "list of objects"
		}
		return "list of " + typeName(&schema.Attribute{Type: a.Of}) + "s"
	case schema.TypeMap:
		return "map of " + typeName(&schema.Attribute{Type: a.Of}) + "s"
	case schema.TypePairs:
		return "map of strings"
	case schema.TypeJSON:
		return "JSON document"
	default:
		return "string"
	}
}

// fewValues is how many values of an enumeration are listed.
const fewValues = 12

// about is what is said of an attribute below its name.
func about(a *schema.Attribute) string {
	var out []string
	if a.Doc != "" {
		out = append(out, a.Doc)
	}
	if n := len(a.Enum); n > fewValues {
		out = append(out, fmt.Sprintf("One of %s and %d more.", strings.Join(a.Enum[:fewValues], ", "), n-fewValues))
	} else if n > 0 {
		out = append(out, "One of "+strings.Join(a.Enum, ", ")+".")
	}
	if text := bounds(a); text != "" {
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// bounds says how large or long a value may be.
func bounds(a *schema.Attribute) string {
	switch {
	case a.Min != nil && a.Max != nil:
		return fmt.Sprintf("From %v to %v.", *a.Min, *a.Max)
	case a.Min != nil:
		return fmt.Sprintf("At least %v.", *a.Min)
	case a.Max != nil:
		return fmt.Sprintf("At most %v.", *a.Max)
	case a.MaxLen > 0:
		return fmt.Sprintf("At most %d characters.", a.MaxLen)
	default:
		return ""
	}
}

// apiRoot is what every path of the Administration API begins with; pages leave it out.
const apiRoot = "/api/atlas/v2"

func (p page) operations(k *schema.Kind) {
	for _, o := range operationsOf(k) {
		p.printf("  %-7s %s (%s)\n", o.Verb, o.Operation, o.Version)
		p.printf("          %s\n          %s\n", p.path(o.Method+" "+strings.TrimPrefix(o.Path, apiRoot), "          "), o.Role)
	}
}

// path writes a request, a long one on several lines that begin with a segment of its path.
func (p page) path(request, lead string) string {
	var lines []string
	for len(lead)+len(request) > p.width {
		at := strings.LastIndexByte(request[:p.width-len(lead)], '/')
		if at <= len("  ") {
			break // a single segment
		}
		lines, request = append(lines, request[:at]), "  "+request[at:]
	}
	return strings.Join(append(lines, request), "\n"+lead)
}

// list joins names as people write them.
func list(names []string) string {
	switch len(names) {
	case 0:
		return "none"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
}
