package workflow_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mercator/provider/sandbox"
	"mercator/schema"
)

// lawApart is the promise of the whole for kinds that stand apart from what TestLaw makes, because they live in
// something else than a project or hang together in ways of their own: whatever blocks of them are declared one after
// the other, whatever somebody does by hand and whichever requests fail meanwhile, there is in the end each declared
// object once, as the file says, and nothing else.
type lawApart struct {
	// kinds are the kinds, parents before children, with the labels that their blocks have.
	kinds []lawApartKind
	// file writes the blocks into a configuration.
	file func(l *lawApartCase) string
	// fit makes the blocks of a step fit together; it may be nil.
	fit func(c *lawApartCase)
	// paths are those of requests that fail.
	paths []string
	// hand changes one of an object's fields; nil leaves it at deletions.
	hand func(g *lawGen, kind string, doc map[string]any) map[string]any
}

type lawApartKind struct {
	name   string
	labels []string
	// key is an object's key in the words of the sandbox.
	key func(doc map[string]any) string
	// is reports whether a live object is the one that the arguments ask for; nil leaves it to their fit alone.
	is func(b *lawApartBlock, doc map[string]any) bool
	// strangers says that Atlas makes objects of the kind by itself.
	strangers bool
}

// lawApartBlock is one block.
type lawApartBlock struct {
	kind, label string
	args        lawObject
}

// lawRaw is an expression as it is written.
type lawRaw string

func (b *lawApartBlock) id() string { return b.kind + "." + b.label }

// lawApartCase is one sequence of configurations.
type lawApartCase struct {
	*lawApart
	rt     *rapid.T
	r      *rig
	g      *lawGen
	cover  *lawCover
	blocks map[string]*lawApartBlock
	// last are the blocks of the step before.
	last map[string]*lawApartBlock
}

// lawsApart are the kinds that have a law of their own.
var lawsApart = map[string]bool{"search_index": true, "encryption_at_rest": true, "network_container": true, "network_peering": true,
	"private_endpoint_service": true, "private_endpoint": true}

func (l *lawApart) check(t *testing.T) {
	cases := setLawCases(t)
	cover := newLawCoverOf(func(k *schema.Kind) bool {
		return slices.ContainsFunc(l.kinds, func(mine lawApartKind) bool { return mine.name == k.Name })
	})
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Restless: true, Polls: 1})
		c := &lawApartCase{lawApart: l, rt: rt, r: r, g: &lawGen{t: rt, eager: 10}, cover: cover, blocks: map[string]*lawApartBlock{}}
		for range 1 + c.g.n(4) {
			c.step()
		}
	})
	t.Log(cover.table())
	if missing := cover.missing(); cases >= lawFull && len(missing) > 0 {
		t.Errorf("never tried:\n%s", strings.Join(missing, "\n"))
	}
}

// step declares other blocks than before, lets things go wrong and then applies in peace.
func (c *lawApartCase) step() {
	c.last = maps.Clone(c.blocks)
	for _, k := range c.kinds {
		for _, label := range k.labels {
			c.draw(k, label)
		}
	}
	if c.fit != nil {
		c.fit(c)
	}
	c.r.write(c.file(c))
	if c.g.chance(40) {
		c.byHand()
	}
	if c.g.chance(50) {
		fault := sandbox.Fault{Method: lawPick(c.g, "", "POST", "PATCH", "DELETE", "GET"), Path: lawPick(c.g, c.paths...),
			Nth: 1 + c.g.n(6), Action: lawPick(c.g, sandbox.Lost, sandbox.Reset, sandbox.Status, sandbox.Truncate)}
		if fault.Action == sandbox.Status {
			fault.Status = 500
		}
		c.r.faults(fault)
		if _, err := c.r.open().Apply(c.rt.Context(), applyAll()); err != nil {
			c.rt.Logf("with %v: %v", fault, err)
		}
		c.r.faults()
	}
	c.r.converge()
	c.compare()
}

// draw makes, changes, keeps or removes a block.
func (c *lawApartCase) draw(k lawApartKind, label string) {
	b := &lawApartBlock{kind: k.name, label: label}
	old := c.blocks[b.id()]
	switch {
	case old == nil && !c.g.chance(60):
		return
	case old != nil && c.g.chance(20):
		delete(c.blocks, old.id())
		return
	case old != nil && !c.g.chance(60):
		return
	}
	var was lawObject
	if old != nil {
		was = old.args
	}
	c.g.block = &lawBlock{kind: k.name, label: label, args: was}
	b.args = c.g.object(catalog.Kind(k.name).Attributes, k.name, was)
	if mend := lawMend[k.name]; mend != nil {
		mend(c.g, was, b.args)
	}
	c.cover.object(catalog.Kind(k.name).Attributes, k.name, was, b.args)
	c.blocks[b.id()] = b
}

// of are the blocks of a kind, by label.
func (c *lawApartCase) of(kind string) []*lawApartBlock {
	var out []*lawApartBlock
	for _, id := range slices.Sorted(maps.Keys(c.blocks)) {
		if b := c.blocks[id]; b.kind == kind {
			out = append(out, b)
		}
	}
	return out
}

// write writes a block with what stands in it.
func (b *lawApartBlock) write(inside string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %q {\n", b.kind, b.label)
	for _, name := range slices.Sorted(maps.Keys(b.args)) {
		value, raw := b.args[name].(lawRaw)
		if !raw {
			value = lawRaw(lawWriter{}.value(b.args[name]))
		}
		fmt.Fprintf(&text, "  %s = %s\n", name, value)
	}
	return text.String() + inside + "}\n"
}

// byHand deletes an object in Atlas, or changes one.
func (c *lawApartCase) byHand() {
	group, ok := c.r.box.ProjectID("shop")
	k := c.kinds[c.g.n(len(c.kinds))]
	docs := c.r.box.List(sandbox.Kind(k.name), group)
	if !ok || len(docs) == 0 {
		return
	}
	doc := docs[c.g.n(len(docs))]
	var err error
	if fields := c.hand(c.g, k.name, doc); fields != nil && c.g.chance(60) {
		err = c.r.box.Change(sandbox.Kind(k.name), group, k.key(doc), fields)
	} else {
		err = c.r.box.Delete(sandbox.Kind(k.name), group, k.key(doc))
	}
	if err != nil {
		c.rt.Fatal(err)
	}
}

// compare pairs each declared block with a live object of its own.
func (c *lawApartCase) compare() {
	group, _ := c.r.box.ProjectID("shop")
	for _, k := range c.kinds {
		live := c.r.box.List(sandbox.Kind(k.name), group)
		blocks := c.of(k.name)
		if len(live) != len(blocks) && !k.strangers {
			c.rt.Fatalf("%d blocks of %s are declared, and Atlas has %d: %v", len(blocks), k.name, len(live), live)
		}
		for _, b := range blocks {
			why := "there is none"
			i := slices.IndexFunc(live, func(doc map[string]any) bool {
				if k.is != nil && !k.is(b, doc) {
					return false
				}
				why = lawFits(catalog.Kind(k.name).Attributes, lawPlain(b.args).(lawObject), doc, k.name, lawScaled{})
				return why == ""
			})
			if i < 0 {
				c.rt.Fatalf("%s is not as the file says: %s\n%v", b.id(), why, live)
			}
			live = slices.Delete(live, i, i+1)
		}
	}
}

// lawWithoutNothing drops the members of a document that hold nothing, as Atlas takes them.
func lawWithoutNothing(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			if e = lawWithoutNothing(e); e == nil || reflect.DeepEqual(e, map[string]any{}) || reflect.DeepEqual(e, []any{}) {
				delete(v, name)
			}
		}
	case []any:
		for i, e := range v {
			v[i] = lawWithoutNothing(e)
		}
	}
	return v
}

// TestLawOfSearch is the law for the indexes of a cluster.
func TestLawOfSearch(t *testing.T) {
	text := func(doc map[string]any, name string) string { s, _ := doc[name].(string); return s }
	l := &lawApart{
		kinds: []lawApartKind{{name: "search_index", labels: []string{"products", "people", "similar"},
			key: func(doc map[string]any) string {
				return strings.Join([]string{text(doc, "clusterName"), text(doc, "database"), text(doc, "collectionName"), text(doc, "name")}, "/")
			}}},
		paths: []string{"/search/"},
		file: func(c *lawApartCase) string {
			inside := ""
			for _, b := range c.of("search_index") {
				inside += b.write("")
			}
			return "project \"shop\" {\n cluster \"orders\" {\n provider_name = \"AWS\"\n region_name = \"EU_WEST_1\"\n instance_size = \"M10\"\n" + inside + "}\n}\n"
		},
		hand: func(g *lawGen, _ string, doc map[string]any) map[string]any {
			if doc["type"] == "vectorSearch" {
				return map[string]any{"latestDefinition": map[string]any{"fields": []any{map[string]any{"type": "filter", "path": "hand"}}, "numPartitions": 2}}
			}
			return map[string]any{"latestDefinition": map[string]any{"mappings": map[string]any{"dynamic": g.chance(50)}, "synonyms": []any{}}, "status": lawPick(g, "STALE", "BUILDING", "FAILED")}
		},
	}
	l.check(t)
}
