package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// result is an instance, evaluated.
type result struct {
	inst       *instance
	parent     parentOf
	connection string
	value      cty.Value // of the kind's type; unset for a fan
	entries    []entry   // of a fan
	edges      edges
	lifecycle  schema.Lifecycle
	timeouts   schema.Timeouts
	labelled   bool // the natural name comes from the label
	tainted    bool
}

// entry is one entry of a fan.
type entry struct {
	key   string
	addr  schema.Address
	value cty.Value
	edges edges
	rng   diag.Range
}

// parentOf is the object that a resource lives in.
type parentOf struct {
	ref  schema.ParentRef
	inst *instance // where it is one of ours
}

type parentMemo struct {
	parentOf
	tainted bool
}

// result evaluates an instance; nil means that it is being evaluated, which has been reported as a circle.
func (e *Evaluation) result(inst *instance) *result {
	r := e.results[inst]
	if r == nil && e.base != nil {
		if r = e.base.results[inst]; r != nil && r.tainted {
			r = nil
		}
	}
	if r != nil {
		e.tainted = e.tainted || r.tainted
		return r
	}
	r = &result{inst: inst}
	tainted, ok := e.once(inst, func() { e.compute(r) })
	if !ok {
		return nil
	}
	r.tainted = tainted
	e.results[inst] = r
	return r
}

func (e *Evaluation) compute(r *result) {
	inst := r.inst
	b := inst.block
	f := inst.frame()
	r.parent = e.parent(inst)
	r.connection = e.connectionWithin(inst, r.parent)
	r.edges = e.placeEdges(inst, r.parent)
	ctx := e.context(b.uses, f)
	if b.kind.Fan != nil {
		e.fan(r, ctx, f)
	} else {
		e.arguments(r, ctx, f)
	}
	e.lifecycle(r, ctx, f)
	e.timeouts(r, ctx, f)
	e.dependsOn(b, f, &r.edges)
}

// placeEdges returns what an instance depends on because of where it stands: what its repetition, the calls around it
// and the lookup that names its parent refer to.
func (e *Evaluation) placeEdges(inst *instance, parent parentOf) edges {
	out := edges{}
	out.join(inst.group.edges)
	for home := inst.home; home != nil; home = home.home {
		out.join(e.callEdges(home))
	}
	if parent.ref.Lookup != "" {
		out.join(edges{parent.ref.Lookup: true})
	}
	return out
}

// reached adds to edges what the lookups among them depend on.
func (e *Evaluation) reached(direct edges) edges {
	open := direct.lookups("")
	if len(open) == 0 {
		return direct
	}
	out := maps.Clone(direct)
	for len(open) > 0 {
		inst := e.instanceAt(open[0])
		open = open[1:]
		if inst == nil {
			continue
		}
		if l := e.lookup(inst); l != nil {
			for addr, lookup := range l.edges {
				if _, seen := out[addr]; !seen && lookup {
					open = append(open, addr)
				}
				out[addr] = lookup
			}
		}
	}
	return out
}

// written decodes what the block writes, by attribute name; what it does not write is null.
func (e *Evaluation) written(inst *instance, edges *edges, ctx *hcl.EvalContext, f frame) map[string]cty.Value {
	b := inst.block
	d := &decoder{e: e, addr: inst.addr, edges: edges}
	values := make(map[string]cty.Value, len(b.kind.Attributes))
	for _, arg := range b.args {
		values[arg.attr.Name] = e.argument(d, arg, ctx, f)
	}
	for i := range b.kind.Attributes {
		a := &b.kind.Attributes[i]
		if _, ok := values[a.Name]; !ok {
			values[a.Name] = cty.NullVal(a.CtyType())
		}
	}
	return values
}

// arguments decodes the block's arguments into a value of the kind's type.
func (e *Evaluation) arguments(r *result, ctx *hcl.EvalContext, f frame) {
	b := r.inst.block
	values := e.written(r.inst, &r.edges, ctx, f)
	id := b.kind.Identity
	if id.LabelIs != "" && isNull(values[id.LabelIs]) && b.label != "" {
		values[id.LabelIs] = cty.StringVal(b.label)
		r.labelled = true
	}
	for i := range b.kind.Attributes {
		if a := &b.kind.Attributes[i]; a.Required && isNull(values[a.Name]) {
			e.add(missing(article(b.kind.Name), a.Name, b.header).On(string(r.inst.addr)))
		}
	}
	r.value = schema.ObjectVal(b.kind.Type(), values)
	e.checkKey(r)
}

func isNull(v cty.Value) bool {
	v, _ = v.Unmark()
	return v.IsKnown() && v.IsNull()
}

// argument evaluates one argument; one without references is decoded once for all instances.
func (e *Evaluation) argument(d *decoder, arg *argument, ctx *hcl.EvalContext, f frame) cty.Value {
	literal := len(arg.x.uses.refs) == 0
	if literal {
		if v, ok := e.decoded[arg]; ok {
			return v
		}
		if e.base != nil {
			if v, ok := e.base.decoded[arg]; ok {
				return v
			}
		}
	}
	v, clean := e.evalIn(arg.x, ctx, f)
	if !clean {
		v = failed
	}
	v = d.argument(arg, v)
	if literal {
		e.decoded[arg] = v
	}
	return v
}

// checkKey looks at the natural key: it can't be secret, and Atlas has to accept it.
func (e *Evaluation) checkKey(r *result) {
	b := r.inst.block
	for _, name := range b.kind.Identity.Key {
		if v := r.value.GetAttr(name); v.HasMark(schema.Sensitive) {
			e.add(sensitiveKey(name).At(b.at(name)).On(string(r.inst.addr)))
		}
	}
	name := b.kind.Identity.LabelIs
	if name == "" && len(b.kind.Identity.Key) == 1 {
		name = b.kind.Identity.Key[0]
	}
	if b.kind.Identity.Pattern == "" || name == "" {
		return
	}
	v, _ := r.value.GetAttr(name).Unmark()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.String || b.kind.Identity.Accepts(v.AsString()) {
		return
	}
	if r.labelled {
		e.add(diag.Errorf(codeInvalidLabel, fmt.Sprintf("%q is not a valid name for %s", b.label, article(b.kind.Name)),
			"The label is the name in Atlas unless %s is set, and Atlas wants %s. Add %s = \"...\".", name, b.kind.Identity.Hint, name).
			At(b.header).On(string(r.inst.addr)))
		return
	}
	e.add(diag.Errorf(codeInvalidName, fmt.Sprintf("Atlas does not accept this %s", name),
		"Found %s; Atlas wants %s.", describe(v, r.value.GetAttr(name).HasMark(schema.Sensitive)), b.kind.Identity.Hint).
		At(b.at(name)).On(string(r.inst.addr)))
}

// at returns where an argument stands, or else the block.
func (b *block) at(name string) diag.Range {
	if at, ok := b.ranges[name]; ok {
		return at
	}
	return b.header
}

// lifecycle evaluates the lifecycle block; conditions are checked when the whole is evaluated.
func (e *Evaluation) lifecycle(r *result, ctx *hcl.EvalContext, f frame) {
	decl := &r.inst.block.lifecycle
	r.lifecycle.IgnoreChanges = decl.ignore
	r.lifecycle.PreventDestroy = e.flag(r, decl.preventDestroy, "prevent_destroy", false, ctx, f)
	r.lifecycle.Abandon = !e.flag(r, decl.destroy, "destroy", true, ctx, f)
	r.lifecycle.SnapshotBefore = e.steps(r, decl.snapshotBefore, ctx, f)
}

// steps evaluates the list of steps before which a snapshot is taken.
func (e *Evaluation) steps(r *result, x *expr, ctx *hcl.EvalContext, f frame) []string {
	if x == nil {
		return nil
	}
	v, clean := e.evalIn(x, ctx, f)
	if !clean {
		return nil
	}
	raw, marks := v.UnmarkDeep()
	r.edges.collect(marks)
	wrong := func(at *expr, summary, detail string, args ...any) {
		e.add(diag.Errorf(codeLifecycle, summary, detail, args...).At(rangeOf(at.Range())).On(string(f.inst.addr)))
	}
	switch {
	case failedIn(marks) || raw.IsKnown() && raw.IsNull():
		return nil
	case !raw.IsWhollyKnown():
		wrong(x, "snapshot_before is not known yet", "It depends on what only Atlas can tell, and the plan needs it: use variables, locals or what the files say.")
		return nil
	case !raw.CanIterateElements() || raw.Type().IsObjectType() || raw.Type().IsMapType():
		wrong(x, "snapshot_before is not a list", "Write the steps as texts: snapshot_before = [%s].", quoted(schema.GuardedSteps()))
		return nil
	}
	var out []string
	for _, el := range raw.AsValueSlice() {
		name := ""
		if el.Type() == cty.String && !el.IsNull() {
			name = el.AsString()
		}
		if !slices.Contains(schema.GuardedSteps(), name) {
			_, secret := marks[schema.Sensitive]
			wrong(x, "There is no such step to take a snapshot before", "Found %s.%s", describe(el, secret), among(name, schema.GuardedSteps()))
			continue
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (e *Evaluation) flag(r *result, x *expr, name string, otherwise bool, ctx *hcl.EvalContext, f frame) bool {
	if x == nil {
		return otherwise
	}
	v, clean := e.evalIn(x, ctx, f)
	if !clean {
		return otherwise
	}
	v, marks := v.Unmark()
	r.edges.collect(marks)
	converted, err := convert.Convert(v, cty.Bool)
	switch {
	case failedIn(marks):
	case !v.IsKnown():
		e.add(diag.Errorf(codeLifecycle, fmt.Sprintf("%s is not known yet", name),
			"It depends on what only Atlas can tell, and the plan needs it: use variables, locals or what the files say.").At(rangeOf(x.Range())).On(string(f.inst.addr)))
	case v.IsNull():
	case err != nil:
		e.add(diag.Errorf(codeLifecycle, fmt.Sprintf("%s is not true or false", name),
			"Found %s. "+trueOrFalse, describe(v, true)).At(rangeOf(x.Range())).On(string(f.inst.addr)))
	default:
		return converted.True()
	}
	return otherwise
}

func (e *Evaluation) timeouts(r *result, ctx *hcl.EvalContext, f frame) {
	for _, t := range r.inst.block.timeouts {
		v, clean := e.evalIn(t.x, ctx, f)
		if !clean || isNull(v) {
			continue
		}
		v, marks := v.Unmark()
		r.edges.collect(marks)
		if failedIn(marks) {
			continue
		}
		limit, err := time.Duration(0), error(nil)
		if v.IsKnown() && v.Type() == cty.String {
			limit, err = time.ParseDuration(v.AsString())
		}
		if err != nil || limit <= 0 {
			_, secret := marks[schema.Sensitive]
			e.add(diag.Errorf(codeTimeout, fmt.Sprintf("The %s time limit is not a duration", t.name),
				"Found %s; write hours, minutes and seconds, for example \"90m\" or \"3h\".", describe(v, secret)).
				At(rangeOf(t.x.Range())).On(string(f.inst.addr)))
			continue
		}
		switch t.name {
		case "create":
			r.timeouts.Create = limit
		case "update":
			r.timeouts.Update = limit
		default:
			r.timeouts.Delete = limit
		}
	}
}

// dependsOn adds the addresses that depends_on names: an instance where a key says which, else the block.
func (e *Evaluation) dependsOn(b *block, f frame, out *edges) {
	for _, x := range b.dependsOn {
		if x.bad {
			continue
		}
		for _, missed := range e.missedKeys(&x.uses, f) {
			e.add(missed.On(string(f.inst.addr)))
		}
		for _, ref := range x.uses.refs {
			if ref.to == toResource {
				e.depend(out, e.group(ref.block, owning(ref.owner, f.inst), f.home), ref.key, ref.rest, f)
			}
		}
	}
}

// depend follows a reference from the instances of a group to the nested blocks that rest names.
func (e *Evaluation) depend(out *edges, g *group, key *keyExpr, rest hcl.Traversal, f frame) {
	for _, inst := range g.instances {
		if key != nil && inst.key != e.keyText(key, f) {
			continue
		}
		if inst.block.content != nil {
			for _, c := range inst.block.content.roots {
				e.dependInside(out, c, nil, inst)
			}
			continue
		}
		name := blockName{step(rest, 0), ""}
		after := 1
		inner := inst.block.byName[name]
		if inner == nil {
			name.label, after = step(rest, 1), 2
			inner = inst.block.byName[name]
		}
		switch {
		case inner == nil && key != nil:
			out.put(inst.addr)
		case inner == nil:
			out.put(inst.addr.Block())
		case after < len(rest) && inner.repeated():
			index, ok := rest[after].(hcl.TraverseIndex)
			if ok {
				e.depend(out, e.group(inner, inst, inst.home), &keyExpr{constant: index.Key, rng: index.SrcRange}, rest[after+1:], f)
			}
		default:
			e.depend(out, e.group(inner, inst, inst.home), nil, rest[after:], f)
		}
	}
}

// connectionWithin finds out which connection an instance belongs to: its own argument, else its parent's.
func (e *Evaluation) connectionWithin(inst *instance, parent parentOf) string {
	p := parent.inst
	if p == nil {
		return e.connection(inst, e.homeConnection(inst.home))
	}
	inherited := ""
	if p.block.lookup {
		if l := e.lookup(p); l != nil {
			inherited = l.connection
		}
	} else if r := e.result(p); r != nil {
		inherited = r.connection
	}
	own := e.connection(inst, inherited)
	if own != inherited {
		e.add(diag.Errorf(codeConnectionConflict, "The resource and its parent belong to different connections",
			"Its parent %s belongs to %s. Remove the argument; what lives in a resource is reached like it.",
			p.addr, connectionName(inherited)).At(rangeOf(inst.block.atlas.Range())).On(string(inst.addr)))
	}
	return inherited
}

// homeConnection is the connection of what lives in an organization and is declared in an instance of a module: that
// of the call, or else of the calls around it.
func (e *Evaluation) homeConnection(home *instance) string {
	if home == nil {
		return ""
	}
	m := e.homes[home]
	if m == nil {
		m = &homeMemo{}
		m.tainted = e.taints(func() { m.connection = e.connection(home, e.homeConnection(home.home)) })
		e.homes[home] = m
	}
	e.tainted = e.tainted || m.tainted
	return m.connection
}

// connection evaluates the atlas argument of an instance's block; inherited counts where there is none.
func (e *Evaluation) connection(inst *instance, inherited string) string {
	x := inst.block.atlas
	if x == nil {
		return inherited
	}
	v, clean := e.eval(x, inst.frame())
	if !clean {
		return inherited
	}
	v, marks := v.Unmark()
	at := rangeOf(x.Range())
	names := e.cfg.connectionNames()
	switch {
	case failedIn(marks):
	case !v.IsKnown() || v.IsNull() || v.Type() != cty.String:
		e.add(diag.Errorf(codeUnknownConnection, "atlas is not the name of a connection",
			"Found %s; write the label of an atlas block.%s", describe(v, true), among("", names)).At(at).On(string(inst.addr)))
	case v.AsString() != "" && !slices.Contains(names, v.AsString()):
		e.add(diag.Errorf(codeUnknownConnection, fmt.Sprintf("There is no connection %q", shorten(v.AsString())),
			"No atlas block has that label.%s", among(v.AsString(), names)).At(at).On(string(inst.addr)))
	default:
		return v.AsString()
	}
	return inherited
}

func connectionName(name string) string {
	if name == "" {
		return "the default connection"
	}
	return fmt.Sprintf("the connection %q", name)
}
