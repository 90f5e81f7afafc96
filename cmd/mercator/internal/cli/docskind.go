package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// document is a page in Markdown under way.
type document struct {
	strings.Builder
	// enums are the attributes with more known values than a line holds, which are listed at the end.
	enums []*schema.Attribute
}

func (d *document) printf(format string, args ...any) { fmt.Fprintf(&d.Builder, format, args...) }

// heading writes a heading with an empty line before it and behind it.
func (d *document) heading(level int, text string) {
	if d.Len() > 0 && !strings.HasSuffix(d.String(), "\n\n") {
		d.printf("\n")
	}
	d.printf("%s %s\n\n", strings.Repeat("#", level), text)
}

func (d *document) code(language, text string) {
	d.printf("```%s\n%s\n```\n", language, strings.TrimSuffix(text, "\n"))
}

// markdown writes a text so that nothing in it is taken for Markdown.
func markdown(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "<", `\<`, "[", `\[`, "]", `\]`, "|", `\|`, "`", "\\`").Replace(text)
}

// verbatim writes names and values as code.
func verbatim(names ...string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "`" + n + "`"
	}
	return strings.Join(quoted, ", ")
}

// kindLink refers to the page of a kind.
func kindLink(name string) string { return fmt.Sprintf("[%s](%s.md)", name, name) }

// kindPage is the reference of one kind.
func kindPage(catalog *schema.Catalog, k *schema.Kind, shown example) string {
	d := &document{}
	d.heading(1, k.Name)
	d.printf("%s\n\n", markdown(k.Doc))
	switch {
	case k.Parent != "":
		d.printf("It lives in a %s: written in the block of one, or anywhere with `%s = ...`. ", kindLink(k.Parent), k.Parent)
	case !k.Singleton:
		d.printf("It lives in an organization. ")
	}
	switch {
	case k.Singleton && k.Parent == "":
		d.printf("A connection leads to exactly one. %s ", removal(k))
	case k.Singleton:
		d.printf("Every %s has exactly one, so that inside of it the block takes no label and stands once. %s ", k.Parent, removal(k))
	}
	if k.Once {
		d.printf("It is made once: one that is gone is not made again, unless `--replace` asks for another, and those that nobody declared are left alone. ")
	}
	if len(k.InParent) > 0 {
		d.printf("It is made only in a %s of which %s. ", kindLink(k.Parent), conditions(k.InParent))
	}
	if children := catalog.Children(k.Name); len(children) > 0 {
		var links []string
		for _, c := range children {
			links = append(links, kindLink(c.Name))
		}
		d.printf("Blocks inside: %s. ", list(links))
	}
	d.printf("Every block takes the [arguments of all resources](README.md#arguments-of-all-resources) besides its own.\n")
	if shown.source != "" {
		d.heading(2, "Example")
		d.code("hcl", shown.source)
	}
	d.heading(2, "Arguments")
	d.arguments(k)
	if computed := func(a *schema.Attribute) bool { return a.Owner == schema.Server }; holdsAny(k.Attributes, computed) {
		d.heading(2, "Decided by Atlas")
		d.printf("Expressions can read these once the object exists, and a file cannot set them.\n\n")
		d.attributes(k.Attributes, "", computed)
	}
	d.identity(k, shown.resource)
	d.risks(k)
	d.advice(k)
	d.operations(k)
	d.values()
	return d.String()
}

// holdsAny reports whether an attribute at any depth is one of those that are wanted.
func holdsAny(attrs []schema.Attribute, want func(*schema.Attribute) bool) bool {
	return slices.ContainsFunc(attrs, func(a schema.Attribute) bool { return !a.Handle && (want(&a) || holdsAny(a.Nested, want)) })
}

func (d *document) arguments(k *schema.Kind) {
	argument := func(a *schema.Attribute) bool { return a.Argument() }
	if k.Fan == nil {
		d.attributes(k.Attributes, "", argument)
		return
	}
	d.printf("- `%s` (map, required): Each key is the `%s` of a resource of its own. %s ", k.Fan.Argument, k.Fan.Key,
		markdown(k.Attribute(k.Fan.Key).Doc))
	if k.Fan.Short != "" {
		d.printf("The value is its `%s`, or an object of:\n", k.Fan.Short)
	} else {
		d.printf("The value is an object of:\n")
	}
	d.attributes(k.Attributes, "  ", func(a *schema.Attribute) bool { return a.Argument() && a.Name != k.Fan.Key })
}

// attributes lists the attributes that are wanted, and what they are in where only something inside is.
func (d *document) attributes(attrs []schema.Attribute, lead string, want func(*schema.Attribute) bool) {
	for i := range attrs {
		a := &attrs[i]
		switch {
		case a.Handle || !want(a) && (a.Virtual || !holdsAny(a.Nested, want)):
			continue
		case !want(a):
			d.printf("%s- `%s` (%s)\n", lead, a.Name, typeName(a))
		default:
			d.printf("%s- `%s` (%s): %s\n", lead, a.Name, strings.Join(traits(a), ", "), d.about(a))
		}
		d.attributes(a.Nested, lead+"  ", want)
	}
}

// about is what is said of an attribute behind its type.
func (d *document) about(a *schema.Attribute) string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if a.Doc != "" {
		say("%s", markdown(a.Doc))
	}
	if len(a.Enum) > fewValues {
		say("One of [%d values](#%s).", len(a.Enum), strings.ReplaceAll(strings.ToLower(d.valuesOf(a)), " ", "-"))
	} else if len(a.Enum) > 0 {
		say("One of %s.", verbatim(a.Enum...))
	}
	if text := bounds(a); text != "" {
		say("%s", text)
	}
	if v := a.Default; v != cty.NilVal && v.IsKnown() && !v.IsNull() && v.Type() == cty.String && v.AsString() != "" {
		say("Atlas takes %s where nothing is said.", verbatim(v.AsString()))
	}
	if len(a.AllowedWhen) > 0 {
		say("Only where %s.", conditions(a.AllowedWhen))
	}
	if len(a.RequiredWhen) > 0 {
		say("Required where %s.", conditions(a.RequiredWhen))
	}
	for _, r := range a.Refers {
		if r.Attribute == "" {
			say("With %s it asks for the %s beside it, and is then applied after that.", verbatim(r.Of...), kindLink(r.Kind))
			continue
		}
		say("It can name a %s by its `%s`, and is then applied after that.", kindLink(r.Kind), r.Attribute)
	}
	if a.Type == schema.TypeList && !a.Elem.Ordered && a.Argument() {
		say("The order has no meaning.")
	}
	return strings.Join(out, " ")
}

func conditions(all []schema.Condition) string {
	var texts []string
	for i := range all {
		texts = append(texts, markdown(all[i].Words()))
	}
	return strings.Join(texts, " and ")
}

// valuesOf returns the heading under which an attribute's values are listed, one for all that have the same.
func (d *document) valuesOf(a *schema.Attribute) string {
	others := 0
	for _, listed := range d.enums {
		if listed.Name == a.Name && slices.Equal(listed.Enum, a.Enum) {
			return valuesTitle(a, others)
		}
		if listed.Name == a.Name {
			others++
		}
	}
	d.enums = append(d.enums, a)
	return valuesTitle(a, others)
}

func valuesTitle(a *schema.Attribute, others int) string {
	if others > 0 {
		return fmt.Sprintf("Values of %s %d", a.Name, others+1)
	}
	return "Values of " + a.Name
}

// values lists what did not fit in a line.
func (d *document) values() {
	for _, a := range d.enums {
		d.heading(2, d.valuesOf(a))
		d.printf("%s\n", verbatim(a.Enum...))
	}
}

// identity says how an object is found in Atlas and how it is imported.
func (d *document) identity(k *schema.Kind, shown schema.Resource) {
	d.heading(2, "Finding and importing")
	for _, fact := range identityOf(k) {
		d.printf("- %s\n", markdown(fact))
	}
	switch {
	case k.Singleton:
		d.printf("- What is there already is changed in place; nothing has to be imported.\n")
		if k.Lasting != "" {
			d.printf("- Removing the block ends its management and nothing else: %s.\n", k.Lasting)
		}
		if k.Reset != "" {
			d.printf("- Removing the block resets it: %s.\n", markdown(k.Reset))
		}
	case k.Identity.Binds == schema.ByKey:
		d.printf("- What Atlas holds under that already is adopted; what was made anew under it outside is bound again.\n")
		for i := range k.Upgrades {
			d.printf("- %s\n", markdown(k.Upgrades[i].Doc))
		}
	case k.Identity.Binds == schema.ByID && len(k.Identity.Key) > 0:
		d.printf("- It is bound by its id, so that it can be renamed; what Atlas holds under that name already is adopted.\n")
	case k.Identity.Binds == schema.ByID:
		d.printf("- It is bound by its id, and nothing else tells one from another: what the state does not know is left alone, and a new one is made.\n")
	}
	if k.Credential != nil {
		d.printf("- Its secret goes to `%s` or `%s` before anything else happens. Where that fails it is revoked.\n", schema.SecretFile, schema.SecretCommand)
		if k.Credential.Rotation != nil {
			d.printf("- With `%s` its secret is replaced in time by an apply. Where it is the credential that Mercator itself uses, that comes last, and needs --allow-destroy where nobody is asked.\n", schema.RotateBefore)
		}
	}
	if id := importedBy(k, shown); id != "" {
		d.printf("\nTo import one on purpose, which makes it owned instead of adopted:\n\n")
		d.code("hcl", fmt.Sprintf("import {\n  to = %s\n  id = %s\n}", shown.Address, id))
	}
}

// importedBy returns what the id of an import is for a resource, "" for what is not imported.
func importedBy(k *schema.Kind, r schema.Resource) string {
	if k.Singleton || r.Address == "" {
		return ""
	}
	key, known, err := k.NaturalKey(r.Value)
	if err != nil || !known {
		return `"650000000000000000000001" # its id in Atlas`
	}
	var parts []string
	values := k.KeyParts(key)
	for _, name := range k.Identity.Key {
		parts = append(parts, fmt.Sprintf("%s = %q", name, values[name]))
	}
	id := "{ " + strings.Join(parts, ", ") + " }"
	if k.Identity.ID != "" {
		id += " # or its id in Atlas, as a text"
	}
	return id
}

// trends say how an attribute changes where that carries a risk.
var trends = map[schema.Trend]string{schema.Changed: "%s is changed", schema.Raised: "%s grows", schema.TurnedOn: "%s is turned on",
	schema.Added: "something is added to %s", schema.Altered: "%s is changed after it was set"}

var events = map[schema.Event]string{schema.OnCreate: "created", schema.OnDelete: "deleted", schema.OnReplace: "replaced", schema.OnUpgrade: "upgraded",
	schema.OnMint: "given a new secret"}

func (d *document) risks(k *schema.Kind) {
	if len(k.Risks) == 0 {
		return
	}
	d.heading(2, "Risks")
	d.printf("A plan names these.\n\n")
	for _, r := range k.Risks {
		when := ""
		if r.Attribute != "" {
			when = fmt.Sprintf(trends[r.When], "`"+r.Attribute+"`")
		} else {
			var words []string
			for _, e := range r.On {
				words = append(words, events[e])
			}
			when = "it is " + strings.Join(words, " or ")
		}
		if r.InUse {
			when += ", of the credential that Mercator works with"
		}
		d.printf("- `%s` where %s\n", r.Risk, when)
	}
}

func (d *document) advice(k *schema.Kind) {
	all := k.AllAdvice()
	if len(all) == 0 {
		return
	}
	d.heading(2, "Advice")
	d.printf("A plan gives it where a resource deserves it. `accept = { CODE = \"why\" }` in the block keeps it silent, and `advice` in the " +
		"`mercator` block chooses for each code whether it is an error, a warning or off.\n\n")
	for i := range all {
		a := &all[i]
		d.printf("- `%s`, %s: it %s. %s %s\n", a.Code, a.LevelOf(nil), markdown(a.Summary), markdown(a.Why), markdown(a.Mend))
	}
}

func (d *document) operations(k *schema.Kind) {
	d.heading(2, "Operations")
	d.printf("Below `%s` of the Atlas Administration API, with the least role that may call each.\n\n", apiRoot)
	d.printf("| does | operation | version | request | role |\n| --- | --- | --- | --- | --- |\n")
	for _, o := range operationsOf(k) {
		d.printf("| %s | %s | %s | `%s %s` | %s |\n", o.Verb, o.Operation, o.Version, o.Method, strings.TrimPrefix(o.Path, apiRoot), o.Role)
	}
	if k.Settle != nil {
		d.printf("\nAtlas works on it in the background; apply waits, for up to %s unless `timeouts` says otherwise.\n", hours(k.Settle.Limit))
	}
}
