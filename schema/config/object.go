package config

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// What an expression sees of a resource: the arguments as configured; for what the file leaves out and for what
// Atlas owns, the live value where the object exists; else unknown.

// groupValue returns the value of a reference to a block without a key.
func (e *Evaluation) groupValue(g *group, needs []need) cty.Value {
	switch {
	case g.failed:
		return failed
	case g.block.forEach != nil:
		values := make(map[string]cty.Value, len(g.instances))
		for _, inst := range g.instances {
			values[inst.key] = e.object(inst, needs)
		}
		return cty.ObjectVal(values)
	case g.block.count != nil:
		values := make([]cty.Value, len(g.instances))
		for i, inst := range g.instances {
			values[i] = e.object(inst, needs)
		}
		return cty.TupleVal(values)
	default:
		return e.object(g.instances[0], needs)
	}
}

// object returns the value of one instance, with the nested blocks that are needed.
func (e *Evaluation) object(inst *instance, needs []need) cty.Value {
	switch {
	case inst.block.content != nil:
		return e.moduleObject(inst, needs)
	case inst.block.lookup:
		return e.lookupObject(inst)
	}
	needs = inst.block.has(needs)
	key := needed[*instance]{of: inst, needs: needsKey(needs)}
	if m := recall(e, key, func(e *Evaluation) map[needed[*instance]]*memo { return e.objects }); m != nil {
		return m.value
	}
	m, circle := &memo{value: failed}, false
	m.tainted = e.taints(func() {
		switch r := e.result(inst); {
		case r == nil: // which has been reported
			circle = true
		case inst.block.kind.Fan != nil:
			m.value = e.fanObject(r)
		default:
			m.value = e.plainObject(inst, r, needs)
		}
	})
	if !circle {
		e.objects[key] = m
	}
	return m.value
}

// has returns those of the needs that are declared inside the block or further inside.
func (b *block) has(needs []need) []need {
	var out []need
	for _, n := range needs {
		if b.declares(n) {
			out = append(out, n)
		}
	}
	return out
}

func (b *block) declares(n need) bool {
	if b.byName[blockName(n)] != nil {
		return true
	}
	for _, c := range b.children {
		if c.declares(n) {
			return true
		}
	}
	return false
}

func (e *Evaluation) plainObject(inst *instance, r *result, needs []need) cty.Value {
	k := inst.block.kind
	live := e.live(inst.addr)
	attrs := make(map[string]cty.Value, len(k.Attributes)+2)
	for i := range k.Attributes {
		a := &k.Attributes[i]
		attrs[a.Name] = seen(a, r.value.GetAttr(a.Name), attrOf(live, a.Name))
	}
	if id := k.Identity.ID; id != "" {
		attrs[id] = attrs[id].Mark(mark{addr: inst.addr, id: true})
		attrs["id"] = attrs[id]
	}
	for _, n := range needs {
		b := inst.block.byName[blockName(n)]
		if b == nil {
			continue
		}
		value := e.groupValue(e.group(b, inst, inst.home), needs)
		if b.label == "" {
			attrs[b.kind.Name] = value
			continue
		}
		labels := map[string]cty.Value{b.label: value}
		if old, ok := attrs[b.kind.Name]; ok {
			for label, v := range old.AsValueMap() {
				labels[label] = v
			}
		}
		attrs[b.kind.Name] = cty.ObjectVal(labels)
	}
	return cty.ObjectVal(attrs).Mark(mark{addr: inst.addr})
}

func (e *Evaluation) fanObject(r *result) cty.Value {
	k := r.inst.block.kind
	entries := make(map[string]cty.Value, len(r.entries))
	for _, en := range r.entries {
		live := e.live(en.addr)
		attrs := make(map[string]cty.Value, len(k.Attributes)+1)
		for i := range k.Attributes {
			a := &k.Attributes[i]
			attrs[a.Name] = seen(a, en.value.GetAttr(a.Name), attrOf(live, a.Name))
		}
		if id := k.Identity.ID; id != "" {
			attrs["id"] = attrs[id]
		}
		entries[en.key] = cty.ObjectVal(attrs).Mark(mark{addr: en.addr})
	}
	return cty.ObjectVal(entries)
}

// live returns the live object at an address, NilVal where there is none.
func (e *Evaluation) live(addr schema.Address) cty.Value {
	e.tainted = true
	if e.known == nil {
		return cty.NilVal
	}
	if v, ok := e.known.Object(addr); ok && v.IsKnown() && !v.IsNull() {
		return v
	}
	return cty.NilVal
}

func attrOf(v cty.Value, name string) cty.Value {
	if v == cty.NilVal || !v.Type().HasAttribute(name) {
		return cty.NilVal
	}
	return v.GetAttr(name)
}

// seen returns what an expression sees of an attribute, of which the file says value and Atlas live.
func seen(a *schema.Attribute, value, live cty.Value) cty.Value {
	raw, marks := value.Unmark()
	switch {
	case !raw.IsKnown():
		return value
	case raw.IsNull() && live != cty.NilVal:
		return conceal(a, live)
	case raw.IsNull():
		return conceal(a, unset(a))
	case len(a.Nested) == 0:
		return value
	case a.Type == schema.TypeObject:
		return seenObject(a.Nested, raw, live).WithMarks(marks)
	default:
		return seenList(a, raw, live).WithMarks(marks)
	}
}

func conceal(a *schema.Attribute, v cty.Value) cty.Value {
	if a.WriteOnly || a.OnceShown {
		return v.Mark(schema.Sensitive)
	}
	return v
}

// unset is what an expression sees of an attribute that neither the file nor Atlas gives a value yet.
func unset(a *schema.Attribute) cty.Value {
	switch {
	case a.Default != cty.NilVal:
		return a.Default
	case a.WriteOnly || a.Virtual || a.DestroyTime:
		return cty.NullVal(a.CtyType())
	default:
		return cty.UnknownVal(a.CtyType())
	}
}

func seenObject(attrs []schema.Attribute, value, live cty.Value) cty.Value {
	if live != cty.NilVal && (!live.IsKnown() || live.IsNull()) {
		live = cty.NilVal
	}
	out := make(map[string]cty.Value, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		out[a.Name] = seen(a, value.GetAttr(a.Name), attrOf(live, a.Name))
	}
	return cty.ObjectVal(out)
}

// seenList fills the elements of a list, each from the one live element that agrees with all that the file says.
func seenList(a *schema.Attribute, value, live cty.Value) cty.Value {
	if value.LengthInt() == 0 {
		return value
	}
	var candidates []cty.Value
	if live != cty.NilVal && live.IsKnown() && !live.IsNull() {
		candidates = live.AsValueSlice()
	}
	out := make([]cty.Value, 0, value.LengthInt())
	for it := value.ElementIterator(); it.Next(); {
		_, el := it.Element()
		raw, marks := el.Unmark()
		if !raw.IsKnown() || raw.IsNull() {
			out = append(out, el)
			continue
		}
		match, matches := cty.NilVal, 0
		for _, c := range candidates {
			if agrees(raw, c) {
				match = c
				matches++
			}
		}
		if matches != 1 {
			match = cty.NilVal
		}
		out = append(out, seenObject(a.Nested, raw, match).WithMarks(marks))
	}
	return cty.ListVal(out)
}

// agrees reports whether live has all that value sets.
func agrees(value, live cty.Value) bool {
	value, _ = value.Unmark()
	switch {
	case !value.IsKnown() || value.IsNull():
		return true
	case !live.IsKnown() || live.IsNull():
		return false
	case !value.Type().IsObjectType():
		return value.RawEquals(live)
	}
	for name := range value.Type().AttributeTypes() {
		if !live.Type().HasAttribute(name) || !agrees(value.GetAttr(name), live.GetAttr(name)) {
			return false
		}
	}
	return true
}
