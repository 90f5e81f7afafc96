package plan

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// What was done at one time is not a state of affairs that could be brought about again (Kind.Once): a snapshot that
// expired is not taken of today's data, and a restore that Atlas has forgotten is not run a second time.

// isDone reports whether a declared object was made once and is not to be made again: it is gone, or would have to be
// made in another parent. Only --replace asks for another one.
func (b *builder) isDone(n *node, parentReplaced bool) bool {
	if !n.kind.Once || b.asked(n) {
		return false
	}
	known := n.bound
	if known == nil {
		known = n.former
	}
	why := "is gone from Atlas"
	switch {
	case known == nil || n.live != nil && !parentReplaced:
		return false
	case n.live != nil:
		why = "goes with " + string(n.parent.address)
	case known == n.bound && n.bound.Waiting != "":
		n.change.ID, n.change.Place, n.change.Waiting = n.bound.ID, n.bound.Place, ""
		b.stateOnly(n, "record", "", "it is gone, so that nothing is waited for")
	}
	b.diags.Add(diag.Warningf("not_repeated", fmt.Sprintf("%s %s, and it is not made again", n.address, why),
		"It was made once, and another one would be of another time. Remove the block, or make another one:\n\n--replace %s", quoteShell(n.address)).
		On(string(n.address)).At(n.placeOf("")))
	return true
}

// lastKnown is what is known of an object that is gone: what was last applied, and its id. What refers to it goes on to
// mean it, and is no change.
func (n *node) lastKnown() cty.Value {
	values := n.bound.Applied.AsValueMap()
	values[n.kind.Identity.ID] = cty.StringVal(n.bound.ID)
	return cty.ObjectVal(values)
}

// checkFailed refuses to take for done what Atlas could not finish: what waits for it would go on without.
func (b *builder) checkFailed(n *node) {
	if c := n.change; n.kind.Once && c.Action == NoOp && b.state(n, func(s *schema.Settle) []string { return s.Failed }) {
		b.finding(n, n.placeOf(""), "failed_once", fmt.Sprintf("%s failed in Atlas", n.address),
			"Its %s there is %s, and Atlas does not try again. Find out why in Atlas; then make another one, or remove the block:\n\n--replace %s",
			n.kind.Settle.Field, n.live.Value.GetAttr(n.kind.Settle.Field).AsString(), quoteShell(n.address))
	}
}

// recall fills in what Atlas does not show of the objects that were found: it is what was last applied, or what an
// apply that did not finish sent. Of an object that nobody knows yet, what Atlas neither shows nor changes is taken to be
// as the file says.
func (b *builder) recall() {
	for _, n := range b.nodes {
		if n.live == nil || !hidesAny(n.kind) {
			continue
		}
		known := cty.NilVal
		if n.bound != nil {
			known = n.bound.Applied
		} else if n.how == "intent" {
			for _, i := range b.explains[n.address] {
				if i.Verb == schema.CallCreate {
					known = i.Content
				}
			}
		}
		lasting := known == cty.NilVal || known.IsNull()
		if lasting {
			if known = n.value; n.desired == nil {
				continue
			}
		}
		values := n.live.Value.AsValueMap()
		for i := range n.kind.Attributes {
			if a := &n.kind.Attributes[i]; a.Unread && (a.Immutable || !lasting) {
				values[a.Name] = known.GetAttr(a.Name)
			}
		}
		n.live.Value = cty.ObjectVal(values)
	}
}

// hidesAny reports whether Atlas does not show some argument of the kind.
func hidesAny(kind *schema.Kind) bool {
	for i := range kind.Attributes {
		if kind.Attributes[i].Unread {
			return true
		}
	}
	return false
}

// shown returns a desired value without what Atlas never shows.
func shown(kind *schema.Kind, desired cty.Value) cty.Value {
	raw, marks := desired.Unmark()
	if !raw.IsKnown() || raw.IsNull() || len(kind.Attributes) == 0 {
		return desired
	}
	values := raw.AsValueMap()
	for i := range kind.Attributes {
		if a := &kind.Attributes[i]; a.Unread {
			values[a.Name] = cty.NullVal(a.CtyType())
		}
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// checkParent refuses to make something in a parent that is not fit for it.
func (b *builder) checkParent(n *node) {
	c := n.change
	if c.Action != Create && c.Action != Replace || n.parent == nil || n.parent.kind.Name != n.kind.Parent {
		return
	}
	parent := n.parent.change.After
	if n.parent.change.Action == Create || n.parent.change.Action == Replace {
		parent = n.parent.value // what the file leaves out is what Atlas takes for it, which is not enough
	}
	if failed := n.parent.kind.Fails(parent, n.kind.InParent); failed != nil {
		b.finding(n, n.placeOf(""), "parent_unfit", fmt.Sprintf("%s cannot be made in %s as it is", n.address, n.parent.address),
			"Atlas makes one only where %s. Change the %s, or remove the block.", failed.Words(), n.kind.Parent)
	}
}
