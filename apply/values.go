package apply

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// resolve returns the desired value of a change with everything known, secrets in clear and marked. What the
// plan knew must still be so, and what the plan does not manage is null.
func (r *run) resolve(ctx context.Context, c *plan.Change) (cty.Value, diag.List) {
	r.resolveMu.Lock()
	resource, diags := r.in.Resolver.Resolve(ctx, c.Address)
	r.resolveMu.Unlock()
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	kind := r.in.Catalog.Kind(c.Kind)
	f := fitting{}
	v := f.object(kind.Attributes, c.Desired, resource.Value, nil)
	if f.differs != "" {
		diags.Add(diag.Errorf("inconsistent_value", f.differs+" is not what was planned",
			"Its value depends on something in Atlas that changed since the plan was made, so nothing was done to it. Plan again.").
			At(resource.Ranges[topLevel(f.differs)]))
	}
	if unknown := firstUnknown(v); unknown != "" {
		diags.Add(diag.Errorf("unknown_value", unknown+" is still not known",
			"It refers to something that Atlas does not tell, such as an object that is gone. Refer to something else, or write the value.").
			At(resource.Ranges[topLevel(unknown)]))
	}
	return v, diags
}

// learn tells the resolver what Atlas answered, and remembers where the object's children live.
func (r *run) learn(c *plan.Change, o schema.Object) {
	kind := r.in.Catalog.Kind(c.Kind)
	if place, err := kind.Inside(o.Place, o.ID, o.Key); err == nil {
		r.mu.Lock()
		r.inside[c.Address] = place
		r.mu.Unlock()
	}
	r.resolveMu.Lock()
	defer r.resolveMu.Unlock()
	r.in.Resolver.Learn(c.Address, o)
}

// placeOf returns where the step's object lives or is to live, "" where its parent is not there yet. desired, what is to
// be written, may say in which part of what its parent gives it.
func (r *run) placeOf(s *step, desired cty.Value) schema.Place {
	if s.phase == plan.Write && s.change.Parent != "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		if place, ok := r.inside[s.change.Parent]; ok {
			return s.kind.Spot(place, desired)
		}
	}
	if s.phase == plan.Write && s.change.Into != "" {
		return s.change.Into
	}
	return s.change.Place
}

// fitting lays what was planned over what was resolved.
type fitting struct{ differs string }

func (f *fitting) object(attrs []schema.Attribute, planned, resolved cty.Value, at cty.Path) cty.Value {
	values := make(map[string]cty.Value, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		values[a.Name] = f.value(a, planned.GetAttr(a.Name), resolved.GetAttr(a.Name), append(slices.Clone(at), cty.GetAttrStep{Name: a.Name}))
	}
	if len(values) == 0 {
		return resolved
	}
	return cty.ObjectVal(values)
}

func (f *fitting) value(a *schema.Attribute, planned, resolved cty.Value, at cty.Path) cty.Value {
	p, _ := planned.Unmark()
	switch {
	case a.WriteOnly || resolved.IsMarked() || !p.IsKnown():
		return resolved // a plan that was saved has no secrets
	case p.IsNull():
		return cty.NullVal(resolved.Type())
	case !resolved.IsKnown() || resolved.IsNull():
		f.found(at)
		return resolved
	case a.Type == schema.TypeObject:
		return f.object(a.Nested, p, resolved, at)
	case a.Type == schema.TypeList && a.Nested != nil:
		return f.list(a, p, resolved, at)
	case !resolved.ContainsMarked() && p.IsWhollyKnown():
		if raw, _ := p.UnmarkDeep(); !raw.RawEquals(resolved) {
			f.found(at)
		}
	}
	return resolved
}

func (f *fitting) list(a *schema.Attribute, planned, resolved cty.Value, at cty.Path) cty.Value {
	ps, rs := planned.AsValueSlice(), resolved.AsValueSlice()
	if len(ps) != len(rs) {
		f.found(at)
		return resolved
	}
	if len(rs) == 0 {
		return resolved
	}
	out := make([]cty.Value, len(rs))
	for i := range rs {
		p, _ := ps[i].Unmark()
		if rs[i].IsMarked() || !p.IsKnown() || rs[i].IsNull() || p.IsNull() {
			out[i] = rs[i]
			continue
		}
		out[i] = f.object(a.Nested, p, rs[i], append(slices.Clone(at), cty.IndexStep{Key: cty.NumberIntVal(int64(i))}))
	}
	return cty.ListVal(out)
}

func (f *fitting) found(at cty.Path) {
	if f.differs == "" {
		f.differs = schema.PathString(at)
	}
}

// firstUnknown returns the path of a value that is not known, or "".
func firstUnknown(v cty.Value) string {
	found := ""
	raw, _ := v.UnmarkDeep()
	_ = cty.Walk(raw, func(at cty.Path, v cty.Value) (bool, error) { // the function returns no error
		if found == "" && !v.IsKnown() {
			found = schema.PathString(at)
		}
		return found == "", nil
	})
	return found
}

// hasSecrets reports whether a write-only argument is set, at any depth.
func hasSecrets(attrs []schema.Attribute, v cty.Value) bool {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	return slices.ContainsFunc(attrs, func(a schema.Attribute) bool {
		field, _ := v.GetAttr(a.Name).Unmark()
		switch {
		case field.IsKnown() && field.IsNull():
			return false
		case a.WriteOnly:
			return true
		case a.Nested == nil || !field.IsKnown():
			return false
		case a.Type == schema.TypeObject:
			return hasSecrets(a.Nested, field)
		}
		return slices.ContainsFunc(field.AsValueSlice(), func(el cty.Value) bool { return hasSecrets(a.Nested, el) })
	})
}

// masked lists the secrets that are set, outside of lists, and that Atlas shows starred once it holds them.
func masked(attrs []schema.Attribute, v cty.Value, prefix string) []string {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	var out []string
	for i := range attrs {
		a := &attrs[i]
		switch field, _ := v.GetAttr(a.Name).Unmark(); {
		case field.IsNull():
		case a.Masked:
			out = append(out, prefix+a.Name)
		case a.Type == schema.TypeObject:
			out = append(out, masked(a.Nested, field, prefix+a.Name+".")...)
		}
	}
	return out
}

// preferSecrets leaves out the handle of every object that holds a secret: what the file says is sent in clear,
// and an id beside it would stand for the old one (R14).
func preferSecrets(attrs []schema.Attribute, v cty.Value) cty.Value {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() || len(attrs) == 0 {
		return v.WithMarks(marks)
	}
	values := v.AsValueMap()
	secret := false
	for i := range attrs {
		a := &attrs[i]
		field, fieldMarks := values[a.Name].Unmark()
		switch {
		case field.IsNull() || !field.IsKnown():
		case a.WriteOnly:
			secret = true
		case a.Nested == nil:
		case a.Type == schema.TypeObject:
			values[a.Name] = preferSecrets(a.Nested, field).WithMarks(fieldMarks)
		case field.LengthInt() > 0:
			els := field.AsValueSlice()
			for j := range els {
				els[j] = preferSecrets(a.Nested, els[j])
			}
			values[a.Name] = cty.ListVal(els).WithMarks(fieldMarks)
		}
	}
	for i := range attrs {
		if secret && attrs[i].Handle {
			values[attrs[i].Name] = cty.NullVal(attrs[i].CtyType())
		}
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// handles counts the handles that are set in a value, at any depth.
func handles(attrs []schema.Attribute, v cty.Value) int {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return 0
	}
	n := 0
	for i := range attrs {
		a := &attrs[i]
		field, _ := v.GetAttr(a.Name).Unmark()
		switch {
		case field.IsNull() || !field.IsKnown():
		case a.Handle:
			n++
		case a.Nested == nil:
		case a.Type == schema.TypeObject:
			n += handles(a.Nested, field)
		default:
			for _, el := range field.AsValueSlice() {
				n += handles(a.Nested, el)
			}
		}
	}
	return n
}

// managed returns the arguments of v that a desired value manages, the others null. Only those named count.
func managed(attrs []schema.Attribute, v, desired cty.Value, names []string) cty.Value {
	desired, _ = desired.Unmark()
	if v.IsNull() || len(attrs) == 0 {
		return v
	}
	values := make(map[string]cty.Value, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		field := v.GetAttr(a.Name)
		null := cty.NullVal(field.Type())
		switch want, _ := desired.GetAttr(a.Name).Unmark(); {
		case names != nil && !slices.Contains(names, a.Name), want.IsKnown() && want.IsNull():
			field = null
		case a.Type == schema.TypeObject && want.IsKnown():
			field = managed(a.Nested, field, want, nil)
		}
		values[a.Name] = field
	}
	return cty.ObjectVal(values)
}

// sendable returns the top-level attributes of a body that a whole object is sent with.
func sendable(kind *schema.Kind, e *schema.Endpoint, body cty.Value) []string {
	var names []string
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		v, _ := body.GetAttr(a.Name).Unmark()
		switch {
		case v.IsKnown() && v.IsNull(), !a.Argument() && !a.Handle, a.Virtual, a.DestroyTime, a.Initial, kind.Part(a.Name) != nil:
		case e.Only == nil || slices.Contains(e.Only, a.Name):
			names = append(names, a.Name)
		}
	}
	return names
}
