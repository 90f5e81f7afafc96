package config

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// context makes what the expressions of a usage see: a fixed part that all instances share, and above it what
// moves with the instance.
func (e *Evaluation) context(u *usage, f frame) *hcl.EvalContext {
	needs := u.needs
	if len(f.needs) > 0 {
		joined := usage{needs: append([]need(nil), u.needs...)}
		joined.require(f.needs...)
		joined.settle()
		needs = joined.needs
	}
	ctx := e.fixed(u, needs, f.home)
	if len(u.moving) == 0 {
		return ctx
	}
	ctx = ctx.NewChild()
	ctx.Variables = make(map[string]cty.Value, len(u.moving))
	for root, refs := range u.moving {
		ctx.Variables[root] = e.root(refs, needs, f)
	}
	return ctx
}

func (e *Evaluation) fixed(u *usage, needs []need, home *instance) *hcl.EvalContext {
	if len(u.fixed) == 0 {
		return e.cfg.base
	}
	key := needed[*usage]{u, needsKey(needs), home}
	m := e.contexts[key]
	if m == nil && e.base != nil {
		if m = e.base.contexts[key]; m != nil && m.tainted {
			m = nil
		}
	}
	if m == nil {
		m = &contextMemo{ctx: e.cfg.base.NewChild()}
		m.ctx.Variables = make(map[string]cty.Value, len(u.fixed))
		m.tainted = e.taints(func() {
			for root, refs := range u.fixed {
				m.ctx.Variables[root] = e.root(refs, needs, frame{home: home})
			}
		})
		e.contexts[key] = m
	}
	if m.tainted {
		e.tainted = true
	}
	return m.ctx
}

// root returns the value under one root name, made of what the references ask for.
func (e *Evaluation) root(refs []*ref, needs []need, f frame) cty.Value {
	switch refs[0].to {
	case toVariable:
		return e.variables(refs, needs, f.home)
	case toLocal:
		values := map[string]cty.Value{}
		for _, r := range refs {
			if _, ok := values[r.name]; !ok {
				values[r.name] = e.local(r.local, f.home, needs)
			}
		}
		return cty.ObjectVal(values)
	case toEach:
		return e.eachOf(f)
	case toCount:
		return countOf(f)
	case toPath:
		here := cty.StringVal(".")
		return cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal(folderOf(f.home)), "root": here, "cwd": here})
	case toSelf:
		return f.self
	case toParent:
		return e.parentValue(needs, f)
	}
	if refs[0].root != lookupRoot {
		return e.labelled(refs, needs, f)
	}
	kinds := map[string]cty.Value{}
	for _, r := range refs {
		name := r.block.kind.Name
		if _, ok := kinds[name]; !ok {
			same := slices.DeleteFunc(slices.Clone(refs), func(o *ref) bool { return o.block.kind.Name != name })
			kinds[name] = e.labelled(same, needs, f)
		}
	}
	return cty.ObjectVal(kinds)
}

// labelled returns the object of a kind's labels, or for a singleton inside its parent the instance itself.
func (e *Evaluation) labelled(refs []*ref, needs []need, f frame) cty.Value {
	labels := map[string]cty.Value{}
	partial := map[*block]map[string]cty.Value{}
	for _, r := range refs {
		group := e.group(r.block, owning(r.owner, f.inst), f.home)
		asked := needs
		if r.block.content != nil {
			asked = slices.Concat(needs, outputsAsked(refs, r.block))
		}
		var value cty.Value
		switch {
		case r.key == nil:
			value = e.groupValue(group, asked)
			delete(partial, r.block)
		case partial[r.block] == nil && labels[r.block.label] != cty.NilVal:
			continue // all instances are there already
		default:
			instances := partial[r.block]
			if instances == nil {
				instances = map[string]cty.Value{}
				partial[r.block] = instances
			}
			if inst := group.find(e.keyText(r.key, f)); inst != nil {
				instances[inst.key] = e.object(inst, asked)
			} else if group.failed {
				labels[r.block.label] = failed
				delete(partial, r.block)
				continue
			}
			value = cty.ObjectVal(instances)
		}
		if r.block.label == "" {
			return value
		}
		labels[r.block.label] = value
	}
	return cty.ObjectVal(labels)
}

// owning returns the instance of the owner block that encloses inst.
func owning(owner *block, inst *instance) *instance {
	if owner == nil {
		return nil
	}
	for inst != nil && inst.block != owner {
		inst = inst.outer
	}
	return inst
}

// keyText returns a reference's key as the text by which instances are found.
func (e *Evaluation) keyText(k *keyExpr, f frame) string {
	v := k.constant
	if k.x != nil {
		var hd hcl.Diagnostics
		if v, hd = k.x.Value(e.context(k.uses, f)); hd.HasErrors() {
			return noKey
		}
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() {
		return noKey
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil {
		return noKey
	}
	return text.AsString()
}

// noKey is no instance's key.
const noKey = "\x00"

// missedKeys returns a finding for each reference of an expression whose key names no instance.
func (e *Evaluation) missedKeys(u *usage, f frame) []diag.Diagnostic {
	var out []diag.Diagnostic
	for _, r := range u.refs {
		if r.to != toResource || r.key == nil {
			continue
		}
		group := e.group(r.block, owning(r.owner, f.inst), f.home)
		key := e.keyText(r.key, f)
		if group.failed || key == noKey || group.find(key) != nil {
			continue
		}
		shown := strconv.Quote(key)
		if r.block.count != nil {
			shown = key
		}
		out = append(out, diag.Errorf(codeUnknownInstance, fmt.Sprintf("%s has no instance %s", r.block.path(), shown),
			"Its for_each or count gives no such key.%s", among(key, group.keys())).At(rangeOf(r.key.rng)))
	}
	return out
}

func (e *Evaluation) eachOf(f frame) cty.Value {
	for inst := f.inst; inst != nil; inst = inst.outer {
		if inst.block.forEach != nil {
			return e.each(inst)
		}
	}
	return cty.DynamicVal
}

// each returns the object with key and value of an instance of a for_each.
func (e *Evaluation) each(inst *instance) cty.Value {
	if !inst.group.tainted || e.base == nil {
		if inst.group.tainted {
			e.tainted = true
		}
		return inst.each
	}
	e.tainted = true
	values, ok := e.eaches[inst.group]
	if !ok {
		values = map[string]cty.Value{}
		e.eaches[inst.group] = values
		v, clean := e.eval(inst.block.forEach, inst.around())
		if clean {
			v, marks := v.Unmark()
			if v.IsKnown() && !v.IsNull() && !v.Type().IsSetType() {
				for it := v.ElementIterator(); it.Next(); {
					k, el := it.Element()
					values[k.AsString()] = el.WithMarks(marks)
				}
			}
		}
	}
	if v, ok := values[inst.key]; ok {
		return cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(inst.key), "value": v})
	}
	return inst.each
}

func countOf(f frame) cty.Value {
	for inst := f.inst; inst != nil; inst = inst.outer {
		if inst.block.count != nil {
			return cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(int64(inst.number))})
		}
	}
	return cty.DynamicVal
}

// parentValue returns the value of parent: the instance that the resource lives in, and how it was repeated.
func (e *Evaluation) parentValue(needs []need, f frame) cty.Value {
	if f.expanding || f.inst.outer != nil {
		parent := f.inst
		if !f.expanding {
			parent = f.inst.outer
		}
		v := e.object(parent, needs)
		if parent.block.forEach == nil || !v.Type().IsObjectType() {
			return v
		}
		v, marks := v.Unmark()
		attrs := v.AsValueMap()
		attrs["each"] = e.each(parent)
		return cty.ObjectVal(attrs).WithMarks(marks)
	}
	p := e.parent(f.inst)
	if p.inst != nil {
		return e.object(p.inst, needs)
	}
	return e.stranger(f.inst.block.kind.Parent, p.ref)
}

// stranger is the value of a resource of which only the id is known.
func (e *Evaluation) stranger(kind string, ref schema.ParentRef) cty.Value {
	k := e.cfg.options.Catalog.Kind(kind)
	attrs := make(map[string]cty.Value, len(k.Attributes)+1)
	for i := range k.Attributes {
		attrs[k.Attributes[i].Name] = cty.UnknownVal(k.Attributes[i].CtyType())
	}
	if ref.ID != "" {
		attrs["id"] = cty.StringVal(ref.ID)
		if k.Identity.ID != "" {
			attrs[k.Identity.ID] = attrs["id"]
		}
	}
	return cty.ObjectVal(attrs)
}
