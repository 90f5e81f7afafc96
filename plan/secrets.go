package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Atlas never shows a secret again, so whether one changed is told from the hash in the state: each secret of
// the desired value is looked up under the path that its element had when it was applied. Without a binding, or
// without a hash, it will be set.

// secretLeaf is one secret, or sensitive value, of a desired value.
type secretLeaf struct {
	attribute *schema.Attribute
	path      string
	value     cty.Value
	// recorded is the path under which the state may have its hash, "" if its element was not there.
	recorded string
}

// secretLeaves lists what is secret in the node's desired value, paired with the value that was last applied.
func (n *node) secretLeaves(desired, applied cty.Value) []secretLeaf {
	w := secretWalk{c: comparison{kind: n.kind}, marked: n.sensitive}
	w.object(n.kind.Attributes, desired, applied, attributePath{}, attributePath{}, !applied.IsNull())
	return w.found
}

// holdsMarks reports whether a value of the attributes holds something sensitive. Most hold a few texts and nothing
// else, which need no walk.
func holdsMarks(attrs []schema.Attribute, v cty.Value) bool {
	if v.IsMarked() || v.IsNull() || !v.IsKnown() {
		return v.ContainsMarked()
	}
	for i := range attrs {
		switch f := v.GetAttr(attrs[i].Name); {
		case f.IsMarked():
			return true
		case f.IsKnown() && (f.IsNull() || f.Type().IsPrimitiveType()):
		case f.ContainsMarked():
			return true
		}
	}
	return false
}

type secretWalk struct {
	c comparison
	// marked says that the desired value holds marks; else only write-only arguments are secret in it.
	marked bool
	found  []secretLeaf
}

func (w *secretWalk) object(attrs []schema.Attribute, desired, applied cty.Value, at, was attributePath, known bool) {
	d, marks := desired.Unmark()
	if d.IsNull() || !d.IsKnown() {
		return
	}
	for i := range attrs {
		a := &attrs[i]
		if !a.Argument() || !w.marked && !a.HasSecrets() {
			continue
		}
		old := cty.NullVal(a.CtyType())
		if !applied.IsNull() {
			old = applied.GetAttr(a.Name)
		}
		w.value(a, d.GetAttr(a.Name).WithMarks(marks), old, at.attr(a.Name), was.attr(a.Name), known)
	}
}

func (w *secretWalk) value(a *schema.Attribute, desired, applied cty.Value, at, was attributePath, known bool) {
	d, marks := desired.Unmark()
	if d.IsKnown() && d.IsNull() {
		return
	}
	if a.WriteOnly || len(marks) > 0 {
		leaf := secretLeaf{attribute: a, path: at.user, value: desired}
		if known {
			leaf.recorded = was.user
		}
		w.found = append(w.found, leaf)
		return
	}
	switch {
	case !d.IsKnown():
	case a.Type == schema.TypeObject:
		w.object(a.Nested, d, applied, at, was, known)
	case a.Type == schema.TypeList && a.Nested != nil:
		ds, olds := elements(d), elements(applied)
		for _, p := range w.c.pairElements(a, ds, olds, at) {
			switch {
			case p.desired < 0:
			case p.live < 0:
				w.object(a.Nested, ds[p.desired], cty.NullVal(a.CtyType().ElementType()), at.index(p.desired), attributePath{}, false)
			default:
				w.object(a.Nested, ds[p.desired], olds[p.live], at.index(p.desired), was.index(p.live), known)
			}
		}
	case d.Type().IsMapType() || d.Type().IsListType():
		for it := d.ElementIterator(); it.Next(); {
			k, el := it.Element()
			if el.IsMarked() {
				step := schema.PathString(cty.Path{cty.IndexStep{Key: k}})
				leaf := secretLeaf{attribute: a, path: at.user + step, value: el}
				if known {
					leaf.recorded = was.user + step
				}
				w.found = append(w.found, leaf)
			}
		}
	}
}

// secretPaths lists the write-only values that a creation sets.
func (n *node) secretPaths() []string {
	var out []string
	for _, leaf := range n.secretLeaves(n.value, cty.NullVal(n.kind.Type())) {
		if leaf.attribute.WriteOnly {
			out = append(out, leaf.path)
		}
	}
	return out
}

// SecretCandidate is a secret and the hash that it may be behind, to be verified before planning (R20).
type SecretCandidate struct{ Hash, Secret string }

// SecretCandidates lists what Build will ask of its facts.
func (p *Pairing) SecretCandidates() []SecretCandidate {
	var out []SecretCandidate
	for _, n := range p.b.nodes {
		if n.desired == nil || n.bound == nil || len(n.bound.Secrets) == 0 {
			continue
		}
		for _, leaf := range n.secretLeaves(n.value, n.bound.Applied) {
			if text, known := schema.SecretText(leaf.value); known && n.bound.Secrets[leaf.recorded] != "" {
				out = append(out, SecretCandidate{n.bound.Secrets[leaf.recorded], text})
			}
		}
	}
	return out
}

// secrets adds the differences that only the state's hashes show, and notes the hashes that stay.
func (b *builder) secrets(n *node) {
	c := n.change
	if !n.sensitive && !n.kind.HasSecrets() {
		return
	}
	applied := cty.NullVal(n.kind.Type())
	hashes := map[string]string{}
	if n.bound != nil {
		applied, hashes = n.bound.Applied, n.bound.Secrets
	}
	for _, leaf := range n.secretLeaves(n.value, applied) {
		hash := hashes[leaf.recorded]
		text, known := schema.SecretText(leaf.value)
		same := hash != "" && !n.lost(leaf.attribute, leaf.path) && (b.in.SecretMatches == nil || known && b.in.SecretMatches(hash, text))
		switch {
		case same:
			if c.Hashes == nil {
				c.Hashes = map[string]string{}
			}
			c.Hashes[leaf.path] = hash
		case !leaf.attribute.WriteOnly:
			c.Record = true // Atlas shows the value, so the comparison has it; only the hash is new
		case ignored(c.Lifecycle.IgnoreChanges, leaf.path):
		default:
			op := DiffChange
			if hash == "" || n.lost(leaf.attribute, leaf.path) {
				op = DiffAdd
			}
			c.Secrets = append(c.Secrets, leaf.path)
			c.Diffs = append(c.Diffs, Diff{Path: leaf.path, Op: op, Sensitive: true})
		}
	}
	slices.SortStableFunc(c.Diffs, func(x, y Diff) int { return b.attributeOrder(n.kind, x.Path) - b.attributeOrder(n.kind, y.Path) })
}

// lost reports whether Atlas would show the secret starred and does not: it is not there any more.
func (n *node) lost(a *schema.Attribute, path string) bool {
	return a.Masked && n.live != nil && !slices.Contains(n.live.Held, path)
}

func (b *builder) attributeOrder(kind *schema.Kind, path string) int {
	top := topLevels([]Diff{{Path: path}})[0]
	return slices.IndexFunc(kind.Attributes, func(a schema.Attribute) bool { return a.Name == top })
}

// secretsNeeded refuses a write that would lose a secret which the file does not hold (R14): where a call replaces the
// object, or a part of it, Atlas keeps no secret that is left out but that of an element whose id is sent, and then
// that element must be beyond doubt.
func (b *builder) secretsNeeded(n *node) {
	changed := topLevels(n.change.Diffs)
	e := endpointFor(n.kind, changed)
	if len(changed) == 0 || e == nil {
		return
	}
	sent := Overlay(n.kind, n.value, n.live.Value)
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		replaced := e.Replaces || slices.Contains(changed, a.Name)
		switch {
		case a.WriteOnly && e.Replaces:
			b.secretNeeded(n, n.kind.Attributes, sent, a, "")
		case a.Type == schema.TypeObject && replaced:
			b.secretsNeededInside(n, a, sent.GetAttr(a.Name))
		case a.Type == schema.TypeList && e.Replaces && slices.ContainsFunc(a.Nested, func(f schema.Attribute) bool { return f.WriteOnly }):
			b.secretsNeededIn(n, a)
		}
	}
}

// secretsNeededInside looks at the secrets of an object, which a write always replaces whole.
func (b *builder) secretsNeededInside(n *node, a *schema.Attribute, sent cty.Value) {
	if v, _ := sent.Unmark(); v.IsNull() || !v.IsKnown() {
		return
	}
	for i := range a.Nested {
		if f := &a.Nested[i]; f.WriteOnly {
			b.secretNeeded(n, a.Nested, sent, f, a.Name+".")
		}
	}
}

// secretNeeded asks for a secret that Atlas holds, or cannot do without, and that what is sent lacks.
func (b *builder) secretNeeded(n *node, attrs []schema.Attribute, sent cty.Value, a *schema.Attribute, prefix string) {
	path := prefix + a.Name
	holds := slices.Contains(n.live.Held, path) && schema.Allows(attrs, sent, a)
	if isSet(sent, a.Name) || !holds && !schema.Requires(attrs, sent, a) {
		return
	}
	whole := "the whole " + n.kind.Name
	if prefix != "" {
		whole = "all of " + strings.TrimSuffix(prefix, ".")
	}
	b.finding(n, n.placeOf(n.change.Diffs[0].Path), "secret_needed", fmt.Sprintf("%s is needed", path),
		"The change writes %s anew, and the secret that goes with it would be lost: Atlas shows it to nobody, so only you can send it again. Set %s.", whole, path)
}

func (b *builder) secretsNeededIn(n *node, a *schema.Attribute) {
	ds, ls := elements(n.value.GetAttr(a.Name)), elements(n.live.Value.GetAttr(a.Name))
	probe := comparison{kind: n.kind}
	pairs := probe.pairElements(a, ds, ls, attributePath{}.attr(a.Name))
	for _, p := range pairs {
		if p.desired < 0 {
			continue
		}
		secrets := secretsOf(a, ds[p.desired])
		why := unsafeElement(a, p, pairs, ds, ls)
		if len(secrets) == 0 || why == "" {
			continue
		}
		path := fmt.Sprintf("%s[%d].%s", a.Name, p.desired, secrets[0])
		b.finding(n, n.placeOf(path), "secret_needed", fmt.Sprintf("%s is needed", path),
			"The change replaces the whole list in Atlas, and %s. Set %s.", why, path)
	}
}

// secretsOf returns the secrets that an element can have, nil where the file sets one of them.
func secretsOf(a *schema.Attribute, element cty.Value) []string {
	var out []string
	for i := range a.Nested {
		f := &a.Nested[i]
		if !f.WriteOnly || !schema.Allows(a.Nested, element, f) {
			continue
		}
		if isSet(element, f.Name) {
			return nil
		}
		out = append(out, f.Name)
	}
	return out
}

// unsafeElement says why an element cannot keep the secret that Atlas may hold for it, "" where it can or where
// there is none to lose.
func unsafeElement(a *schema.Attribute, p elementPair, pairs []elementPair, ds, ls []cty.Value) string {
	switch {
	case p.live >= 0 && (p.tied || twinLetsGo(a, p, pairs, ds, ls)):
		return "this element cannot be told from another one, so the secret that Atlas holds would be lost"
	case p.live >= 0 && !hasHandle(a, ls[p.live]):
		return "Atlas gave this element no id, so the secret that it holds would be lost"
	case p.live >= 0:
		return ""
	}
	for _, other := range pairs {
		if other.desired < 0 && a.Elem.Tag != "" && keyText(a, ls[other.live], a.Elem.Tag) == keyText(a, ds[p.desired], a.Elem.Tag) {
			return "this element does not match the one in Atlas, so the secret that Atlas holds would be lost"
		}
	}
	if slices.ContainsFunc(a.Nested, func(f schema.Attribute) bool {
		return f.WriteOnly && schema.Requires(a.Nested, ds[p.desired], &f)
	}) {
		return "Atlas holds no secret for this new element"
	}
	return ""
}

// twinLetsGo reports whether a live element that looks like the paired one is dropped or given another secret: then
// it is a matter of chance which of the two secrets is kept.
func twinLetsGo(a *schema.Attribute, p elementPair, pairs []elementPair, ds, ls []cty.Value) bool {
	looks := elementText(a, ls[p.live])
	return slices.ContainsFunc(pairs, func(other elementPair) bool {
		return other.live >= 0 && other.live != p.live && elementText(a, ls[other.live]) == looks &&
			(other.desired < 0 || len(secretsOf(a, ds[other.desired])) == 0)
	})
}

func hasHandle(a *schema.Attribute, v cty.Value) bool {
	return slices.ContainsFunc(a.Nested, func(f schema.Attribute) bool {
		return f.Handle && !v.GetAttr(f.Name).IsNull()
	})
}
