package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Evaluate computes everything that the files ask for. known says what Atlas holds; nil means that nothing is
// known of it, so that what Atlas decides about is unknown.
func (c *Config) Evaluate(known Known) (*Evaluation, diag.List) {
	e := newEvaluation(c, known)
	return e, e.run()
}

// run computes all that was not computed yet, and returns what there is to say about it.
func (e *Evaluation) run() diag.List {
	e.enter(e.cfg.root, nil)
	e.assemble()
	e.circles()
	e.outputs()
	e.conditions()
	e.addresses()
	e.eachHome(e.cfg.root, nil, e.assert)
	e.duplicates()
	e.Desired.Checks = e.verdicts()
	return e.diags.Sort()
}

// walk evaluates the instances of a block and of the blocks inside them.
func (e *Evaluation) walk(b *block, outer, home *instance) {
	g := e.group(b, outer, home)
	for _, inst := range g.instances {
		if b.content != nil {
			e.enter(b.content, inst)
			continue
		}
		if b.lookup {
			e.lookup(inst)
			continue
		}
		if r := e.result(inst); r != nil {
			for i := range r.entries {
				e.index[r.entries[i].addr] = place{inst, r.entries[i].key}
			}
		}
		for _, c := range b.children {
			e.walk(c, inst, inst.home)
		}
	}
}

// assemble lists the resources in the order of the files, instances and entries by key.
func (e *Evaluation) assemble() {
	e.Desired.Connections, e.Desired.Advice = e.cfg.connections, e.cfg.settings.Advice
	e.resources = make(map[schema.Address]int, len(e.index))
	e.Desired.Resources = make([]schema.Resource, 0, len(e.index))
	var list func(b *block, outer, home *instance)
	list = func(b *block, outer, home *instance) {
		for _, inst := range e.group(b, outer, home).instances {
			if b.content != nil {
				for _, c := range b.content.roots {
					list(c, nil, inst)
				}
			} else if l := e.lookups[inst]; l != nil {
				e.Desired.Lookups = append(e.Desired.Lookups, l.desired(inst))
			} else if r := e.results[inst]; r != nil {
				for _, res := range e.resourcesOf(r) {
					e.resources[res.Address] = len(e.Desired.Resources)
					e.Desired.Resources = append(e.Desired.Resources, res)
				}
			}
			for _, c := range b.children {
				list(c, inst, inst.home)
			}
		}
	}
	for _, b := range e.cfg.root.roots {
		list(b, nil, nil)
	}
}

// resourcesOf returns what a result asks for: one resource, or one per entry of a fan.
func (e *Evaluation) resourcesOf(r *result) []schema.Resource {
	b := r.inst.block
	base := schema.Resource{
		Address: r.inst.addr, Kind: b.kind.Name, Connection: r.connection, Parent: r.parent.ref,
		Value: r.value, DependsOn: e.reached(r.edges).sorted(r.inst.addr, r.parent.ref.Address), Reads: r.edges.lookups(r.parent.ref.Lookup),
		Lifecycle: r.lifecycle, Timeouts: r.timeouts, Exclusive: b.exclusive, Accepted: b.accepted,
		Range: b.header, Ranges: b.ranges,
	}
	if b.kind.Fan == nil {
		return []schema.Resource{base}
	}
	out := make([]schema.Resource, len(r.entries))
	for i, en := range r.entries {
		out[i] = base
		out[i].Address, out[i].Value, out[i].Range = en.addr, en.value, en.rng
		out[i].DependsOn, out[i].Reads = e.reached(en.edges).sorted(en.addr, r.parent.ref.Address), en.edges.lookups(r.parent.ref.Lookup)
	}
	return out
}

func (e *Evaluation) outputs() {
	for _, o := range e.cfg.root.outputs {
		v := e.output(o, nil, nil)
		if v.HasMark(failure{}) {
			continue
		}
		e.check(o.preconditions, frame{}, codePrecondition, checked{schema.CheckOutput, "output." + o.name})
		v, secret := e.public(v)
		if secret && !o.sensitive {
			e.add(diag.Errorf(codeSensitiveOutput, fmt.Sprintf("The output %q holds a sensitive value", o.name),
				"Outputs are shown and stored. Set sensitive = true in it, or leave the secret out.").At(rangeOf(o.value.Range())))
			continue
		}
		if o.sensitive {
			v, _ = v.UnmarkDeep()
			v = v.Mark(schema.Sensitive)
		}
		e.Desired.Outputs = append(e.Desired.Outputs, schema.Output{
			Name: o.name, Value: v, Sensitive: o.sensitive, Description: o.description, Range: o.rng,
		})
	}
	slices.SortFunc(e.Desired.Outputs, func(a, b schema.Output) int { return cmp.Compare(a.Name, b.Name) })
}

// public takes off the marks that serve this room only, and reports whether anything in the value is secret.
func (e *Evaluation) public(v cty.Value) (cty.Value, bool) {
	if !v.ContainsMarked() {
		return v, false
	}
	v, paths := v.UnmarkDeepWithPaths()
	secret := false
	var keep []cty.PathValueMarks
	for _, p := range paths {
		if _, ok := p.Marks[schema.Sensitive]; ok {
			secret = true
			keep = append(keep, cty.PathValueMarks{Path: p.Path, Marks: cty.NewValueMarks(schema.Sensitive)})
		}
	}
	return v.MarkWithPaths(keep), secret
}

// conditions checks the pre- and postconditions of every resource, as far as they are known.
func (e *Evaluation) conditions() {
	for _, r := range e.sorted() {
		f := r.inst.frame()
		e.check(r.inst.block.lifecycle.pre, f, codePrecondition, checked{schema.CheckResource, string(r.inst.addr)})
		if post := r.inst.block.lifecycle.post; len(post) > 0 {
			f.self = e.object(r.inst, nil)
			e.check(post, f, codePostcondition, checked{schema.CheckResource, string(r.inst.addr)})
		}
	}
}

func (e *Evaluation) sorted() []*result {
	var out []*result
	for _, r := range e.results {
		if c := r.inst.block.lifecycle; len(c.pre)+len(c.post) > 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *result) int { return cmp.Compare(a.inst.addr, b.inst.addr) })
	return out
}

// address is the innermost resource or module that a finding concerns.
func address(f frame) string {
	switch {
	case f.inst != nil:
		return string(f.inst.addr)
	case f.home != nil:
		return string(f.home.addr)
	default:
		return ""
	}
}

func (l *loader) validateVariables(e *Evaluation) {
	for _, name := range sortedKeys(l.root.variables) {
		e.check(l.root.variables[name].validations, frame{}, codeValidation, checked{schema.CheckVariable, name})
	}
	l.validated = e.verdicts()
}

// duplicates reports resources that name the same live object, as far as their parents and names are known.
func (e *Evaluation) duplicates() {
	first := make(map[string]int, len(e.Desired.Resources))
	for i := range e.Desired.Resources {
		r := &e.Desired.Resources[i]
		k := e.cfg.options.Catalog.Kind(r.Kind)
		if r.Parent.Unknown {
			continue
		}
		key, known, err := "", true, error(nil)
		if !k.Singleton {
			key, known, err = k.NaturalKey(r.Value)
		}
		if err != nil || !known {
			continue
		}
		name := strings.Join([]string{k.Namespace(), r.Connection, e.placeOf(r.Parent), key}, "\x00")
		j, twice := first[name]
		if !twice {
			first[name] = i
			continue
		}
		e.duplicate(k, &e.Desired.Resources[j], r, key)
	}
}

// placeOf names the parent alike whether it is given as a resource or by the id of an object that is one. Nothing
// rests on what is known of Atlas for that: the plan looks for duplicates again.
func (e *Evaluation) placeOf(p schema.ParentRef) string {
	if p.ID != "" || p.Address == "" {
		return p.ID
	}
	inst := e.instanceAt(p.Address)
	if inst == nil || e.known == nil || inst.block.kind.Identity.ID == "" {
		return string(p.Address)
	}
	live, found := e.known.Object(p.Address)
	if !found {
		return string(p.Address)
	}
	id, _ := live.GetAttr(inst.block.kind.Identity.ID).Unmark()
	if !id.IsKnown() || id.IsNull() {
		return string(p.Address)
	}
	return id.AsString()
}

func (e *Evaluation) duplicate(k *schema.Kind, a, b *schema.Resource, key string) {
	what := k.Name
	if key != "" {
		what = fmt.Sprintf("%s %q", k.Name, key)
	}
	cure := "Remove one of them, or give it another name."
	if a.Kind != b.Kind { // they share their names
		what = fmt.Sprintf("object %q, as a %s and as a %s", key, a.Kind, b.Kind)
		cure = "Atlas has one object of that name. Remove the block that it is not, or give one another name."
	}
	switch id := k.Identity.LabelIs; {
	case id == "" || a.Range != b.Range:
	case e.instanceAt(a.Address).home != e.instanceAt(b.Address).home:
		cure = fmt.Sprintf("The module makes it each time that it is called: take the name from a variable of the module, %s = var.%s.", id, id)
	default:
		each := "${each.key}"
		if strings.HasSuffix(string(a.Address), "[0]") {
			each = "${count.index}"
		}
		cure = fmt.Sprintf("Give each instance a name of its own: %s = \"%s-%s\".", id, key, each)
	}
	e.add(diag.Errorf(codeDuplicateObject, fmt.Sprintf("Two resources name the same %s", what),
		"%s at %s and %s are one object in Atlas. %s", a.Address, a.Range, b.Address, cure).At(b.Range).On(string(b.Address)))
}

// Resolve computes one resource again with what is known now; it is what an apply sends. It may be called from
// several goroutines. The findings are errors where something is still unknown that must not be, or wrong.
func (e *Evaluation) Resolve(addr schema.Address, known Known) (schema.Resource, diag.List) {
	at := e.index[addr]
	if _, ok := e.resources[addr]; !ok {
		return schema.Resource{}, diag.List{diag.Errorf(codeInvalidAddress, "There is no such resource",
			"%s is not declared.", addr).On(string(addr))}
	}
	if r := e.results[at.inst]; r != nil && !r.tainted {
		return e.Desired.Resources[e.resources[addr]], nil
	}
	again := newEvaluation(e.cfg, known)
	again.base = e
	r := again.result(at.inst)
	if r == nil {
		return schema.Resource{}, again.diags.Sort()
	}
	again.check(at.inst.block.lifecycle.pre, at.inst.frame(), codePrecondition, checked{schema.CheckResource, string(addr)})
	for _, res := range e.resourcesOf(r) {
		if res.Address == addr {
			return res, again.diags.Sort()
		}
	}
	again.add(diag.Errorf(codeUnknownInstance, "The entry is gone", "%s is not among the entries any more.", addr).On(string(addr)))
	return schema.Resource{}, again.diags.Sort()
}

// Postconditions checks a resource's postconditions with what is known now, after it was applied.
func (e *Evaluation) Postconditions(addr schema.Address, known Known) diag.List {
	at, ok := e.index[addr]
	if !ok || len(at.inst.block.lifecycle.post) == 0 {
		return nil
	}
	again := newEvaluation(e.cfg, known)
	again.base = e
	f := at.inst.frame()
	f.self = again.object(at.inst, nil)
	again.check(at.inst.block.lifecycle.post, f, codePostcondition, checked{schema.CheckResource, string(addr)})
	return again.diags.Sort()
}

// Eval evaluates an expression at the top level, for a console. What is secret in the value carries the mark
// [schema.Sensitive].
func (e *Evaluation) Eval(text string, known Known) (cty.Value, diag.List) {
	x, diags := e.cfg.parseExpression(text)
	if x == nil {
		return cty.DynamicVal, diags
	}
	again := newEvaluation(e.cfg, known)
	again.base = e
	v, clean := again.eval(x, frame{})
	if !clean {
		return cty.DynamicVal, again.diags.Sort()
	}
	v, _ = again.public(v)
	return v, again.diags.Sort()
}

// ConsoleFile is the name under which diagnostics speak of an expression given to [Evaluation.Eval].
const ConsoleFile = "<expression>"

func (c *Config) parseExpression(text string) (*expr, diag.List) {
	l := &loader{Config: c, module: c.root}
	parsed, hd := parseGuarded([]byte(text))
	for _, d := range hd {
		l.add(syntaxError(d))
	}
	if parsed == nil || hd.HasErrors() {
		if len(l.diags) == 0 {
			l.add(diag.Errorf(codeTooDeep, "The expression is nested too deeply", "Divide it into several."))
		}
		return nil, l.diags
	}
	x := l.expr(parsed, scope{})
	l.analyse(x)
	if x.bad {
		return nil, l.diags.Sort()
	}
	return x, nil
}

func parseGuarded(src []byte) (hcl.Expression, hcl.Diagnostics) {
	if len(src) > MaxFile || guardNative(src, ConsoleFile, lexExpression) != nil {
		return nil, nil
	}
	return parseNative(src, ConsoleFile)
}
