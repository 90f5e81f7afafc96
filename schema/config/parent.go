package config

import (
	"fmt"
	"slices"
	"sort"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// parent returns the object that an instance lives in (R37): the enclosing instance, or what its parent argument
// holds: a resource, whose value carries its address wherever it went, or an id.
func (e *Evaluation) parent(inst *instance) parentOf {
	if inst.outer != nil {
		return parentOf{ref: schema.ParentRef{Address: inst.outer.addr}, inst: inst.outer}
	}
	if inst.block.kind.Parent == "" {
		return parentOf{}
	}
	m := e.parents[inst]
	if m == nil && e.base != nil {
		if m = e.base.parents[inst]; m != nil && m.tainted {
			m = nil
		}
	}
	if m == nil {
		m = &parentMemo{}
		m.tainted = e.taints(func() { m.parentOf = e.parentArgument(inst) })
		e.parents[inst] = m
	} else if m.tainted {
		e.tainted = true
	}
	return m.parentOf
}

func (e *Evaluation) parentArgument(inst *instance) parentOf {
	b := inst.block
	unknown := parentOf{ref: schema.ParentRef{Unknown: true}}
	if b.within == nil {
		cure := fmt.Sprintf("Write the block inside it, or set %s = %s.LABEL here.", b.kind.Parent, b.kind.Parent)
		if b.lookup {
			cure = fmt.Sprintf("Set %s = data.%s.LABEL, %s.LABEL or an id.", b.kind.Parent, b.kind.Parent, b.kind.Parent)
		}
		e.add(diag.Errorf(codeMissingParent, fmt.Sprintf("The %s is missing", b.kind.Parent),
			"%s lives in %s. %s", capital(article(b.kind.Name)), article(b.kind.Parent), cure).At(b.header).On(string(inst.addr)))
		return unknown
	}
	v, clean := e.eval(b.within, inst.frame())
	if !clean {
		return unknown
	}
	raw, marks := v.Unmark()
	wrong := func(detail string, args ...any) parentOf {
		e.add(diag.Errorf(codeInvalidParent, fmt.Sprintf("%s is not a parent", b.kind.Parent), detail, args...).
			At(rangeOf(b.within.Range())).On(string(inst.addr)))
		return unknown
	}
	switch {
	case failedIn(marks):
		return unknown
	case v.HasMark(schema.Sensitive):
		e.add(diag.Errorf(codeSensitiveKey, fmt.Sprintf("%s is sensitive", b.kind.Parent),
			"Where an object lives is shown and stored. Write nonsensitive(...) around an id that is no secret.").
			At(rangeOf(b.within.Range())).On(string(inst.addr)))
		return unknown
	case raw.IsKnown() && raw.IsNull():
		return wrong("Found null; write a %s or its id.", b.kind.Parent)
	case raw.Type().IsObjectType():
		return e.parentObject(b, v, marks, wrong)
	case raw.Type() == cty.String || raw.Type() == cty.DynamicPseudoType:
		return e.parentText(b, raw, marks, wrong)
	default:
		return wrong("Found %s; write %s.LABEL or an id.", describe(raw, true), b.kind.Parent)
	}
}

// carriers returns the resources of the kind whose marks a value carries; with ids only those that mark an id.
func (e *Evaluation) carriers(kind string, marks cty.ValueMarks, ids bool) []*instance {
	var out []*instance
	for m := range marks {
		r, ok := m.(mark)
		if !ok || ids && !r.id {
			continue
		}
		if inst := e.instanceAt(r.addr); inst != nil && inst.block.kind.Name == kind && !slices.Contains(out, inst) {
			out = append(out, inst)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].addr < out[j].addr })
	return out
}

func (e *Evaluation) parentObject(b *block, v cty.Value, marks cty.ValueMarks, wrong func(string, ...any) parentOf) parentOf {
	found := e.carriers(b.kind.Parent, marks, false)
	if len(found) > 1 { // computed with the help of another one
		found = slices.DeleteFunc(found, func(inst *instance) bool { return !e.sameObject(v, inst) })
	}
	if len(found) == 1 && e.sameObject(v, found[0]) {
		return parentOf{ref: e.parentRef(found[0]), inst: found[0]}
	}
	for m := range marks {
		if r, ok := m.(mark); ok && e.instanceAt(r.addr).block.kind.Name != b.kind.Parent {
			return wrong("Found %s; %s lives in %s.", r.addr, article(b.kind.Name), article(b.kind.Parent))
		}
	}
	return wrong("The value is an object, but not one %s; write %s.LABEL, with a key where it is repeated, or an id.",
		b.kind.Parent, b.kind.Parent)
}

// sameObject reports whether v is the value of the instance, whatever of its inside was asked for and whatever of it
// the type of a variable left out.
func (e *Evaluation) sameObject(v cty.Value, inst *instance) bool {
	v, _ = v.UnmarkDeep()
	own, _ := e.object(inst, nil).UnmarkDeep()
	if !own.Type().IsObjectType() {
		return false
	}
	identity := inst.block.kind.Identity.Key
	if own.Type().HasAttribute("id") {
		identity = []string{"id"}
	}
	for name, ty := range own.Type().AttributeTypes() {
		switch {
		case !v.Type().HasAttribute(name):
			if slices.Contains(identity, name) {
				return false
			}
		case !ty.Equals(v.Type().AttributeType(name)) && !slices.Contains(identity, name): // converted
		case !v.GetAttr(name).RawEquals(own.GetAttr(name)):
			return false
		}
	}
	return true
}

func (e *Evaluation) parentText(b *block, v cty.Value, marks cty.ValueMarks, wrong func(string, ...any) parentOf) parentOf {
	found := e.carriers(b.kind.Parent, marks, true)
	found = slices.DeleteFunc(found, func(inst *instance) bool {
		own, _ := e.object(inst, nil).Unmark()
		if !own.Type().IsObjectType() || !own.Type().HasAttribute("id") {
			return true
		}
		id, _ := own.GetAttr("id").Unmark()
		return !id.RawEquals(v)
	})
	switch {
	case len(found) == 1:
		return parentOf{ref: e.parentRef(found[0]), inst: found[0]}
	case len(found) > 1:
		return wrong("The id comes from one of several resources; write the resource itself.")
	case !v.IsKnown():
		return parentOf{ref: schema.ParentRef{Unknown: true}}
	case v.AsString() == "":
		return wrong("Found an empty text; write %s.LABEL or an id.", b.kind.Parent)
	default:
		return parentOf{ref: schema.ParentRef{ID: v.AsString()}}
	}
}

// instanceAt returns the instance of an address that a value carries, which has been expanded therefore.
func (e *Evaluation) instanceAt(addr schema.Address) *instance {
	if p, ok := e.index[addr]; ok {
		return p.inst
	}
	if e.base != nil {
		return e.base.index[addr].inst
	}
	return nil
}
