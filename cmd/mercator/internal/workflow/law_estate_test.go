package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Labels and natural names of each kind. There are few, so that a name comes again after it was given up, and so
// that strangers have the name that a file will declare.
var lawNames = map[string][]string{
	"project":       {"shop", "lab", "core"},
	"cluster":       {"orders", "events", "reports"},
	"flex_cluster":  {"trials", "drafts"},
	"database_user": {"app", "etl", "ops", "audit"},
	"custom_role":   {"reader", "writer", "keeper"},
	"access_list":   {"office", "vpn"},
	"alert_config":  {"cpu", "lag", "bill", "disk", "spare"},
	"integration":   {"metrics", "pager", "chat", "hook"},

	"cloud_provider_access": {"keys", "exports", "lake"},

	"maintenance_window": {"window"},
	"auditing":           {"audit"},
}

// lawSingle reports whether a parent has exactly one of the kind.
func lawSingle(kind string) bool { return catalog.Kind(kind).Singleton }

// lawRepeats reports whether blocks of the kind may have a for_each: what it makes has no name, or one with the key in it.
func lawRepeats(kind string) bool {
	return nameArgument(kind) != "" || lawNameless(kind)
}

// lawNameless reports whether nothing tells objects of the kind apart but their ids.
func lawNameless(kind string) bool {
	return len(catalog.Kind(kind).Identity.Key) == 0 && !lawSingle(kind)
}

func lawNamespace(kind string) string { return catalog.Kind(kind).Namespace() }

// free returns names of the kind that no sibling has as its label or name.
func (g *lawGen) free(kind string, siblings []*lawBlock) []string {
	return slices.DeleteFunc(slices.Clone(lawNames[kind]), func(name string) bool {
		return slices.ContainsFunc(siblings, func(b *lawBlock) bool {
			return lawNamespace(b.kind) == lawNamespace(kind) && (lawSingle(kind) || b.label == name || b.name == name)
		})
	})
}

// start makes the first configuration.
func (g *lawGen) start() {
	for range 1 + g.n(2) {
		g.addProject()
	}
}

func (g *lawGen) addProject() {
	names := g.free("project", g.estate.projects)
	if len(names) == 0 {
		return
	}
	p := &lawBlock{id: g.estate.next, kind: "project", label: names[0]}
	g.estate.next++
	g.estate.projects = append(g.estate.projects, p)
	g.project = p
	g.renameable(p)
	if g.chance(15) {
		p.keys = []string{"a"}
	}
	g.arguments(p, nil)
	for range 1 + g.n(5) {
		g.addChild()
	}
}

// renameable gives a block a name beside its label, sometimes.
func (g *lawGen) renameable(b *lawBlock) {
	if g.chance(25) {
		g.relabel(b, b.label)
	}
}

func (g *lawGen) addChild() {
	kind := lawPick(g, "access_list", "database_user", "custom_role", "alert_config", "cluster", "database_user", "alert_config", "alert_config", "cluster", "maintenance_window", "auditing", "flex_cluster",
		"alert_config", "alert_config", "cluster", "integration", "cloud_provider_access", "integration", "cluster", "alert_config")
	names := g.free(kind, g.project.children)
	if len(names) == 0 {
		return
	}
	b := &lawBlock{id: g.estate.next, kind: kind, label: names[g.n(len(names))]}
	g.estate.next++
	g.project.children = append(g.project.children, b)
	if nameArgument(kind) != "" {
		g.renameable(b)
	}
	switch {
	case lawRepeats(kind) && g.chance(15):
		b.keys = g.keys(nil)
	case g.project.keys == nil && g.chance(15):
		b.outside = true
		g.relabel(b, b.label)
	}
	if kind == "flex_cluster" {
		name := b.naturalName("")
		if form := g.forms[name]; form != "" && form != "flex" { // that is the name of a cluster which may still be there
			g.project.children = g.project.children[:len(g.project.children)-1]
			return
		}
		g.forms[name] = "flex"
	}
	g.arguments(b, nil)
	g.schedule(b)
}

// upgrade makes a block of another kind of one whose clusters share their machines, sometimes; the name stays, and so
// does what Atlas has. It reports whether it did.
func (g *lawGen) upgrade(b *lawBlock) bool {
	guarded := b.args["termination_protection_enabled"] == true
	switch name := b.naturalName(""); {
	case b.kind == "flex_cluster" && g.chance(15):
		b.kind, g.forms[name] = "cluster", "short"
	case b.kind == "cluster" && (lawFree(b.args) || b.args["instance_size"] == "M0") && g.chance(8):
		b.kind, g.forms[name] = "flex_cluster", "flex"
	default:
		return false
	}
	if g.chance(30) {
		g.relabel(b, b.label)
	}
	b.children = nil
	g.arguments(b, nil)
	delete(b.args, lawAtBirth)
	if guarded && b.args["termination_protection_enabled"] == nil {
		b.args["termination_protection_enabled"] = false // released, it would guard a cluster that nobody can delete
	}
	g.schedule(b)
	return true
}

// schedule gives a cluster with backups a schedule of its own, changes it or takes it away.
func (g *lawGen) schedule(b *lawBlock) {
	switch {
	case b.kind != "cluster":
	case b.args["backup_enabled"] != true || len(b.children) > 0 && g.chance(8):
		b.children = nil
	case len(b.children) == 0 && g.chance(80):
		inner := &lawBlock{id: g.estate.next, kind: "backup_schedule"}
		g.estate.next++
		b.children = []*lawBlock{inner}
		g.arguments(inner, nil)
	case len(b.children) > 0 && g.chance(90):
		g.arguments(b.children[0], b.children[0].args)
	}
}

func (g *lawGen) keys(old []string) []string {
	out := []string{}
	for _, k := range []string{"a", "b", "c"} {
		if slices.Contains(old, k) != g.chance(35) {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		return []string{"a"}
	}
	return out
}

// lawEager is how much more often, in a hundred times, arguments are touched of kinds that are rare.
var lawEager = map[string]int{"backup_schedule": 15, "integration": 25, "cloud_provider_access": 20}

// arguments makes or changes the arguments of a block.
func (g *lawGen) arguments(b *lawBlock, old lawObject) {
	g.block, g.eager = b, lawEager[b.kind]
	if b.kind == "access_list" {
		entries, _ := old["entries"].(lawObject)
		b.args = lawObject{"entries": g.entries(entries)}
	} else {
		b.args = g.object(catalog.Kind(b.kind).Attributes, b.kind, old)
	}
	if mend := lawMend[b.kind]; mend != nil {
		mend(g, old, b.args)
	}
	b.nulls = nil
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, set := b.args[name]; !set && g.chance(40) {
			b.nulls = append(b.nulls, name)
		}
	}
}

// step changes the configuration as somebody would between two applies.
func (g *lawGen) step() {
	g.removeSome()
	for _, p := range g.estate.projects {
		g.project = p
		g.touch(p)
		for _, b := range p.children {
			if !g.upgrade(b) {
				g.touch(b)
			}
		}
		for range 3 {
			if len(p.children) < 7 && g.chance(30) {
				g.addChild()
			}
		}
	}
	if len(g.estate.projects) < 3 && g.chance(12) {
		g.addProject()
	}
	for _, p := range g.estate.projects {
		g.project = p
		g.settleNames()
	}
}

func (g *lawGen) removeSome() {
	g.estate.projects = slices.DeleteFunc(g.estate.projects, func(p *lawBlock) bool {
		removable := !slices.ContainsFunc(append(p.children, p), func(b *lawBlock) bool { return lawGuarded(b) })
		return (removable || g.chance(3)) && g.chance(7)
	})
	for _, p := range g.estate.projects {
		p.children = slices.DeleteFunc(p.children, func(b *lawBlock) bool {
			return (!lawGuarded(b) || g.chance(4)) && g.chance(12)
		})
	}
}

// lawGuarded reports whether Mercator or Atlas would refuse to delete the block's objects.
func lawGuarded(b *lawBlock) bool {
	return b.protect != nil && *b.protect || b.args["termination_protection_enabled"] == true
}

// touch changes a block, or leaves it as it is.
func (g *lawGen) touch(b *lawBlock) {
	siblings := g.estate.projects
	if b.kind != "project" {
		siblings = g.project.children
	}
	if names := g.free(b.kind, siblings); len(names) > 0 && g.chance(6) {
		g.relabel(b, names[0])
	}
	if b.keys != nil && b.kind != "project" && !lawGuarded(b) && g.chance(25) {
		b.keys = g.keys(b.keys)
	}
	if b.kind == "project" {
		g.touchProject(b)
	}
	defer g.schedule(b)
	if g.chance(6) {
		protect := b.protect == nil || !*b.protect
		b.protect = &protect
		if g.chance(50) && !protect {
			b.protect = nil
		}
	}
	if g.chance(70) {
		g.arguments(b, b.args)
	}
}

// relabel gives a block another label; its object stays the same.
func (g *lawGen) relabel(b *lawBlock, name string) {
	if b.name == "" && nameArgument(b.kind) != "" {
		b.name = b.label
	}
	b.label = fmt.Sprintf("%s_block%d", name, b.id) // outside of their projects, all labels stand side by side
}

func (g *lawGen) touchProject(p *lawBlock) {
	if p.keys == nil && g.chance(8) { // another name in Atlas
		name, was := strings.CutSuffix(p.naturalName(""), "-x")
		if !was {
			name += "-x"
		}
		if !slices.ContainsFunc(g.estate.projects, func(o *lawBlock) bool { return o.naturalName("") == name }) {
			p.name = name
		}
	}
	if g.chance(15) {
		p.exclusive = nil
		for _, kind := range []string{"access_list", "alert_config", "database_user", "custom_role", "integration"} {
			if g.chance(30) {
				p.exclusive = append(p.exclusive, kind)
			}
		}
	}
}

// settleNames mends what refers to a block that is gone or has another name.
func (g *lawGen) settleNames() {
	for _, b := range g.project.children {
		if b.kind == "database_user" || b.kind == "custom_role" {
			g.block = b
			lawMend[b.kind](g, b.args, b.args)
		}
	}
}
