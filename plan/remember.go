package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// remember notes what the state will know differently although nothing is sent for it (R16): a move, an argument
// that was released, protection, what only a deletion uses, values that came to agree by themselves.
func (b *builder) remember(n *node) {
	if n.bound == nil || n.change.Action == Replace || n.change.Action == Create {
		return
	}
	c := n.change
	if c.Adopted && b.imported(n) {
		c.Adopted = false
		b.stateOnly(n, "own", "", "owned from now on, as its import block says")
	}
	b.rememberIdentity(n)
	released := b.releases(n)
	if n.bound.Lifecycle.PreventDestroy != c.Lifecycle.PreventDestroy {
		b.stateOnly(n, "protect", "lifecycle.prevent_destroy", fmt.Sprintf("prevent_destroy becomes %t", c.Lifecycle.PreventDestroy))
	}
	if n.bound.Lifecycle.Abandon != c.Lifecycle.Abandon {
		b.stateOnly(n, "protect", "lifecycle.destroy", fmt.Sprintf("destroy becomes %t", !c.Lifecycle.Abandon))
	}
	if now := c.Lifecycle.SnapshotBefore; !slices.Equal(n.bound.Lifecycle.SnapshotBefore, now) {
		b.stateOnly(n, "protect", "lifecycle.snapshot_before", fmt.Sprintf("snapshot_before becomes [%s]", strings.Join(now, ", ")))
	}
	b.rememberUnsent(n)
	if len(c.Diffs) > 0 {
		return // the write records everything else
	}
	if n.bound.Waiting != "" && c.Waiting == "" {
		text := "Atlas has finished what was asked of it"
		if b.state(n, func(s *schema.Settle) []string { return s.Failed }) {
			text = "Atlas could not finish what was asked of it"
		}
		b.stateOnly(n, "record", "", text)
	}
	for _, path := range b.converged(n) {
		if !slices.Contains(released, path) {
			b.stateOnly(n, "record", path, "managed as it is: "+path)
		}
	}
	if b.in.Prior.Resources[n.recorded].Connection != c.Connection {
		b.stateOnly(n, "record", "atlas", fmt.Sprintf("its connection is %q now", c.Connection))
	}
	if n.bound.Timeouts != c.Timeouts {
		b.stateOnly(n, "record", "timeouts", "its timeouts change")
	}
	if !slices.Equal(n.bound.Dependencies, c.Depends) {
		b.stateOnly(n, "record", "", "it depends on other resources than before")
	}
	if !slices.Equal(n.bound.Lifecycle.IgnoreChanges, c.Lifecycle.IgnoreChanges) {
		b.stateOnly(n, "record", "lifecycle.ignore_changes", "other changes are ignored than before")
	}
}

func (b *builder) stateOnly(n *node, kind, path, text string) {
	n.change.Record = true
	s := StateChange{Address: n.address, Kind: kind, Path: path, Text: text}
	if kind == "move" {
		s.From = n.recorded
	}
	b.only = append(b.only, s)
}

// rememberIdentity notes moves, and ids that changed behind a natural key (R2).
func (b *builder) rememberIdentity(n *node) {
	if n.recorded != n.address {
		b.stateOnly(n, "move", "", fmt.Sprintf("moved from %s", n.recorded))
	}
	if n.live.ID != n.bound.ID {
		b.stateOnly(n, "bind", "", fmt.Sprintf("bound to id %s, it was %s: upgraded or made again outside", n.live.ID, n.bound.ID))
	} else if n.live.Key != n.bound.Key && len(n.change.Diffs) == 0 {
		b.stateOnly(n, "bind", "", fmt.Sprintf("known as %q, it was %q", schema.KeyText(n.live.Key), schema.KeyText(n.bound.Key)))
	}
}

// releases announces the arguments that were applied and are no longer in the file (R10).
func (b *builder) releases(n *node) []string {
	var paths []string
	if !n.bound.Applied.IsNull() {
		b.released(n, n.kind.Attributes, n.bound.Applied, n.value, n.live.Value, "", &paths)
	}
	if len(n.bound.Secrets) == 0 {
		return paths
	}
	current := map[string]bool{}
	for _, leaf := range n.secretLeaves(n.value, n.bound.Applied) {
		current[leaf.recorded] = true
	}
	for _, path := range slices.Sorted(maps.Keys(n.bound.Secrets)) {
		top := topLevels([]Diff{{Path: path}})[0]
		if !current[path] && !slices.Contains(paths, top) && !strings.Contains(path, "[") && !ignored(n.change.Lifecycle.IgnoreChanges, path) {
			b.stateOnly(n, "release", path, fmt.Sprintf("no longer managed: %s, stays as it is", path))
			paths = append(paths, path)
		}
	}
	return paths
}

func (b *builder) released(n *node, attrs []schema.Attribute, applied, desired, live cty.Value, prefix string, paths *[]string) {
	for i := range attrs {
		a := &attrs[i]
		path := prefix + a.Name
		if !a.Argument() || a.DestroyTime || a.Virtual || a.Initial {
			continue
		}
		was := applied.GetAttr(a.Name)
		if was.IsNull() || ignored(n.change.Lifecycle.IgnoreChanges, plainPath(path)) {
			continue
		}
		now := cty.NullVal(a.CtyType())
		if d, _ := desired.Unmark(); d.IsKnown() && !d.IsNull() {
			now, _ = d.GetAttr(a.Name).Unmark()
		}
		switch {
		case !now.IsKnown():
		case now.IsNull():
			b.stateOnly(n, "release", path, fmt.Sprintf("no longer managed: %s, stays %s", path, brief(fieldOf(live, a))))
			*paths = append(*paths, path)
		case a.Type == schema.TypeObject:
			b.released(n, a.Nested, was, now, fieldOf(live, a), path+".", paths)
		case a.Type == schema.TypeList && a.Nested != nil && !a.Elem.Whole:
			b.releasedIn(n, a, was, now, path, paths)
		}
	}
}

// fieldOf returns an attribute of a live object, which may not be there or not be known.
func fieldOf(live cty.Value, a *schema.Attribute) cty.Value {
	switch {
	case !live.IsKnown():
		return cty.UnknownVal(a.CtyType())
	case live.IsNull():
		return cty.NullVal(a.CtyType())
	default:
		return live.GetAttr(a.Name)
	}
}

// releasedIn looks for released fields in the elements of a list that stay. Which live element they stand for is
// not looked up, so that what they stay as is not told.
func (b *builder) releasedIn(n *node, a *schema.Attribute, applied, desired cty.Value, path string, paths *[]string) {
	was, now := elements(applied), elements(desired)
	probe := comparison{kind: n.kind}
	for _, p := range probe.pairElements(a, now, was, attributePath{plain: plainPath(path)}) {
		if p.desired >= 0 && p.live >= 0 && now[p.desired].IsKnown() {
			at := attributePath{user: path}.index(p.desired).user
			b.released(n, a.Nested, was[p.live], now[p.desired], cty.DynamicVal, at+".", paths)
		}
	}
}

// brief writes a live value in a few characters.
func brief(v cty.Value) string {
	switch {
	case v.ContainsMarked() || !v.IsKnown():
		return "as it is"
	case v.IsNull():
		return "unset"
	case v.Type().IsPrimitiveType():
		return wholeValue(&schema.Attribute{Type: schema.TypeString}, v)
	default:
		return "as it is"
	}
}

// rememberUnsent notes arguments that no creation or update sends: those that only a deletion uses, and those of the
// language.
func (b *builder) rememberUnsent(n *node) {
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		if !a.DestroyTime && !a.Virtual && !a.Initial {
			continue
		}
		was, now := cty.NullVal(a.CtyType()), n.value.GetAttr(a.Name)
		if !n.bound.Applied.IsNull() {
			was = n.bound.Applied.GetAttr(a.Name)
		}
		if now.IsWhollyKnown() && !now.ContainsMarked() && !now.RawEquals(was) {
			text := fmt.Sprintf("%s becomes %s", a.Name, brief(now))
			if !now.IsNull() && !now.Type().IsPrimitiveType() {
				text = a.Name + " becomes what the file says"
			}
			switch {
			case a.DestroyTime:
				text += ", for its deletion"
			case a.Initial:
				text += ", for what is made from now on"
			case n.kind.Credential != nil && (a.Name == schema.SecretFile || a.Name == schema.SecretCommand):
				text += "; the next secret goes there, and the one in use stays where it is"
			}
			b.stateOnly(n, "record", a.Name, text)
		}
	}
}

// converged returns the top-level arguments whose recorded value is not the desired one although live is.
func (b *builder) converged(n *node) []string {
	if n.bound.Applied.IsNull() {
		return []string{"everything that the file sets"}
	}
	seen := map[string]bool{}
	var out []string
	for _, d := range n.fromApplied() {
		top := topLevels([]Diff{d})[0]
		if !seen[top] && !ignored(n.change.Lifecycle.IgnoreChanges, d.Path) && !b.recordedSecret(n, d.Path) {
			seen[top] = true
			out = append(out, top)
		}
	}
	return out
}

// fromApplied returns how the desired value differs from the one last applied.
func (n *node) fromApplied() []Diff {
	if !n.appliedCompared {
		n.appliedCompared = true
		n.appliedDiffs = compare(n.kind, n.value, n.bound.Applied)
	}
	return n.appliedDiffs
}

// recordedSecret reports whether the state holds a path as a hash, so that Applied lacks it.
func (b *builder) recordedSecret(n *node, path string) bool {
	for p := range n.bound.Secrets {
		if p == path || strings.HasPrefix(p, path+".") || strings.HasPrefix(p, path+"[") {
			return true
		}
	}
	return false
}

// Managed returns a desired value without the arguments that lifecycle.ignore_changes exempts: what is compared
// and sent once the object exists. "all" exempts everything. What only a deletion uses changes nothing and stays.
func Managed(kind *schema.Kind, desired cty.Value, ignore []string) cty.Value {
	if len(ignore) == 0 {
		return desired
	}
	out, err := cty.Transform(desired, func(p cty.Path, v cty.Value) (cty.Value, error) {
		path := schema.AttributePath(p)
		a := schema.FindPath(kind.Attributes, path)
		if len(p) > 0 && ignored(ignore, path) && (a == nil || !a.DestroyTime) {
			return cty.NullVal(v.Type()), nil
		}
		return v, nil
	})
	if err != nil { // the function does not fail
		return desired
	}
	return out
}
