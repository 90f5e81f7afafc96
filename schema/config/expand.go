package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/gocty"

	"mercator/schema"
	"mercator/schema/diag"
)

// instance is one of the resources that a block stands for: its only one, one per for_each key or count.
type instance struct {
	block *block
	outer *instance // the enclosing instance, where the block is written inside another
	home  *instance // the instance of the module that it belongs to; nil for the root's
	group *group
	addr  schema.Address
	// key is the instance key as text, "" where the block is not repeated; number is that of a count.
	key    string
	number int
	// each is the object of each.key and each.value.
	each cty.Value
}

// frame is how expressions inside the instance are evaluated.
func (inst *instance) frame() frame { return frame{inst: inst, home: inst.home} }

// around is how the expression that repeats the instance's block is evaluated.
func (inst *instance) around() frame {
	return frame{inst: inst.outer, expanding: inst.outer != nil, home: inst.home}
}

// group is the instances of one block inside one enclosing instance.
type group struct {
	block     *block
	instances []*instance
	byKey     map[string]*instance
	// edges are the resources that for_each or count refers to.
	edges edges
	// failed says that the instances could not be found out.
	failed bool
	// tainted says that for_each rests on what was known of Atlas.
	tainted bool
}

type groupKey struct {
	block       *block
	outer, home *instance
}

func (g *group) find(key string) *instance { return g.byKey[key] }

func (g *group) keys() []string {
	var keys []string
	for _, inst := range g.instances {
		keys = append(keys, inst.key)
	}
	return keys
}

// group returns the instances of a block inside an enclosing instance, or at the top of an instance of a module.
func (e *Evaluation) group(b *block, outer, home *instance) *group {
	key := groupKey{b, outer, home}
	if g := e.groups[key]; g != nil {
		e.tainted = e.tainted || g.tainted
		return g
	}
	if e.base != nil { // instances do not come and go during a run
		if g := e.base.groups[key]; g != nil {
			e.tainted = e.tainted || g.tainted
			return g
		}
	}
	g := &group{block: b, byKey: map[string]*instance{}}
	tainted, ok := e.once(key, func() { e.expand(g, outer, home) })
	if !ok {
		g.failed = true
		return g
	}
	g.tainted = tainted
	e.incomplete = e.incomplete || g.failed
	e.groups[key] = g
	for _, inst := range g.instances {
		e.index[inst.addr] = place{inst: inst}
	}
	return g
}

func (e *Evaluation) expand(g *group, outer, home *instance) {
	b := g.block
	base := schema.Address("")
	switch {
	case outer != nil:
		base = outer.addr
	case home != nil:
		base = home.addr
	}
	first := instance{block: b, outer: outer, home: home, addr: base.Child(b.kindName(), b.label)}
	f := first.around()
	switch {
	case b.forEach != nil:
		e.expandForEach(g, first, f)
	case b.count != nil:
		e.expandCount(g, first, f)
	default:
		g.put(&first)
	}
	e.count += len(g.instances)
}

func (g *group) put(inst *instance) {
	inst.group = g
	g.instances = append(g.instances, inst)
	g.byKey[inst.key] = inst
}

func (e *Evaluation) expandForEach(g *group, like instance, f frame) {
	b := g.block
	at := rangeOf(b.forEach.Range())
	v, ok := e.repetition(g, b.forEach, f, "for_each")
	if !ok {
		return
	}
	ty := v.Type()
	isSet := ty.IsSetType() && (ty.ElementType() == cty.String || v.LengthInt() == 0)
	if !isSet && !ty.IsMapType() && !ty.IsObjectType() {
		text := "a map, an object or a set of texts is expected."
		if ty.IsTupleType() || ty.IsListType() {
			text = "a list has no keys that last when it changes. Write toset([...]) where its elements are texts, or a map."
		}
		g.failed = true
		e.add(diag.Errorf(codeForEach, "for_each is not a map or a set of texts", "Found %s; %s", describe(v, false), text).At(at))
		return
	}
	if n := v.LengthInt(); n > e.cfg.most-e.count {
		g.failed = true
		e.tooMany(at, "for_each", n)
		return
	}
	type pair struct {
		key   string
		value cty.Value
	}
	pairs := make([]pair, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		switch {
		case !k.IsKnown():
			g.failed = true
			if !e.waits(g.edges) {
				e.add(unknownRepetition("for_each").At(at))
			}
			return
		case k.IsNull():
			g.failed = true
			e.add(diag.Errorf(codeForEach, "for_each holds null", "Every key names a resource; leave null out.").At(at))
			return
		}
		pairs = append(pairs, pair{k.AsString(), el})
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].key < pairs[j].key })
	for _, p := range pairs {
		inst := like
		inst.addr, inst.key = like.addr.Key(p.key), p.key
		inst.each = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(p.key), "value": p.value})
		g.put(&inst)
	}
}

func (e *Evaluation) expandCount(g *group, like instance, f frame) {
	at := rangeOf(g.block.count.Range())
	v, ok := e.repetition(g, g.block.count, f, "count")
	if !ok {
		return
	}
	n := -1
	if number, err := convert.Convert(v, cty.Number); err == nil {
		if x, _ := number.AsBigFloat().Float64(); number.AsBigFloat().IsInt() && math.Abs(x) < math.MaxInt32 {
			if err := gocty.FromCtyValue(number, &n); err != nil {
				n = -1
			}
		} else if x > 0 && number.AsBigFloat().IsInt() {
			n = math.MaxInt32
		}
	}
	if n < 0 {
		g.failed = true
		e.add(diag.Errorf(codeCount, "count is not a whole number from 0",
			"Found %s. Write how many instances there are to be: 3, or 0 for none.", describe(v, false)).At(at))
		return
	}
	if n > e.cfg.most-e.count {
		g.failed = true
		e.tooMany(at, "count", n)
		return
	}
	for i := range n {
		inst := like
		inst.addr, inst.key, inst.number = like.addr.Index(i), strconv.Itoa(i), i
		g.put(&inst)
	}
}

func (e *Evaluation) tooMany(at diag.Range, what string, n int) {
	e.add(diag.Errorf(codeTooMany, "There are too many instances",
		"%s adds %d to %d; a configuration may describe %d in all. Divide it into several.", what, n, e.count, e.cfg.most).At(at))
}

// repetition evaluates for_each or count, which must be known and may be shown.
func (e *Evaluation) repetition(g *group, x *expr, f frame, what string) (cty.Value, bool) {
	at := rangeOf(x.Range())
	v, clean := e.eval(x, f)
	if !clean {
		g.failed = true
		return v, false
	}
	v, marks := v.Unmark()
	g.edges.collect(marks)
	_, secret := marks[schema.Sensitive]
	problem := diag.Diagnostic{}
	switch {
	case failedIn(marks) || !v.IsKnown() && e.waits(g.edges):
		g.failed = true
		return v, false
	case secret:
		problem = diag.Errorf(codeSensitiveKey, fmt.Sprintf("%s is sensitive", what),
			"Its keys become part of addresses, which are shown. Use nonsensitive(...) on what is no secret, such as the keys.")
	case !v.IsKnown():
		problem = unknownRepetition(what)
	case v.IsNull():
		code, nothing := codeForEach, "{}"
		if what == "count" {
			code, nothing = codeCount, "0"
		}
		problem = diag.Errorf(code, fmt.Sprintf("%s is null", what), "For no instances write %s.", nothing)
	default:
		return v, true
	}
	g.failed = true
	e.add(problem.At(at))
	return v, false
}

// waits reports whether what a repetition or an entry rests on may be known once lookups are read, of which nothing is
// known yet. Until then it stands for nothing, and nothing is said about it.
func (e *Evaluation) waits(on edges) bool { return e.known == nil && len(on.lookups("")) > 0 }

func unknownRepetition(what string) diag.Diagnostic {
	return diag.Errorf(codeUnknownForEach, fmt.Sprintf("%s is not known yet", what),
		"It depends on what only Atlas can tell, once the resource exists. Use keys that the files hold; values may be unknown.")
}

// edges are the addresses that something refers to, each with whether it is a lookup.
type edges map[schema.Address]bool

// mark is put on a resource's value: whatever is computed from it carries the address along. It never
// leaves this room.
type mark struct {
	addr schema.Address
	// id says that the value is the resource's id itself.
	id bool
	// lookup says that the value was looked up, so that nothing has to be done before it.
	lookup bool
}

// GoString implements fmt.GoStringer.
func (m mark) GoString() string { return "ref(" + string(m.addr) + ")" }

func (s *edges) collect(marks cty.ValueMarks) {
	for m := range marks {
		if r, ok := m.(mark); ok {
			s.join(edges{r.addr: r.lookup})
		}
	}
}

func (s *edges) put(addr schema.Address) { s.join(edges{addr: false}) }

func (s *edges) join(other edges) {
	if *s == nil && len(other) > 0 {
		*s = edges{}
	}
	maps.Copy(*s, other)
}

// lookups returns the lookups among the addresses but for the one that names the parent.
func (s edges) lookups(parent schema.Address) []schema.Address {
	var out []schema.Address
	for a, lookup := range s {
		if lookup && a != parent {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

// sorted returns the resources among the addresses but for those that self lives in anyway.
func (s edges) sorted(self, parent schema.Address) []schema.Address {
	if len(s) == 0 {
		return nil
	}
	out := make([]schema.Address, 0, len(s))
	for a, lookup := range s {
		if !lookup && a != parent && a != self && !a.Contains(self) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}
