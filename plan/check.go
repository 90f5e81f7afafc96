package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// CheckConnections refuses connections that lead to another organization than the state says, and a state of
// whose organization no connection is left (R5): reading would show everything as deleted, so nothing is read.
func CheckConnections(in Input) diag.List {
	var diags diag.List
	for _, name := range sortedKeys(in.Connections) {
		now, was := in.Connections[name], in.Prior.Connections[name]
		if was == (Connection{}) || was.OrgID == now.OrgID && was.BaseURL == now.BaseURL {
			continue
		}
		label := "The connection " + name
		if name == "" {
			label = "The default connection"
		}
		diags.Add(diag.Errorf("wrong_organization", label+" leads to another place than the state says",
			"The state was made with organization %s at %s; now it is organization %s at %s. Planning would take everything for deleted. Set the organization and base URL back, or use another state.",
			was.OrgID, was.BaseURL, now.OrgID, now.BaseURL))
	}
	told := map[string]bool{}
	for _, a := range sortedKeys(in.Prior.Resources) {
		name := in.Prior.Resources[a].Connection
		if _, ok := in.connection(name); ok || told[name] {
			continue
		}
		told[name] = true
		diags.Add(diag.Errorf("connection_missing", fmt.Sprintf("The state uses the connection %q, which the files do not declare", name),
			"It has %s and perhaps others from there, and no connection leads to its organization %s at %s. Declare the block atlas %q again, under any name.",
			a, in.Prior.Connections[name].OrgID, in.Prior.Connections[name].BaseURL, name))
	}
	return diags
}

// connection returns the declared connection for one that the state names: the same, or where it is declared no
// more, one to the same organization. A connection that was only renamed leads to the same objects.
func (in *Input) connection(recorded string) (string, bool) {
	if _, ok := in.Connections[recorded]; ok {
		return recorded, true
	}
	was, ok := in.Prior.Connections[recorded]
	for _, name := range sortedKeys(in.Connections) {
		if now := in.Connections[name]; ok && now.OrgID == was.OrgID && now.BaseURL == was.BaseURL {
			return name, true
		}
	}
	return recorded, false
}

// checks finds what Atlas would refuse half-way, and what loses data.
func (b *builder) checks() {
	for _, n := range b.nodes {
		c := n.change
		switch c.Action {
		case Replace:
			b.checkReplace(n)
			b.checkProtected(n)
			b.checkHand(n)
		case Delete:
			b.checkProtected(n)
			b.checkHand(n)
		}
		if n.live != nil && n.desired != nil && c.Action != Delete {
			b.checkName(n)
		}
		if n.desired != nil && (c.Writes() || c.Action == Create) {
			b.checkHook(n)
		}
		if n.desired != nil && !b.in.Options.Destroy {
			b.checkHorizon(n)
			b.checkAtBirth(n)
			b.checkParent(n)
			b.checkFailed(n)
			b.checkOverwrites(n)
		}
		b.checkContested(n)
		b.checkState(n)
	}
	b.checkLast()
	b.checkAsked()
	b.checkDeletedParents()
	b.checkForeignState()
	b.checkTooEarly()
	b.checkLookups()
}

func (b *builder) checkReplace(n *node) {
	c := n.change
	named := b.named1(n)
	switch {
	case c.Undelivered: // nobody can be using it
	case c.Lifecycle.PreventDestroy:
		b.finding(n, n.forcePlace(), "prevent_destroy", fmt.Sprintf("%s is protected and would be replaced", n.address),
			"%s, so it would be deleted and made anew, which its lifecycle forbids. Undo the change, or set prevent_destroy = false in its lifecycle.", capital(reasonText(c)))
	case n.kind.HoldsData && (n.renamed || n.misnamed()) && !named:
		b.finding(n, n.keyPlace(), "rename_destroys", fmt.Sprintf("%s would be deleted to give it another name", n.address),
			"In Atlas it is called %q, and Atlas cannot rename it: it would be deleted with its data and an empty one made. Keep the name with %s = %q, or allow the deletion:\n\n--allow-destroy %s",
			schema.KeyText(c.Key), n.kind.Identity.Key[0], schema.KeyText(c.Key), quoteShell(n.address))
	case n.kind.HoldsData && n.rehomed && !named:
		b.finding(n, n.placeOf(n.kind.Parent), "parent_changed", fmt.Sprintf("%s would be deleted to live in another %s", n.address, n.kind.Parent),
			"Atlas cannot move it from one to another, so it would be deleted with its data. Put it back, or allow the deletion:\n\n--allow-destroy %s", quoteShell(n.address))
	case n.bound == nil && !b.madeByIntent(n) && !named:
		b.finding(n, n.forcePlace(), "adopted_replace", fmt.Sprintf("%s would be replaced, and Mercator did not make it", n.address),
			"%s. It is in Atlas as %s, and the state does not know it, so it is replaced only if you say so. Write what it is in Atlas, give the block another name, or allow the deletion:\n\n--allow-destroy %s",
			capital(reasonText(c)), nameOf(c), quoteShell(n.address))
	case c.Adopted && n.bound != nil && !named:
		b.finding(n, n.forcePlace(), "adopted_replace", fmt.Sprintf("%s would be replaced, and Mercator did not make it", n.address),
			"%s. It was there before and was adopted, so it is replaced only if you say so. Undo the change, or allow the deletion, or make the object Mercator's own:\n\n--allow-destroy %s\nmercator state own %s",
			capital(reasonText(c)), quoteShell(n.address), quoteShell(n.address))
	}
	if n.kind.HoldsData && b.holdsChild(n) {
		b.finding(n, n.forcePlace(), "replace_holds_data", fmt.Sprintf("%s would be replaced, and what lives in it holds data", n.address),
			"%s. Everything in it would be lost; no flag allows that. Undo the change, or move the data first.", capital(reasonText(c)))
	}
}

// misnamed reports whether an import block names an object that is called otherwise than the resource.
func (n *node) misnamed() bool {
	return n.how == "import" && n.kind.Identity.Binds == schema.ByKey && n.key != n.live.Key
}

// named1 reports whether --allow-destroy names the node itself: "all" does not reach what would lose data by a slip.
func (b *builder) named1(n *node) bool {
	return slices.ContainsFunc(b.in.Options.AllowDestroy, func(s string) bool {
		return s != "all" && (schema.Address(s).Covers(n.address) || n.recorded != "" && schema.Address(s).Covers(n.recorded))
	})
}

// reasonText says why a change is what it is, in a sentence without its full stop.
func reasonText(c *Change) string {
	var texts []string
	for _, r := range c.Reasons {
		switch {
		case r.Code == "cannot_update":
			texts = append(texts, "Atlas cannot change "+r.Path+changeText(c, r.Path))
		case r.Path != "":
			texts = append(texts, r.Path+": "+r.Text)
		default:
			texts = append(texts, r.Text)
		}
	}
	return strings.Join(texts, "; ")
}

// changeText says from what to what an argument changes, where both can be shown in a few words.
func changeText(c *Change, path string) string {
	for _, d := range c.Diffs {
		was, ok1 := plainText(d.Old)
		will, ok2 := plainText(d.New)
		if d.Path == path && !d.Sensitive && ok1 && ok2 {
			return " from " + was + " to " + will
		}
	}
	return ""
}

func plainText(v cty.Value) (string, bool) {
	if v == cty.NilVal || v.IsMarked() || !v.IsKnown() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	if v.IsNull() {
		return "unset", true
	}
	text := wholeValue(&schema.Attribute{}, v)
	if v.Type() == cty.String {
		text = fmt.Sprintf("%q", text)
	}
	return text, true
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// holdsChild reports whether an object that holds data lives in the node's.
func (b *builder) holdsChild(n *node) bool {
	if n.live == nil {
		return false
	}
	return slices.ContainsFunc(b.in.Catalog.Children(n.kind.Name), func(kind *schema.Kind) bool {
		return kind.HoldsData && len(b.objectsIn(n.connection, kind, n.within())) > 0
	})
}

// checkProtected finds what Atlas itself protects from deletion.
func (b *builder) checkProtected(n *node) {
	if n.live == nil {
		return
	}
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		if v, _ := n.live.Value.GetAttr(a.Name).Unmark(); a.Protects && v.IsKnown() && !v.IsNull() && v.True() {
			first := "Set it to false"
			if n.desired == nil {
				first = "Put the block back with " + a.Name + " = false"
			}
			b.finding(n, n.placeOf(a.Name), "termination_protected", fmt.Sprintf("%s is protected from deletion in Atlas", n.address),
				"Its %s is on, so Atlas would refuse. %s and apply that first.", a.Name, first)
		}
	}
}

// checkName refuses a new name that another live object has (R6).
func (b *builder) checkName(n *node) {
	if n.kind.Identity.Binds == schema.ByKey || n.key == "" || n.key == n.live.Key || n.bound != nil && ignoresKey(n) {
		return
	}
	if other, ok := b.in.Live.ByKey(n.connection, n.kind.Name, n.place, n.key); ok && other.ID != n.live.ID {
		b.finding(n, n.keyPlace(), "name_taken", fmt.Sprintf("%s cannot be called %q", n.address, n.key),
			"Another %s has that name (id %s). Choose another name, or declare that one here with an import block.", n.kind.Name, other.ID)
	}
}

// ignoresKey reports whether lifecycle.ignore_changes exempts a part of the natural key, so that nothing is renamed.
func ignoresKey(n *node) bool {
	return slices.ContainsFunc(n.kind.Identity.Key, func(name string) bool { return ignored(n.change.Lifecycle.IgnoreChanges, name) })
}

func (b *builder) checkHook(n *node) {
	if n.origin != nil {
		for _, m := range n.kind.Misfits(n.value, true) {
			b.misfit(n, m)
		}
	}
	b.hook(n, b.transition(n))
}

// hook has the kind check a change.
func (b *builder) hook(n *node, t schema.Transition) {
	if n.kind.Hooks.Check == nil || n.broken {
		return
	}
	for _, d := range n.kind.Hooks.Check(t) {
		b.diags.Add(n.placed(d))
	}
}

// checkHorizon refuses to send a time that is too near or past: Atlas would refuse it before the call is made, or
// remove the object right after it. One that is live already may come near (R39).
func (b *builder) checkHorizon(n *node) {
	c := n.change
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		changes := slices.ContainsFunc(c.Diffs, func(d Diff) bool { return d.Path == a.Name })
		if a.Within == nil || !changes && c.Action != Create && c.Action != Replace {
			continue
		}
		v, _ := n.value.GetAttr(a.Name).Unmark()
		if !v.IsKnown() || v.IsNull() {
			continue
		}
		t, err1 := schema.Instant(v.AsString())
		soonest, err2 := time.ParseDuration(a.Within.Soonest)
		if err1 == nil && err2 == nil && t.Before(b.in.Now.Add(soonest)) {
			b.finding(n, n.placeOf(a.Name), "expiry_out_of_range", fmt.Sprintf("%s of %s is too near", a.Name, n.address),
				"It is %s, and now is %s; Atlas needs at least %s between. Write a later time, or remove what has expired from the file.",
				v.AsString(), b.in.Now.UTC().Format(time.RFC3339), a.Within.Soonest)
		}
	}
}

// checkAtBirth refuses to give an object what only a new one can get.
func (b *builder) checkAtBirth(n *node) {
	if c := n.change; n.live == nil || c.Action == Create || c.Action == Replace {
		return
	}
	for _, d := range n.change.Diffs {
		if a := n.kind.Attribute(d.Path); a != nil && a.AtBirth && d.Op == DiffAdd {
			b.finding(n, n.placeOf(d.Path), "only_at_birth", fmt.Sprintf("%s cannot get a %s any more", n.address, d.Path),
				"It lives without, and Atlas refuses to change that. Remove %s, or have it made anew:\n\n--replace %s", d.Path, quoteShell(n.address))
		}
	}
}

// checkContested counts how often in a row an apply undoes the same change from outside (R35).
func (b *builder) checkContested(n *node) {
	c := n.change
	for _, d := range c.Diffs {
		if !d.UndoesDrift {
			continue
		}
		top := topLevels([]Diff{d})[0]
		if c.Undone == nil {
			c.Undone = map[string]int{}
		}
		if c.Undone[top] > 0 {
			continue
		}
		c.Undone[top] = 1 + n.bound.Undone[top]
		if c.Undone[top] > 1 {
			b.diags.Add(diag.Warningf("contested", fmt.Sprintf("%s of %s is changed from outside again and again", top, n.address),
				"This is apply number %d in a row that would undo it. Somebody or something else manages it: agree with them, or take %s out of the file.", c.Undone[top], top).
				On(string(n.address)).At(n.placeOf(d.Path)))
		}
	}
}

// checkState tells of a declared object that failed in Atlas, or that waits for somebody else, where the plan does
// nothing about it.
func (b *builder) checkState(n *node) {
	c := n.change
	if n.desired == nil || n.live == nil || c.Action != NoOp && c.Action != Adopt {
		return
	}
	if !n.kind.Once && b.state(n, func(s *schema.Settle) []string { return s.Failed }) {
		b.diags.Add(diag.Warningf("failed_in_atlas", fmt.Sprintf("%s failed in Atlas", n.address),
			"Its state is %s%s. It is as the files say, so there is nothing to change. Mend it in the file, or have it made anew:\n\n--replace %s",
			b.stateOf(n), n.kind.FailedBecause(n.live.Value), quoteShell(n.address)).On(string(n.address)).At(n.placeOf("")))
	}
	if n.kind.Settle == nil {
		return
	}
	if todo := n.kind.Settle.Others[b.stateOf(n)]; todo != "" {
		b.diags.Add(diag.Warningf("waits_for_others", fmt.Sprintf("%s waits for somebody else", n.address),
			"Its state is %s. %s", b.stateOf(n), todo).On(string(n.address)).At(n.placeOf("")))
	}
}

// checkDeletedParents lists what goes with a deleted parent, and refuses to delete one in which something lives
// that would stop Atlas, or that holds data and is not ours (R22).
func (b *builder) checkDeletedParents() {
	for _, n := range b.nodes {
		if n.change.Action != Delete || n.live == nil {
			continue
		}
		for _, kind := range b.in.Catalog.Children(n.kind.Name) {
			for _, o := range b.objectsIn(n.connection, kind, n.within()) {
				b.checkLeftover(n, kind, o)
			}
		}
	}
}

func (b *builder) checkLeftover(n *node, kind *schema.Kind, o schema.Object) {
	child := b.claims[b.identityOf(n.connection, kind, o)]
	name := schema.KeyText(o.Key)
	if name == "" {
		name = o.ID
	}
	switch {
	case child != nil && (child.change.Action == Delete || child.rehomed):
	case child != nil && !kind.BlocksParent && child.change.Action == Forget:
	case child != nil && child.change.Action != Forget && !b.in.Options.Destroy:
		b.error(n.address, "deletion_blocked", fmt.Sprintf("%s would be deleted, and %s is declared in it", n.address, child.address),
			"Remove %s from the files too, or keep the %s.", child.address, n.kind.Name)
	case kind.BlocksParent:
		b.error(n.address, "deletion_blocked", fmt.Sprintf("%s would be deleted, and the %s %q lives in it", n.address, kind.Name, name),
			"Mercator did not make it, or only adopted it, and Atlas does not delete a %s with a %s in it. Delete the %s yourself if its data is not needed, then run again.", n.kind.Name, kind.Name, kind.Name)
	}
}
