package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"mercator/schema"
	"mercator/schema/diag"
)

// local is one definition of a locals block.
type local struct {
	name string
	x    *expr
	rng  diag.Range
}

// output is an output block.
type output struct {
	name, description string
	sensitive         bool
	value             *expr
	preconditions     []*condition
	rng               diag.Range
}

// importKind stands in for the kind of an import block, which for_each repeats like a resource.
var importKind = &schema.Kind{Name: "import"}

// moveDecl, removalDecl and importDecl are the blocks of those names.
type moveDecl struct {
	from, to *addressExpr
	rng      diag.Range
}

type removalDecl struct {
	from    *addressExpr
	destroy *expr
	rng     diag.Range
}

type importDecl struct {
	// block is what a for_each repeats.
	block *block
	to    *addressExpr
	id    *expr
	rng   diag.Range
}

// rootOnly are the blocks that belong to the root configuration, and why.
var rootOnly = map[string]string{
	"mercator": "The settings are those of the whole configuration: write them in its own folder.",
	"atlas":    "Connections belong to the whole configuration: declare them in its own folder, and name one with atlas = \"LABEL\" in the module block.",
	"import":   "Imports belong to the configuration's own folder: import to module.NAME.KIND.LABEL there.",
}

// declareBodies takes the top level of a module's files apart.
func (l *loader) declareBodies(bodies []hcl.Body) {
	top := shape{what: "the top level", blocks: map[string]labels{
		"variable": {1, 1}, "locals": {}, "output": {1, 1}, "module": {1, 1}, "check": {1, 1}, "data": {2, 2}, "moved": {}, "removed": {},
	}}
	if l.module.call == nil {
		top.blocks["mercator"], top.blocks["atlas"], top.blocks["import"] = labels{}, labels{0, 1}, labels{}
	} else {
		top.unknownBlock = func(name string) (string, string) {
			if why := rootOnly[name]; why != "" {
				return codeMisplacedBlock, why
			}
			return "", ""
		}
	}
	for _, name := range l.options.Catalog.Names() {
		top.blocks[name] = labels{1, 1}
	}
	for _, body := range bodies {
		got := l.take(body, top)
		for _, b := range got.blocks {
			l.declare(b)
		}
	}
}

func (l *loader) declare(b *hcl.Block) {
	switch b.Type {
	case "mercator":
		l.declareSettings(b)
	case "atlas":
		l.declareConnection(b)
	case "variable":
		l.declareVariable(b)
	case "locals":
		l.declareLocals(b)
	case "output":
		l.declareOutput(b)
	case "module":
		l.declareCall(b)
	case "check":
		l.declareCheck(b)
	case "data":
		l.declareLookup(b)
	case "moved":
		l.declareMove(b)
	case "removed":
		l.declareRemoval(b)
	case "import":
		l.declareImport(b)
	default:
		l.declareResource(b, nil)
	}
}

func (l *loader) declareLocals(b *hcl.Block) {
	attrs, hd := b.Body.JustAttributes()
	for _, d := range hd {
		l.add(syntaxError(d))
	}
	for name, a := range attrs {
		if old := l.module.locals[name]; old != nil {
			l.add(duplicate("local value", name, rangeOf(a.NameRange), rangeOf(old.x.Range())))
			continue
		}
		l.module.locals[name] = &local{name: name, x: l.expr(a.Expr, scope{}), rng: rangeOf(a.NameRange)}
	}
}

func duplicate(what, name string, at, first diag.Range) diag.Diagnostic {
	return diag.Errorf(codeDuplicateBlock, fmt.Sprintf("The %s %q is declared twice", what, name),
		"It is declared at %s already; each name can be used once.", first).At(at)
}

func (l *loader) declareOutput(b *hcl.Block) {
	s := shape{what: "an output", args: []string{"value", "description", "sensitive"},
		blocks: map[string]labels{"precondition": {}}}
	got := l.take(b.Body, s)
	o := &output{name: b.Labels[0], rng: rangeOf(b.DefRange)}
	for _, old := range l.module.outputs {
		if old.name == o.name {
			l.add(duplicate("output", o.name, o.rng, old.rng))
			return
		}
	}
	o.description = l.constantText(got.args["description"])
	o.sensitive = l.constantBool(got.args["sensitive"], false)
	for _, p := range got.blocks {
		o.preconditions = append(o.preconditions, l.declareCondition(p, scope{}))
	}
	if a := got.args["value"]; a != nil {
		o.value = l.expr(a.Expr, scope{})
	} else {
		l.add(missing("An output", "value", o.rng))
		return
	}
	l.module.outputs = append(l.module.outputs, o)
}

func missing(what, name string, at diag.Range) diag.Diagnostic {
	return diag.Errorf(codeMissingArgument, fmt.Sprintf("The argument %q is missing", name),
		"%s needs %s = ...", capital(what), name).At(at)
}

func (l *loader) declareMove(b *hcl.Block) {
	got := l.take(b.Body, shape{what: "a moved block", args: []string{"from", "to"}})
	m := &moveDecl{rng: rangeOf(b.DefRange)}
	m.from = l.addressArgument(got, "a moved block", "from", m.rng, nil)
	m.to = l.addressArgument(got, "a moved block", "to", m.rng, nil)
	if m.from != nil && m.to != nil {
		l.module.moves = append(l.module.moves, m)
	}
}

func (l *loader) declareRemoval(b *hcl.Block) {
	got := l.take(b.Body, shape{what: "a removed block", args: []string{"from", "destroy"}})
	r := &removalDecl{rng: rangeOf(b.DefRange)}
	if a := got.args["destroy"]; a != nil {
		r.destroy = l.expr(a.Expr, scope{early: true})
	}
	if r.from = l.addressArgument(got, "a removed block", "from", r.rng, nil); r.from != nil {
		l.module.removals = append(l.module.removals, r)
	}
}

func (l *loader) declareImport(b *hcl.Block) {
	got := l.take(b.Body, shape{what: "an import block", args: []string{"to", "id", "for_each"}})
	i := &importDecl{rng: rangeOf(b.DefRange)}
	i.block = &block{kind: importKind, in: l.module, header: i.rng}
	if a := got.args["for_each"]; a != nil {
		i.block.forEach = l.expr(a.Expr, scope{early: true})
	}
	inside := scope{early: true, block: i.block}
	i.to = l.addressArgument(got, "an import block", "to", i.rng, &inside)
	a := got.args["id"]
	if a == nil {
		l.add(missing("an import block", "id", i.rng))
		return
	}
	i.id = l.expr(a.Expr, inside)
	if i.to != nil {
		l.imports = append(l.imports, i)
	}
}
