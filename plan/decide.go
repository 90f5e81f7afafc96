package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// decide fills in every node's change: the action, its differences and its reasons.
func (b *builder) decide() {
	b.begin()
	for _, n := range b.nodes {
		switch {
		case n.desired != nil && !b.in.Options.Destroy:
			b.decideDeclared(n)
		case n.exclusive:
			b.decideStranger(n)
		default:
			b.decideUndeclared(n)
		}
	}
}

// begin gives every node a change, which says nothing yet beyond what the node says.
func (b *builder) begin() {
	changes := make([]Change, len(b.nodes))
	for i, n := range b.nodes {
		changes[i] = b.skeleton(n)
		n.change = &changes[i]
	}
}

func (b *builder) skeleton(n *node) Change {
	c := Change{Address: n.address, Kind: n.kind.Name, Connection: n.connection, Place: n.place, Action: NoOp,
		Before: cty.NullVal(n.kind.Type()), After: cty.NullVal(n.kind.Type()), Desired: cty.NullVal(n.kind.Type())}
	c.FormerGone = n.formerGone && n.live != nil
	if n.parent != nil {
		c.Parent = n.parent.address
	}
	if n.live != nil {
		c.ID, c.Key, c.Place, c.Before = n.live.ID, n.live.Key, n.live.Place, n.live.Value
	}
	if n.origin != nil {
		c.Was = n.origin.Name
	}
	if n.bound != nil {
		c.Adopted, c.Waiting = n.bound.Adopted, n.bound.Waiting
		c.Secret, c.Stale = n.bound.Secret, n.bound.Stale
		c.Lifecycle, c.Timeouts, c.Depends = n.bound.Lifecycle, n.bound.Timeouts, n.bound.Dependencies
		if n.recorded != n.address {
			c.Previous = n.recorded
		}
	}
	if n.desired != nil {
		c.Lifecycle, c.Timeouts, c.Range = n.desired.Lifecycle, n.desired.Timeouts, n.desired.Range
		c.Desired = n.value
	}
	return c
}

func (b *builder) decideDeclared(n *node) {
	c := n.change
	c.Depends = b.dependencies(n)
	if n.parent != nil && n.parent.postponed {
		n.postponed = true
	}
	if n.stuck || n.postponed {
		c.After = c.Before
		return
	}
	b.misfits(n)
	parentReplaced := n.parent != nil && n.parent.change.Action == Replace
	switch {
	case n.live == nil && b.expired(n):
		return // which the advice "expired" tells
	case b.isDone(n, parentReplaced):
		return
	case n.live == nil:
		b.create(n)
		return
	case parentReplaced && n.kind.Singleton && n.bound == nil:
		n.live = nil // it goes with the old parent, and that of the new one is set
		b.create(n)
		return
	case b.state(n, func(s *schema.Settle) []string { return s.Deleting }):
		c.Waiting = "delete"
		b.create(n)
		c.Removal = []schema.Call{{Verb: schema.CallWait, Note: "Atlas is still deleting the one before"}}
		return
	case b.state(n, func(s *schema.Settle) []string { return s.Creating }):
		c.Waiting = "create"
		c.After = c.Before
		c.Calls = []schema.Call{{Verb: schema.CallWait, Note: "Atlas is still creating it"}}
		if n.bound == nil {
			b.adopt(n)
		} else {
			c.Record = n.bound.Waiting != "create"
		}
		return
	case n.upgrade != nil && b.state(n, func(s *schema.Settle) []string { return s.Busy }):
		b.awaitUpgrade(n)
		return
	}
	n.value = Managed(n.kind, n.full, c.Lifecycle.IgnoreChanges)
	c.Desired = n.value
	c.Diffs = compare(n.kind, n.value, n.live.Value)
	if !b.state(n, func(s *schema.Settle) []string { return s.Busy }) {
		c.Waiting = ""
	}
	for i := range c.Diffs {
		c.Diffs[i].Replaces = n.upgrade == nil && b.forces(n, &c.Diffs[i])
	}
	b.secrets(n)
	c.After = c.Before
	if len(c.Diffs) > 0 {
		c.After = b.after(n)
	}
	if n.upgrade != nil {
		b.planUpgrade(n)
	}
	switch {
	case n.upgrade == nil && b.mustReplace(n, parentReplaced):
		b.replace(n, parentReplaced)
	case n.bound == nil && n.kind.Singleton && n.parent != nil && !n.parent.change.Adopted:
		b.take(n)
	case n.bound == nil:
		b.adopt(n)
	case len(c.Diffs) > 0:
		c.Action = Update
	}
	if c.Action != Replace {
		b.secretsNeeded(n)
	}
	if c.Action == NoOp && b.unfinished(n) {
		c.Waiting = "update"
		c.Calls = []schema.Call{{Verb: schema.CallWait, Note: "Atlas is still at work on it"}}
	}
	b.remember(n)
	b.rotate(n)
}

// ignored reports whether a path is one of the ignored ones or inside it; "all" ignores everything.
func ignored(paths []string, path string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		rest, ok := strings.CutPrefix(path, p)
		return p == "all" || ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// state reports whether the live object is in one of the states that the kind's Settle names.
func (b *builder) state(n *node, of func(*schema.Settle) []string) bool {
	return n.kind.Settle != nil && n.live != nil && slices.Contains(of(n.kind.Settle), b.stateOf(n))
}

// stateOf returns the state of a live object of a kind that Atlas works on.
func (b *builder) stateOf(n *node) string {
	v := n.live.Value.GetAttr(n.kind.Settle.Field)
	if v.IsNull() || !v.IsKnown() {
		return ""
	}
	return v.AsString()
}

// unfinished reports whether Atlas is at work on what an apply sent that could not wait for it: the state says so, or
// that apply died within a second after the call, before it could be recorded.
func (b *builder) unfinished(n *node) bool {
	if !b.state(n, func(s *schema.Settle) []string { return s.Busy }) {
		return false
	}
	if n.bound == nil {
		return b.begun[n.address]
	}
	return n.bound.Waiting != "" || b.begun[n.recorded]
}

// expired reports whether a declared object is temporary and past its time (R39).
func (b *builder) expired(n *node) bool {
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		if a.Within == nil {
			continue
		}
		v, _ := n.value.GetAttr(a.Name).Unmark()
		if v.IsKnown() && !v.IsNull() {
			if t, err := schema.Instant(v.AsString()); err == nil && !t.After(b.in.Now) {
				return true
			}
		}
	}
	return false
}

// create plans a new object.
func (b *builder) create(n *node) {
	c := n.change
	c.Action, c.Adopted = Create, false
	if n.kind.Singleton {
		c.Reasons = append(c.Reasons, singletonReason(n))
	}
	if n.gone {
		c.Reasons = append(c.Reasons, Reason{Code: "gone", Text: "it was deleted outside Mercator"})
	}
	c.ID, c.Key = "", ""
	c.Secret, c.Stale = "", nil
	c.Before = cty.NullVal(n.kind.Type())
	c.After = b.after(n)
	c.Place = n.place
	c.Secrets = n.secretPaths()
	if n.kind.Credential != nil {
		b.checkDelivery(n)
	}
	for _, m := range n.kind.Misfits(n.value, true) {
		b.misfit(n, m)
	}
	if b.in.Options.Destroy {
		return
	}
	if n.parent == nil && n.place != "" && n.kind.Parent != "" && !b.alive(n.connection, n.kind, n.place) {
		b.finding(n, n.placeOf(n.kind.Parent), "parent_missing", fmt.Sprintf("The %s that %s belongs in is not there", n.kind.Parent, n.address),
			"The file says the id %q, and no %s that the credentials reach has it. Correct the id, or declare the %s and refer to its block.",
			n.desired.Parent.ID, n.kind.Parent, n.kind.Parent)
	}
}

// misfits reports arguments that Atlas takes only with others.
func (b *builder) misfits(n *node) {
	for _, m := range n.kind.Misfits(n.value, false) {
		b.misfit(n, m)
	}
}

func (b *builder) misfit(n *node, m schema.Misfit) {
	d := n.placed(m.Finding.About(schema.PathString(m.Path)))
	if !slices.ContainsFunc(b.diags, func(x diag.Diagnostic) bool { return x == d }) {
		b.diags.Add(d)
	}
}

// after is what the object will be: what is sent over what is live, and unknown where Atlas decides.
func (b *builder) after(n *node) cty.Value {
	live := cty.NullVal(n.kind.Type())
	if n.change.Action != Create && n.live != nil {
		live = n.live.Value
	}
	merged := Overlay(n.kind, n.value, live).AsValueMap()
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		switch {
		case a.Virtual:
		case a.Argument() && !a.DestroyTime:
			if v, _ := merged[a.Name].Unmark(); live.IsNull() && v.IsKnown() && v.IsNull() && !a.WriteOnly {
				merged[a.Name] = cty.UnknownVal(a.CtyType())
			}
		case a.DestroyTime:
			merged[a.Name] = n.value.GetAttr(a.Name)
		case live.IsNull() || n.upgrade != nil || a.Volatile && len(n.change.Diffs) > 0:
			merged[a.Name] = cty.UnknownVal(a.CtyType())
		default:
			merged[a.Name] = live.GetAttr(a.Name)
		}
	}
	return cty.ObjectVal(merged)
}

// forces reports whether a difference cannot be made in place.
func (b *builder) forces(n *node, d *Diff) bool {
	path := plainPath(d.Path)
	if n.kind.Identity.Binds == schema.ByKey && slices.Contains(n.kind.Identity.Key, path) {
		return true
	}
	for p := path; p != ""; {
		if a := schema.FindPath(n.kind.Attributes, p); a != nil && a.Immutable {
			return true
		}
		i := strings.LastIndexByte(p, '.')
		if i < 0 {
			return false
		}
		p = p[:i]
	}
	return false
}

// plainPath takes the indices out of a path.
func plainPath(path string) string {
	var b strings.Builder
	depth := 0
	for _, r := range path {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (b *builder) mustReplace(n *node, parentReplaced bool) bool {
	return parentReplaced || n.renamed || n.rehomed || b.asked(n) || n.undelivered() ||
		slices.ContainsFunc(n.change.Diffs, func(d Diff) bool { return d.Replaces })
}

// asked reports whether --replace names the node.
func (b *builder) asked(n *node) bool {
	return slices.ContainsFunc(b.in.Options.Replace, func(a schema.Address) bool { return a.Covers(n.address) })
}

func (b *builder) replace(n *node, parentReplaced bool) {
	c := n.change
	c.Action = Replace
	c.Secret, c.Stale = "", nil
	for _, d := range c.Diffs {
		if d.Replaces {
			c.Reasons = append(c.Reasons, Reason{"cannot_update", d.Path, "Atlas cannot change it"})
			c.CreateFirst = c.CreateFirst || n.kind.Identity.Binds == schema.ByKey && slices.Contains(n.kind.Identity.Key, plainPath(d.Path))
		}
	}
	switch {
	case parentReplaced:
		c.Reasons = append(c.Reasons, Reason{"parent_replaced", "", "it lives in " + string(n.parent.address) + ", which is replaced"})
		c.CreateFirst = n.parent.change.CreateFirst
	case n.rehomed:
		c.Reasons = append(c.Reasons, Reason{"parent_changed", n.kind.Parent, "it cannot move from one " + n.kind.Parent + " to another"})
		c.CreateFirst, c.Into = true, n.place
	case n.place != n.live.Place: // another part of what its parent gives it
		c.Into = n.place
	case n.undelivered():
		c.Undelivered, c.Record, c.Waiting = true, true, ""
		c.Reasons = append(c.Reasons, undeliveredReason())
	case b.asked(n):
		c.Reasons = append(c.Reasons, Reason{"by_request", "", "asked for by --replace"})
	}
	if n.kind.Once || n.kind.Credential != nil && !c.Undelivered {
		c.CreateFirst = true // whoever uses the old one goes on until the new one is there, or delivered
	}
	c.Leaves = n.kind.Endpoints.Delete == nil && !n.kind.Singleton
	n.value = n.full // the new object is made as the file says
	c.Desired = n.full
	c.Secrets = n.secretPaths()
	if n.kind.Credential != nil {
		b.checkDelivery(n)
	}
	for _, m := range n.kind.Misfits(n.value, true) {
		b.misfit(n, m)
	}
	fresh, creation := *n, *c
	creation.Action = Create
	fresh.live, fresh.change = nil, &creation
	c.After = b.after(&fresh)
}

func (b *builder) adopt(n *node) {
	c := n.change
	c.Action, c.Adopted, c.Record = Adopt, true, true
	switch n.how {
	case "import":
		c.Adopted = false
		c.Reasons = append(c.Reasons, Reason{Code: "import", Text: "named by an import block"})
	case "intent":
		c.Adopted = false
		c.Action = NoOp
		c.Reasons = append(c.Reasons, Reason{Code: "intent", Text: "created by an apply that was interrupted"})
	case "content":
		c.Reasons = append(c.Reasons, Reason{Code: "content", Text: "it exists with exactly this content"})
	case "parent":
		c.Reasons = append(c.Reasons, singletonReason(n))
	default:
		c.Reasons = append(c.Reasons, Reason{Code: "natural_key", Text: fmt.Sprintf("it exists as %q", schema.KeyText(c.Key))})
		if b.madeByIntent(n) {
			c.Adopted, c.Action = false, NoOp
			c.Reasons = []Reason{{Code: "intent", Text: "created by an apply that was interrupted"}}
		}
	}
	if c.Action == NoOp && len(c.Diffs) > 0 {
		c.Action = Update
	}
	if c.Action == Adopt && c.Adopted && b.in.Options.NoAdopt {
		b.error(n.address, "exists", fmt.Sprintf("%s exists already", n.address),
			"Atlas has it as %s, and the state does not know it. Plan without --no-adopt to take it over, or remove the block.", nameOf(c))
	}
}

// take begins to manage a singleton whose parent is ours: it came with the parent, so it is ours too, and an update is
// its creation.
func (b *builder) take(n *node) {
	c := n.change
	c.Record = true
	if len(c.Diffs) > 0 {
		c.Action = Update
		c.Reasons = append(c.Reasons, singletonReason(n))
		return
	}
	b.stateOnly(n, "record", "", "managed as it is: the "+n.kind.Name+" of "+string(n.parent.address))
}

func singletonReason(n *node) Reason {
	if n.kind.Parent == "" {
		return Reason{Code: "singleton", Text: "a connection leads to one, and it is set"}
	}
	return Reason{Code: "singleton", Text: fmt.Sprintf("every %s has one, and it is set", n.kind.Parent)}
}

// madeByIntent reports whether an unfinished creation of ours explains an object with a natural key.
func (b *builder) madeByIntent(n *node) bool {
	return slices.ContainsFunc(b.explains[n.address], func(i schema.Intent) bool {
		return i.Verb == schema.CallCreate && i.Place == n.live.Place && i.Key == n.live.Key
	})
}

// nameOf names a live object for people.
func nameOf(c *Change) string {
	switch {
	case c.Key != "":
		return fmt.Sprintf("%q", schema.KeyText(c.Key))
	case c.ID != "":
		return "id " + c.ID
	}
	return "the only one there"
}

// decideUndeclared plans for what the state owns and the files do not declare, or for everything in a destroy.
func (b *builder) decideUndeclared(n *node) {
	c := n.change
	c.Desired = cty.NullVal(n.kind.Type())
	if n.live == nil || n.gone {
		c.Action = NoOp
		return
	}
	if n.origin != nil {
		b.awaitUpgrade(n)
		return
	}
	if n.undelivered() {
		c.Action, c.Undelivered, c.Record, c.Waiting, c.Reasons = Delete, true, true, "", []Reason{undeliveredReason()}
		return
	}
	reason := Reason{Code: "not_declared", Text: "it is no longer in the files"}
	if b.in.Options.Destroy {
		reason = Reason{Code: "destroy", Text: "everything that the state owns is removed"}
	}
	forget := func(code, text string) {
		c.Action, c.Reasons, c.After = Forget, []Reason{{Code: code, Text: text}}, c.Before
	}
	removal := b.removal(n)
	switch {
	case n.bound == nil: // declared, never applied: a destroy leaves it alone
		c.Action = NoOp
		return
	case removal != nil && !removal.Destroy:
		forget("removed_block", "a removed block says destroy = false")
		b.checkKept(n)
		return
	case c.Lifecycle.Abandon:
		forget("abandoned", "its lifecycle says destroy = false")
		b.checkKept(n)
		return
	case n.kind.Endpoints.Delete == nil && n.kind.Once:
		text := "what it did cannot be undone"
		if b.state(n, func(s *schema.Settle) []string { return s.Creating }) {
			text = "it goes on in Atlas, which alone can stop it"
		}
		forget("done", text)
		return
	case n.kind.Endpoints.Delete == nil:
		forget("no_reset", cmp.Or(n.kind.Lasting, "it stays as it is, since there is no reset for it"))
		return
	case n.bound.Adopted && b.isExclusive(n):
		c.Exclusive, reason = true, exclusiveReason(n)
	case n.bound.Adopted && !b.allowed(b.in.Options.AllowDestroy, n):
		forget("adopted_undeclared", "Mercator adopted it and did not make it; --allow-destroy deletes it")
		return
	}
	c.Action, c.Reasons = Delete, []Reason{reason}
	b.checkPrevented(n)
}

// checkPrevented refuses to delete what its lifecycle protects.
func (b *builder) checkPrevented(n *node) {
	if c := n.change; c.Lifecycle.PreventDestroy {
		b.diags.Add(diag.Errorf("prevent_destroy", fmt.Sprintf("%s is protected and would be deleted", n.address),
			"Its lifecycle says prevent_destroy, which the state remembers when the block is gone. Put the block back with prevent_destroy = false and apply, or leave it in Atlas and forget it:\n\nmercator state rm %s",
			quoteShell(n.address)).On(string(n.address)).At(c.Range))
	}
}

// isExclusive reports whether an undeclared object lives where its kind is exclusive. There every plan deletes
// what is not declared, adopted or not (R32), so it is not forgotten first.
func (b *builder) isExclusive(n *node) bool {
	return !b.in.Options.Destroy && n.parent != nil && n.parent.desired != nil && slices.Contains(n.parent.desired.Exclusive, n.kind.Name)
}

// checkKept refuses to forget what the next plan would delete, because its kind is exclusive where it lives.
func (b *builder) checkKept(n *node) {
	if b.isExclusive(n) {
		at := n.placeOf("")
		if removal := b.removal(n); removal != nil {
			at = removal.Range
		}
		b.finding(n, at, "exclusive_forgets", fmt.Sprintf("%s would be forgotten, and nothing that is not declared may live there", n.address),
			"%s, but %s is exclusive in %s, so the next plan would delete it. Declare it, or take %s out of exclusive.",
			capital(reasonText(n.change)), n.kind.Name, n.parent.address, n.kind.Name)
	}
}

func exclusiveReason(n *node) Reason {
	return Reason{Code: "exclusive", Text: fmt.Sprintf("nobody declared it, and %s is exclusive in %s", n.kind.Name, n.parent.address)}
}

// removal returns the removed block that names the node.
func (b *builder) removal(n *node) *schema.Removal {
	for i := range b.in.Desired.Removals {
		if b.in.Desired.Removals[i].From.Contains(n.address) {
			return &b.in.Desired.Removals[i]
		}
	}
	return nil
}

func (b *builder) decideStranger(n *node) {
	c := n.change
	c.Action, c.Exclusive = Delete, true
	c.Reasons = []Reason{exclusiveReason(n)}
}

// allowed reports whether one of the flag's addresses names the node, or "all" does.
func (b *builder) allowed(list []string, n *node) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return s == "all" || schema.Address(s).Covers(n.address) || n.recorded != "" && schema.Address(s).Covers(n.recorded)
	})
}

// doomed returns the nodes in which others live and which the plan deletes or replaces, or a destroy would.
func (b *builder) doomed() []*node {
	var out []*node
	for _, n := range b.nodes {
		if n.live == nil || n.gone || len(b.in.Catalog.Children(n.kind.Name)) == 0 {
			continue
		}
		removed := n.bound != nil && (n.desired == nil || b.in.Options.Destroy)
		if removed || n.desired != nil && b.willReplace(n) {
			out = append(out, n)
		}
	}
	return out
}

// becomesAnother reports, before anything is decided, whether the plan makes another object in place of the node's. What
// the options leave out stays.
func (b *builder) becomesAnother(n *node) bool {
	o := &b.in.Options
	contains := func(a schema.Address) bool { return a.Contains(n.address) }
	if n.live == nil || o.Destroy || slices.ContainsFunc(o.Excludes, contains) || len(o.Targets) > 0 && !slices.ContainsFunc(o.Targets, contains) {
		return false
	}
	if n.kind.Once && n.parent != nil && n.parent.live != nil && n.parent.desired != nil && b.willReplace(n.parent) {
		return b.asked(n) // it goes with its parent, and is not made again
	}
	return b.willReplace(n)
}

// willReplace reports, before anything is decided, whether a declared node will be replaced.
func (b *builder) willReplace(n *node) bool {
	if n.parent != nil && n.parent.desired != nil && n.parent.live != nil && b.willReplace(n.parent) {
		return true
	}
	if n.upgrade != nil {
		return false
	}
	diffs := compare(n.kind, Managed(n.kind, n.full, n.desired.Lifecycle.IgnoreChanges), n.live.Value)
	return n.renamed || n.rehomed || b.asked(n) || slices.ContainsFunc(diffs, func(d Diff) bool { return b.forces(n, &d) })
}
