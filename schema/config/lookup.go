package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// A data block is a block whose instances are not asked for but looked up: it says by which natural key or id, and
// what Atlas holds under it is what expressions see. Known answers for its address like for a resource's.

// lookupRoot is the name that references to data blocks start with.
const lookupRoot = "data"

// lookedUp is an instance of a data block, evaluated.
type lookedUp struct {
	parent     parentOf
	connection string
	value      cty.Value // of the kind's type; only what identifies the object is set
	edges      edges
	tainted    bool
}

// lookupName is under which name a data block is found and addressed.
func lookupName(kind string) string { return lookupRoot + "." + kind }

// declareLookup declares a data block.
func (l *loader) declareLookup(hb *hcl.Block) {
	k := l.options.Catalog.Kind(hb.Labels[0])
	if k == nil {
		l.add(diag.Errorf(codeUnknownBlock, fmt.Sprintf("There is no kind %q", hb.Labels[0]),
			"data looks up an object of a kind by its name.%s", among(hb.Labels[0], l.options.Catalog.Names())).At(rangeOf(hb.DefRange)))
		return
	}
	b := &block{kind: k, lookup: true, label: hb.Labels[1], in: l.module, header: rangeOf(hb.DefRange), ranges: map[string]diag.Range{}}
	if !l.enter(b) {
		return
	}
	names := slices.Clone(k.Identity.Key)
	if k.Identity.ID != "" {
		names = append(names, "id")
	}
	s := shape{what: "a lookup of " + article(k.Name), args: append([]string{"for_each", "count", "atlas"}, names...)}
	if k.Parent != "" {
		s.args = append(s.args, k.Parent)
	}
	s.unknownArgument = func(name string) (string, string) {
		if k.Attribute(name) == nil {
			return "", ""
		}
		return codeUnknownArgument, fmt.Sprintf("A lookup says only which object it is: by %s. The rest is read.", quoted(names))
	}
	got := l.take(hb.Body, s)
	inside := scope{block: b}
	l.declareMeta(b, got, inside)
	for _, name := range names {
		if a := got.args[name]; a != nil {
			b.args = append(b.args, &argument{attr: k.Attribute(lookupAttribute(k, name)), x: l.expr(a.Expr, inside)})
			b.ranges[lookupAttribute(k, name)] = rangeOf(a.Range)
		}
	}
}

// lookupAttribute returns the attribute that an argument of a data block gives.
func lookupAttribute(k *schema.Kind, name string) string {
	if name == "id" && k.Identity.ID != "" {
		return k.Identity.ID
	}
	return name
}

// fan is how the block's kind makes a resource of each element of a map, nil for other kinds and for a lookup, which
// is of one element.
func (b *block) fan() *schema.Fan {
	if b.lookup {
		return nil
	}
	return b.kind.Fan
}

// ask notes that an attribute of the looked-up object is used, "" for any.
func (b *block) ask(name string) {
	for _, p := range b.kind.Parts {
		if (name == "" || name == p.Attribute) && !slices.Contains(b.parts, p.Attribute) {
			b.parts = append(b.parts, p.Attribute)
		}
	}
}

// lookup evaluates an instance of a data block; nil means that it is part of a circle.
func (e *Evaluation) lookup(inst *instance) *lookedUp {
	l := e.lookups[inst]
	if l == nil && e.base != nil {
		if l = e.base.lookups[inst]; l != nil && l.tainted {
			l = nil
		}
	}
	if l != nil {
		e.tainted = e.tainted || l.tainted
		return l
	}
	l = &lookedUp{}
	tainted, ok := e.once(inst, func() { e.computeLookup(inst, l) })
	if !ok {
		return nil
	}
	l.tainted = tainted
	e.lookups[inst] = l
	return l
}

func (e *Evaluation) computeLookup(inst *instance, l *lookedUp) {
	b := inst.block
	f := inst.frame()
	l.parent = e.parent(inst)
	l.connection = e.connectionWithin(inst, l.parent)
	l.edges = e.placeEdges(inst, l.parent)
	if l.parent.ref.Address != "" {
		l.edges.put(l.parent.ref.Address)
	}
	values := e.written(inst, &l.edges, e.context(b.uses, f), f)
	id := b.kind.Identity
	byID := id.ID != "" && !isNull(values[id.ID])
	if !byID && id.LabelIs != "" && isNull(values[id.LabelIs]) {
		values[id.LabelIs] = cty.StringVal(b.label)
	}
	l.value = cty.ObjectVal(values)
	for _, name := range id.Key {
		switch v := b.kind.Effective(l.value, name); {
		case v.HasMark(schema.Sensitive):
			e.add(sensitiveKey(name).At(b.at(name)).On(string(inst.addr)))
		case !byID && isNull(v):
			e.add(missing("a lookup of "+article(b.kind.Name), name, b.header).On(string(inst.addr)))
		}
	}
	if !byID && len(id.Key) == 0 && !b.kind.Singleton {
		e.add(missing("a lookup of "+article(b.kind.Name), "id", b.header).On(string(inst.addr)))
	}
}

func sensitiveKey(name string) diag.Diagnostic {
	return diag.Errorf(codeSensitiveKey, fmt.Sprintf("%q is sensitive", name),
		"It is part of the name by which the object is found, which is shown and stored. Write nonsensitive(...) if it is no secret.")
}

// desired says what is to be looked up.
func (l *lookedUp) desired(inst *instance) schema.Lookup {
	k := inst.block.kind
	out := schema.Lookup{Address: inst.addr, Kind: k.Name, Connection: l.connection, Parent: l.parent.ref,
		DependsOn: l.edges.sorted(inst.addr, ""), Reads: l.edges.lookups(l.parent.ref.Lookup), Parts: inst.block.parts, Range: inst.block.header}
	if k.Identity.ID != "" {
		if id, _ := l.value.GetAttr(k.Identity.ID).Unmark(); !id.IsKnown() {
			out.Open = "id"
			return out
		} else if !id.IsNull() {
			out.ID = id.AsString()
			return out
		}
	}
	key, known, err := k.NaturalKey(l.value)
	switch {
	case err != nil: // no object can have it
		out.Key = fmt.Sprint(err)
	case known:
		out.Key = key
	case len(k.Identity.Key) > 0:
		i := slices.IndexFunc(k.Identity.Key, func(name string) bool {
			v, _ := k.Effective(l.value, name).Unmark()
			return !v.IsKnown()
		})
		out.Open = k.Identity.Key[max(i, 0)]
	}
	return out
}

// Lookup computes one lookup again with what is known now: one that could not be read for the plan. It may be called
// from several goroutines.
func (e *Evaluation) Lookup(addr schema.Address, known Known) (schema.Lookup, diag.List) {
	at, ok := e.index[addr]
	if !ok || !at.inst.block.lookup {
		return schema.Lookup{}, diag.List{diag.Errorf(codeInvalidAddress, "There is no such lookup", "%s is not declared.", addr).On(string(addr))}
	}
	again := newEvaluation(e.cfg, known)
	again.base = e
	l := again.lookup(at.inst)
	if l == nil {
		return schema.Lookup{}, again.diags.Sort()
	}
	return l.desired(at.inst), again.diags.Sort()
}

// lookupObject is what expressions see of a looked-up object: what Atlas holds, or before that is read what
// identifies it.
func (e *Evaluation) lookupObject(inst *instance) cty.Value {
	l := e.lookup(inst)
	if l == nil {
		return failed
	}
	k := inst.block.kind
	live := e.live(inst.addr)
	attrs := make(map[string]cty.Value, len(k.Attributes)+1)
	for i := range k.Attributes {
		a := &k.Attributes[i]
		own := l.value.GetAttr(a.Name)
		if slices.Contains(k.Identity.Key, a.Name) {
			own = k.Effective(l.value, a.Name)
		}
		switch {
		case live != cty.NilVal:
			attrs[a.Name] = conceal(a, live.GetAttr(a.Name))
		case !isNull(own):
			attrs[a.Name] = own
		default:
			attrs[a.Name] = conceal(a, cty.UnknownVal(a.CtyType()))
		}
	}
	if id := k.Identity.ID; id != "" {
		attrs[id] = attrs[id].Mark(mark{addr: inst.addr, id: true, lookup: true})
		attrs["id"] = attrs[id]
	}
	return cty.ObjectVal(attrs).Mark(mark{addr: inst.addr, lookup: true})
}

// parentRef names an instance as a parent: a resource by its address, what was looked up by its id.
func (e *Evaluation) parentRef(inst *instance) schema.ParentRef {
	if !inst.block.lookup {
		return schema.ParentRef{Address: inst.addr}
	}
	v, _ := e.lookupObject(inst).Unmark()
	name := inst.block.kind.Identity.ID
	if name == "" && len(inst.block.kind.Identity.Key) == 1 {
		name = inst.block.kind.Identity.Key[0]
	}
	unknown := schema.ParentRef{Lookup: inst.addr, Unknown: true}
	if !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
		return unknown
	}
	id, _ := v.GetAttr(name).Unmark()
	if !id.IsKnown() || id.IsNull() {
		return unknown
	}
	return schema.ParentRef{Lookup: inst.addr, ID: id.AsString()}
}
