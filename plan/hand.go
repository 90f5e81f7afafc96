package plan

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// The hand that holds the tool (R23): what changes the credential with which the calls are made, or what it needs to be
// let in, comes after everything else, since nothing may come after it. What would delete it is refused.

// AsksInUse lists the connections of whose credential Build will ask its facts: those in whose organization the plan
// may touch credentials.
func (p *Pairing) AsksInUse() []string {
	b := p.b
	touched := map[string]bool{}
	for _, n := range b.nodes {
		if n.kind.Credential != nil && n.live != nil {
			touched[b.home(n.connection)] = true
		}
	}
	var out []string
	for _, name := range sortedKeys(b.in.Connections) {
		if touched[b.home(name)] {
			out = append(out, name)
		}
	}
	return out
}

// hand is what is known of whether an object is a credential in use.
type hand int

const (
	notInUse hand = iota
	maybeInUse
	inUse
)

// hand reports whether the node's object is the credential of a connection to its organization.
func (b *builder) hand(n *node) hand {
	if n.kind.Credential == nil || n.live == nil || n.change.Undelivered {
		return notInUse
	}
	public, _ := n.live.Value.GetAttr(n.kind.Credential.Public).Unmark()
	out := notInUse
	for name := range b.in.Connections {
		if b.home(name) != b.home(n.connection) {
			continue
		}
		switch used, known := b.in.InUse[name]; {
		case !known:
			out = max(out, maybeInUse)
		case public.IsKnown() && !public.IsNull() && public.Type() == cty.String && public.AsString() == used:
			return inUse
		}
	}
	return out
}

// handNote says of a risk for the credential in use how sure that is.
func (b *builder) handNote(n *node) string {
	switch b.hand(n) {
	case inUse:
		return "it is the credential in use"
	case maybeInUse:
		return "it may be the credential in use"
	}
	return ""
}

// checkHand refuses to delete the credential in use.
func (b *builder) checkHand(n *node) {
	if b.hand(n) != inUse {
		return
	}
	b.finding(n, n.forcePlace(), "credential_in_use", fmt.Sprintf("%s is the credential in use, and would be %sd", n.address, n.change.Action),
		"%s. Every call after that would be refused, also those that mend it. Do it with another credential of the organization, or keep it.",
		capital(reasonText(n.change)))
}

// handLast lets what may lock the tool out wait for everything else in its organization, but for what itself waits for
// such a change.
func (g *graph) handLast() {
	locks := func(i int) bool { return g.tasks[i].node.change.HasRisk(schema.LocksOut) }
	after := make([]bool, len(g.tasks)) // it waits for something that may lock out
	seen := make([]bool, len(g.tasks))
	var visit func(i int) bool
	visit = func(i int) bool {
		if !seen[i] {
			seen[i] = true
			for j := range g.needs[i] {
				after[i] = visit(j) || locks(j) || after[i]
			}
		}
		return after[i]
	}
	for i := range g.tasks {
		visit(i)
	}
	for i, last := range g.tasks {
		if !locks(i) {
			continue
		}
		for j, other := range g.tasks {
			if !locks(j) && !after[j] && g.b.home(other.node.connection) == g.b.home(last.node.connection) {
				g.needs[i][j] = true
			}
		}
	}
}

// LocksOutOnly reports whether a change is dangerous because it may lock the tool out, and loses nothing for good.
func (c *Change) LocksOutOnly() bool {
	return c.HasRisk(schema.LocksOut) && !c.HasRisk(schema.Irreversible)
}

// lockOut is the refusal of a change that may lock the tool out, where nobody is asked.
func lockOut(c *Change) (summary, detail string) {
	note := "it changes what lets Mercator in"
	if i := slices.IndexFunc(c.Risks, func(r RiskNote) bool { return r.Risk == schema.LocksOut && r.Note != "" }); i >= 0 {
		note = c.Risks[i].Note
	}
	return fmt.Sprintf("%s may lock Mercator out", c.Address),
		fmt.Sprintf("%s. Atlas may refuse what comes after, also the way back, so it is done last. Where nobody is asked, allow it:\n\n--allow-destroy %s",
			capital(note), quoteShell(c.Address))
}
