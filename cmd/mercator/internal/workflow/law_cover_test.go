package workflow_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"mercator/schema"
)

// lawCover counts how often each argument was set, changed and released, by its path.
type lawCover struct {
	paths []string
	cells map[string]*lawCell
}

type lawCell struct {
	set, changed, released   int
	mayChange, mayBeReleased bool
}

// lawCannot are the cells that no descriptor rules out and that are empty all the same, each with the reason.
var lawCannot = map[string]string{
	"changed cluster.replication_specs.region_configs.backing_provider_name": "a free cluster takes no change of its shape",
	"released network_peering.route_table_cidr_block":                        "a connection that is made anew needs it",
	"released private_endpoint.private_endpoint_ip_address":                  "an endpoint on Azure that is made anew needs it",
	"changed project.region_usage_restrictions":                              "replaces the project",
}

// newLawCover counts the arguments of the kinds that TestLaw draws: credentials are in TestLawOfKeys, and what is done
// once in TestLawOfBackups. People are in TestLawOfPeople, and others have a law apart.
func newLawCover() *lawCover {
	return newLawCoverOf(func(k *schema.Kind) bool {
		return k.Credential == nil && !k.Once && k.Lasting == "" && !slices.Contains(lawPeopleKinds, k.Name) && !lawsApart[k.Name]
	})
}

func newLawCoverOf(wanted func(*schema.Kind) bool) *lawCover {
	c := &lawCover{cells: map[string]*lawCell{}}
	for _, name := range catalog.Names() {
		if k := catalog.Kind(name); wanted(k) {
			c.add(k.Attributes, name, false)
		}
	}
	return c
}

// add makes the cells of arguments. An argument of which Atlas takes no change, or that has one value only, has no
// changes to count, and a required one is never released.
func (c *lawCover) add(attrs []schema.Attribute, path string, fixed bool) {
	for i := range attrs {
		a := &attrs[i]
		at := path + "." + a.Name
		if !a.Argument() {
			continue
		}
		c.paths = append(c.paths, at)
		c.cells[at] = &lawCell{mayChange: !fixed && !a.Immutable && len(a.Enum) != 1, mayBeReleased: !a.Required && !(a.Immutable && a.RequiredWhen != nil)}
		c.add(a.Nested, at, fixed || a.Immutable)
	}
}

// count notes how a configuration differs from the one before; nil stands for none.
func (c *lawCover) count(before, now *lawEstate) {
	was := map[string]lawObject{}
	if before != nil {
		for _, d := range before.declared() {
			was[d.cover()] = d.all()
		}
	}
	for _, d := range now.declared() {
		c.object(catalog.Kind(d.kind).Attributes, d.kind, was[d.cover()], d.all())
	}
}

func (d lawDeclared) cover() string { return fmt.Sprint(d.block.id, " ", d.instance) }

// all are the arguments with the name that the label stands for.
func (d lawDeclared) all() lawObject {
	name := nameArgument(d.kind)
	if name == "" || d.kind == "database_user" && d.args[name] != nil {
		return d.args
	}
	_, text, ok := strings.Cut(d.key, "/")
	if !ok {
		text = d.key
	}
	return lawWith(d.args, name, text)
}

func (c *lawCover) object(attrs []schema.Attribute, path string, was, is lawObject) {
	for i := range attrs {
		a := &attrs[i]
		cell := c.cells[path+"."+a.Name]
		if cell == nil {
			continue
		}
		old, had := was[a.Name]
		now, has := is[a.Name]
		switch {
		case has && !had:
			cell.set++
		case had && !has:
			cell.released++
		case had && !reflect.DeepEqual(old, now):
			cell.changed++
		}
		switch now := now.(type) {
		case lawObject:
			o, _ := old.(lawObject)
			c.object(a.Nested, path+"."+a.Name, o, now)
		case []any:
			c.list(a, path+"."+a.Name, old, now)
		}
	}
}

// list compares elements by their place, which is right for most: elements that stay keep it.
func (c *lawCover) list(a *schema.Attribute, path string, old any, now []any) {
	before, _ := old.([]any)
	for i, el := range now {
		o, ok := el.(lawObject)
		if !ok {
			return
		}
		var was lawObject
		if i < len(before) {
			was, _ = before[i].(lawObject)
		}
		c.object(a.Nested, path, was, o)
	}
}

func (c *lawCover) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-90s %7s %7s %8s\n", "argument", "set", "changed", "released")
	for _, path := range c.paths {
		cell := c.cells[path]
		show := func(n int, may bool) string {
			if !may && n == 0 {
				return "-"
			}
			return fmt.Sprint(n)
		}
		fmt.Fprintf(&b, "%-90s %7d %7s %8s\n", path, cell.set, show(cell.changed, cell.mayChange), show(cell.released, cell.mayBeReleased))
	}
	return b.String()
}

// missing lists the cells that are empty and need not be.
func (c *lawCover) missing() []string {
	var out []string
	for _, path := range c.paths {
		cell := c.cells[path]
		if cell.set == 0 {
			out = append(out, "set "+path)
		}
		if cell.changed == 0 && cell.mayChange {
			out = append(out, "changed "+path)
		}
		if cell.released == 0 && cell.mayBeReleased {
			out = append(out, "released "+path)
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return lawCannot[s] != "" })
}
