package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"mercator/schema"
	"mercator/schema/diag"
)

// Build makes the plan. What the input's Live lacks of what Wanted asks for counts as not there, so callers read
// everything first. Mistakes are in the plan's Diagnostics.
func Build(in Input) *Plan {
	if wrong := CheckConnections(in); wrong.HasErrors() {
		p := newPlan(in)
		p.Diagnostics = wrong
		return p
	}
	return NewSurvey(in).Pair(in.Live).Build(in.Facts)
}

// newPlan returns a plan of nothing, with what the input says about the run.
func newPlan(in Input) *Plan {
	o := &in.Options
	return &Plan{Now: in.Now, Lineage: in.Prior.Lineage, Serial: in.Prior.Serial, Connections: in.Connections,
		Destroying: o.Destroy, Targets: o.Targets, Excludes: o.Excludes, Replacing: o.Replace, NoAdopt: o.NoAdopt,
		AllowDestroy: o.AllowDestroy, AllowAdopt: o.AllowAdopt}
}

// Build makes the plan. It uses the pairing up: nothing is to be asked of it afterwards.
func (p *Pairing) Build(facts Facts) *Plan {
	b := p.b
	b.in.Facts = facts
	out := newPlan(b.in)
	b.duplicates()
	b.strangers()
	b.veil()
	b.decide()
	b.scope()
	b.goesWith()
	b.calls()
	out.Drift = b.drift()
	b.risks()
	b.checks()
	b.similar()
	b.comingSiblings()
	if !b.in.Options.Destroy && !b.in.Options.SkipAdvice {
		b.advise()
	}
	if !b.in.Options.Destroy {
		out.Checks = b.in.Desired.Checks
	}
	slices.SortStableFunc(b.nodes, func(x, y *node) int {
		return cmp.Or(cmp.Compare(x.address, y.address), cmp.Compare(y.rank(), x.rank()))
	})
	b.drops(out)
	b.assertOneChange()
	b.order(out)
	out.Changes = slices.Grow(out.Changes, len(b.nodes))
	for _, n := range b.nodes {
		out.Changes = append(out.Changes, *n.change)
	}
	out.StateOnly = b.only
	slices.SortStableFunc(out.StateOnly, func(x, y StateChange) int { return cmp.Compare(x.Address, y.Address) })
	out.Unmanaged = b.unmanaged()
	out.Outputs = b.outputs()
	out.Blast = b.blast()
	out.Diagnostics = b.diags.Sort()
	return out
}

// rank puts a declared node before a leftover of the state under the same address.
func (n *node) rank() int {
	if n.desired != nil {
		return 1
	}
	return 0
}

// drops lists the addresses that the state forgets without a call: moved ones, and objects that are gone. What
// is dropped leaves the list of changes, except forgetting, which people want to see.
func (b *builder) drops(p *Plan) {
	kept := map[schema.Address]bool{}
	declared := func(n *node) bool { return n.desired != nil && !b.in.Options.Destroy }
	for _, n := range b.nodes {
		if n.change.Action != Forget && (declared(n) || n.live != nil && !n.gone) {
			kept[n.address] = true
		}
	}
	drop := func(a schema.Address) {
		if !kept[a] && b.in.Prior.Resources[a] != nil && !slices.Contains(p.Drops, a) {
			p.Drops = append(p.Drops, a)
		}
	}
	var nodes []*node
	for _, n := range b.nodes {
		c := n.change
		switch {
		case c.Action == Forget:
			drop(n.recorded)
			b.only = append(b.only, StateChange{Address: n.address, Kind: "forget", Text: "forgotten, it stays in Atlas: " + c.Reasons[0].Text})
		case n.bound != nil && n.gone && !declared(n):
			drop(n.recorded)
			if b.in.Prior.Resources[n.recorded] != nil && !kept[n.address] {
				b.only = append(b.only, StateChange{Address: n.address, Kind: "forget", Text: "forgotten: it is gone from Atlas"})
			}
			continue
		case n.recorded != "" && n.recorded != n.address:
			drop(n.recorded)
		}
		nodes = append(nodes, n)
	}
	b.nodes = nodes
	slices.Sort(p.Drops)
}

// assertOneChange makes sure that no live object occurs in two changes (R1): the guard against a mistake in the
// pairing, which would otherwise cost an object.
func (b *builder) assertOneChange() {
	seen := make(map[identity]*node, len(b.nodes))
	for _, n := range b.nodes {
		if n.live == nil {
			continue
		}
		id := b.identityOf(n.connection, n.kind, *n.live)
		if other := seen[id]; other != nil {
			b.diags.Add(diag.Internalf(fmt.Sprintf("%s and %s were paired with the same object", other.address, n.address),
				"Nothing will be changed.").On(string(n.address)))
		}
		seen[id] = n
	}
}

// scope takes what --target and --exclude leave out of the plan, together with whatever could not be done
// without it.
func (b *builder) scope() {
	b.checkTargets()
	if len(b.in.Options.Targets) == 0 && len(b.in.Options.Excludes) == 0 {
		return
	}
	in := map[*node]bool{}
	var include func(n *node)
	include = func(n *node) {
		if in[n] {
			return
		}
		in[n] = true
		for _, dep := range b.resolve(n.change.Depends) {
			if n.change.Action != Delete {
				include(dep)
			}
		}
		if n.parent != nil && n.change.Action != Delete {
			include(n.parent)
		}
	}
	for _, n := range b.nodes {
		if len(b.in.Options.Targets) == 0 || slices.ContainsFunc(b.in.Options.Targets, func(a schema.Address) bool { return a.Contains(n.address) }) {
			include(n)
		}
	}
	b.includeDoomed(in, include)
	b.exclude(in)
	b.nodes = slices.DeleteFunc(b.nodes, func(n *node) bool { return !in[n] })
	out := func(a schema.Address) bool { n := b.byAddr[a]; return n != nil && !in[n] }
	b.only = slices.DeleteFunc(b.only, func(s StateChange) bool { return b.byAddr[s.Address] == nil || out(s.Address) })
	b.diags = slices.DeleteFunc(b.diags, func(d diag.Diagnostic) bool { return out(schema.Address(d.Address)) })
	b.diags.Add(diag.Warningf("partial_plan", "The plan is limited by --target or --exclude",
		"What it leaves out may differ from the files. Plan once more without the flags afterwards."))
}

// includeDoomed adds what has to go before an included removal can be made: what lives in the object, and what lets
// go of it.
func (b *builder) includeDoomed(in map[*node]bool, include func(*node)) {
	for changed := true; changed; {
		changed = false
		for _, n := range b.nodes {
			if in[n] {
				continue
			}
			lives := n.parent != nil && in[n.parent] && n.parent.removed()
			if lives || slices.ContainsFunc(b.lettingGo(n), func(dep *node) bool { return in[dep] }) {
				include(n)
				changed = true
			}
		}
	}
}

// removed reports whether the node's object goes.
func (n *node) removed() bool { return n.change.Action == Delete || n.change.Action == Replace }

// lettingGo returns the nodes whose objects go and which the node needed when it was applied, where it changes (R21).
func (b *builder) lettingGo(n *node) []*node {
	if n.bound == nil || n.change.Action == NoOp {
		return nil
	}
	return slices.DeleteFunc(b.resolve(n.bound.Dependencies), func(dep *node) bool { return !dep.removed() })
}

// exclude takes out what is excluded, and what needs it.
func (b *builder) exclude(in map[*node]bool) {
	for _, n := range b.nodes {
		if slices.ContainsFunc(b.in.Options.Excludes, func(a schema.Address) bool { return a.Contains(n.address) }) {
			delete(in, n)
		}
	}
	if len(b.in.Options.Excludes) == 0 {
		return
	}
	for changed := true; changed; {
		changed = false
		for n := range in {
			if b.needsExcluded(n, in) {
				delete(in, n)
				changed = true
			}
		}
	}
}

// needsExcluded reports whether a node cannot be done because something excluded would have to be done before.
func (b *builder) needsExcluded(n *node, in map[*node]bool) bool {
	if n.parent != nil && !in[n.parent] && n.parent.change.Action == Create {
		return true
	}
	if n.removed() && slices.ContainsFunc(b.nodes, func(other *node) bool {
		return !in[other] && (other.parent == n && other.live != nil || slices.Contains(b.lettingGo(other), n))
	}) {
		return true
	}
	if n.change.Action == Delete || n.change.Action == NoOp {
		return false
	}
	return slices.ContainsFunc(b.resolve(n.change.Depends), func(dep *node) bool {
		return !in[dep] && dep.change.Action != NoOp
	})
}

// checkTargets refuses flags that name nothing.
func (b *builder) checkTargets() {
	for flag, list := range map[string][]schema.Address{"--target": b.in.Options.Targets, "--exclude": b.in.Options.Excludes, "--replace": b.in.Options.Replace} {
		for _, a := range list {
			if !slices.ContainsFunc(b.nodes, func(n *node) bool { return a.Contains(n.address) }) {
				b.diags.Add(diag.Errorf("unknown_address", fmt.Sprintf("%s %s names nothing", flag, a),
					"Neither the files nor the state have such a resource. %s", b.nearest(a)))
			}
		}
	}
}

// nearest suggests the address that a misspelt one most likely means, or says where addresses are shown.
func (b *builder) nearest(a schema.Address) string {
	nearest, best := schema.Address(""), 4
	for _, n := range b.nodes {
		if d := levenshtein.Distance(string(a), string(n.address), nil); d < best {
			nearest, best = n.address, d
		}
	}
	if nearest != "" {
		return fmt.Sprintf("Did you mean %s?", nearest)
	}
	return `"mercator state list" and "mercator plan" show the addresses.`
}

// Refusals returns what stops the plan from being applied without a human who answers (R30): changes that no
// flag names. With a human there are none: they confirm.
func (p *Plan) Refusals() diag.List {
	var out diag.List
	if p.Blast != nil && !slices.Contains(p.AllowDestroy, "all") {
		out.Add(diag.Errorf("blast_radius", fmt.Sprintf("The plan removes %d of the %d objects that the state owns", p.Blast.Removed, p.Blast.Owned),
			"So much at once is mostly a mistake: make sure that the right files and the right state are used. If it is meant, and nobody is asked, allow it:\n\n--allow-destroy all"))
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		switch c.NeedsAllow {
		case "allow-destroy":
			switch {
			case names(p.AllowDestroy, c):
			case c.Overwrites != "":
				out.Add(diag.Errorf("needs_allow_destroy", fmt.Sprintf("%s would overwrite %s for good", c.Address, c.Overwrites),
					"It would replace all data that is in there now. Remove the block, or where nobody is asked allow the loss:\n\n--allow-destroy %s", quoteShell(c.Address)).On(string(c.Address)).At(c.Range))
			case c.LocksOutOnly():
				summary, detail := lockOut(c)
				out.Add(diag.Errorf("needs_allow_lock_out", summary, "%s", detail).On(string(c.Address)).At(c.Range))
			case c.Action != Delete && c.Action != Replace:
				out.Add(diag.Errorf("needs_allow_destroy", fmt.Sprintf("%s could not be undone", c.Address),
					"There is no way back from what it does: %s. Remove the block, or where nobody is asked allow it:\n\n--allow-destroy %s", noteOf(c, schema.Irreversible), quoteShell(c.Address)).On(string(c.Address)).At(c.Range))
			default:
				out.Add(diag.Errorf("needs_allow_destroy", fmt.Sprintf("%s would be lost for good", c.Address),
					"It would be %sd: %s. Put it back into the files, or where nobody is asked allow the loss:\n\n--allow-destroy %s", c.Action, reasonText(c), quoteShell(c.Address)).On(string(c.Address)).At(c.Range))
			}
		case "allow-adopt":
			if !names(p.AllowAdopt, c) {
				out.Add(diag.Errorf("needs_allow_adopt", fmt.Sprintf("%s would be taken over and changed", c.Address),
					"It exists in Atlas and Mercator did not make it, and the change is not harmless: %s. Where nobody is asked, allow it:\n\n--allow-adopt %s", dangers(c), quoteShell(c.Address)).On(string(c.Address)).At(c.Range))
			}
		}
	}
	return out
}

// noteOf is what is said of a risk of a change.
func noteOf(c *Change, risk schema.Risk) string {
	for _, r := range c.Risks {
		if r.Risk == risk {
			return r.Note
		}
	}
	return ""
}

// dangers says in words what a change costs people.
func dangers(c *Change) string {
	var texts []string
	for _, d := range []struct {
		risk schema.Risk
		text string
	}{{schema.Billable, "Atlas charges more"}, {schema.Downtime, "connections break"},
		{schema.GrantsAccess, "somebody may do more than before"}, {schema.OpensNetwork, "more addresses can reach the databases"}} {
		if c.HasRisk(d.risk) {
			texts = append(texts, d.text)
		}
	}
	if len(c.Secrets) > 0 {
		texts = append(texts, "a secret is replaced")
	}
	return strings.Join(texts, ", ")
}

func names(list []string, c *Change) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return s == "all" || schema.Address(s).Covers(c.Address) || c.Previous != "" && schema.Address(s).Covers(c.Previous)
	})
}
