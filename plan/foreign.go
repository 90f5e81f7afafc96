package plan

import (
	"fmt"
	"slices"
	"strings"

	"mercator/schema/diag"
)

// ForeignState is the code of the finding that the state is another configuration's.
const ForeignState = "foreign_state"

// shownForeign is how many addresses are named of a state that belongs to other files.
const shownForeign = 3

// checkForeignState refuses to delete what the state owns where the files declare nothing at all that it knows: mostly
// it is the state of another configuration, and everything in it is in use. What was removed on purpose is named by a
// removed block or by --allow-destroy; drift deletes nothing. Whoever means everything says "all", or destroys it.
func (b *builder) checkForeignState() {
	o := &b.in.Options
	if o.Destroy || o.SkipSecrets || slices.Contains(o.AllowDestroy, "all") || b.declaresKnown() {
		return
	}
	var doomed []string
	for _, n := range b.nodes {
		if c := n.change; c.Action == Delete && n.bound != nil && n.desired == nil && !b.allowed(o.AllowDestroy, n) {
			doomed = append(doomed, string(n.address))
		}
	}
	if len(doomed) == 0 {
		return
	}
	slices.Sort(doomed)
	list := strings.Join(doomed[:min(len(doomed), shownForeign)], ", ")
	if more := len(doomed) - shownForeign; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	b.diags.Add(diag.Errorf(ForeignState, "The files declare nothing that the state knows",
		"So the plan would delete %s, as if all of it had been removed from the files. Mostly the state is that of another configuration: give each a state of its own, by the state block or by --state-config, and look whether these are the right files. If all of it is to go, say so:\n\n--allow-destroy all", list))
}

// declaresKnown reports whether anything that the files declare is in the state, or is what the state knows under
// another address, or is looked up, or a removed block speaks of something in it.
func (b *builder) declaresKnown() bool {
	for _, r := range b.in.Desired.Removals {
		for a := range b.bounds {
			if r.From.Contains(a) {
				return true
			}
		}
	}
	for id := range b.lookedUp() {
		if b.boundAt[id] != "" {
			return true
		}
	}
	for _, n := range b.byAddr {
		if n.desired != nil && (n.bound != nil || b.bounds[n.address] != nil) {
			return true
		}
	}
	return false
}
