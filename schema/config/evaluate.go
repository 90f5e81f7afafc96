package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Known says what Atlas holds already. Its values have the type of the resource's kind.
type Known interface {
	// Object returns the live object that is paired with an address, and whether there is one.
	Object(addr schema.Address) (cty.Value, bool)
}

// Evaluation is a configuration computed once, with what was known of Atlas then. It does not change after
// [Config.Evaluate] and may be used from several goroutines.
type Evaluation struct {
	cfg   *Config
	known Known
	// base is the evaluation whose results are used as far as they follow from the files alone.
	base *Evaluation

	// Desired is everything that the files ask for.
	Desired schema.Desired

	diags    diag.List
	checked  map[checked]outcome
	reported map[string]int
	// failed and open are the findings of check blocks, which belong to a plan and not to the files.
	failed, open diag.List

	// What was computed. Each remembers whether it rests on Known (tainted), in which case it holds for this
	// evaluation only.
	locals     map[needed[*local]]*memo
	inputs     map[needed[*variable]]*memo
	outputMemo map[needed[*output]]*memo
	objects    map[needed[*instance]]*memo
	contexts   map[needed[*usage]]*contextMemo
	groups     map[groupKey]*group
	results    map[*instance]*result
	parents    map[*instance]*parentMemo
	lookups    map[*instance]*lookedUp
	decoded    map[*argument]cty.Value
	eaches     map[*group]map[string]cty.Value
	homes      map[*instance]*homeMemo // connections that calls of modules choose
	calls      map[*instance]*callMemo // what calls of modules depend on

	// incomplete says that the instances or entries of some block are not known, so that it may hold any address.
	incomplete bool

	tainted bool
	stack   []any // definitions under way, for circles
	running map[any]bool
	count   int // of instances

	index     map[schema.Address]place
	resources map[schema.Address]int // positions in Desired
}

// place says where an address comes from.
type place struct {
	inst  *instance
	entry string
}

// needed names a value that was computed for certain needs inside one instance of a module; home is nil at the root.
type needed[T comparable] struct {
	of    T
	needs string
	home  *instance
}

type memo struct {
	value   cty.Value
	tainted bool
}

type contextMemo struct {
	ctx     *hcl.EvalContext
	tainted bool
}

type homeMemo struct {
	connection string
	tainted    bool
}

type callMemo struct {
	edges   edges
	tainted bool
}

func newEvaluation(c *Config, known Known) *Evaluation {
	return &Evaluation{
		cfg: c, known: known,
		checked:    map[checked]outcome{},
		reported:   map[string]int{},
		running:    map[any]bool{},
		locals:     map[needed[*local]]*memo{},
		inputs:     map[needed[*variable]]*memo{},
		outputMemo: map[needed[*output]]*memo{},
		objects:    map[needed[*instance]]*memo{},
		contexts:   map[needed[*usage]]*contextMemo{},
		groups:     map[groupKey]*group{},
		results:    map[*instance]*result{},
		parents:    map[*instance]*parentMemo{},
		lookups:    map[*instance]*lookedUp{},
		decoded:    map[*argument]cty.Value{},
		eaches:     map[*group]map[string]cty.Value{},
		homes:      map[*instance]*homeMemo{},
		calls:      map[*instance]*callMemo{},
		index:      map[schema.Address]place{},
	}
}

// With computes again, with what is known of Atlas now, whatever rests on that. Where nothing does, the evaluation
// itself serves. What was found before is found again.
func (e *Evaluation) With(known Known) (*Evaluation, diag.List) {
	if !e.tainted {
		return e, e.diags
	}
	next := newEvaluation(e.cfg, known)
	for _, d := range e.diags {
		next.add(d)
	}
	carry(next.locals, e.locals, func(k needed[*local], m *memo) bool { return !m.tainted && k.home.settled() })
	carry(next.inputs, e.inputs, func(k needed[*variable], m *memo) bool { return !m.tainted && k.home.settled() })
	carry(next.outputMemo, e.outputMemo, func(k needed[*output], m *memo) bool { return !m.tainted && k.home.settled() })
	carry(next.objects, e.objects, func(k needed[*instance], m *memo) bool { return !m.tainted && k.of.settled() })
	carry(next.contexts, e.contexts, func(k needed[*usage], m *contextMemo) bool { return !m.tainted && k.home.settled() })
	carry(next.groups, e.groups, func(k groupKey, g *group) bool { return !g.tainted && k.outer.settled() && k.home.settled() })
	carry(next.results, e.results, func(inst *instance, r *result) bool { return !r.tainted && inst.settled() })
	carry(next.parents, e.parents, func(inst *instance, m *parentMemo) bool { return !m.tainted && inst.settled() })
	carry(next.lookups, e.lookups, func(inst *instance, l *lookedUp) bool { return !l.tainted && inst.settled() })
	carry(next.decoded, e.decoded, func(*argument, cty.Value) bool { return true })
	for _, g := range next.groups {
		next.count += len(g.instances)
		for _, inst := range g.instances {
			next.index[inst.addr] = place{inst: inst}
		}
	}
	for _, r := range next.results {
		next.count += len(r.entries)
	}
	return next, next.run()
}

// carry copies the entries that keep says something of.
func carry[K comparable, V any](to, from map[K]V, keep func(K, V) bool) {
	for k, v := range from {
		if keep(k, v) {
			to[k] = v
		}
	}
}

// settled reports whether it follows from the files alone that there is such an instance; there is always a root,
// which is nil.
func (inst *instance) settled() bool {
	return inst == nil || !inst.group.tainted && inst.outer.settled() && inst.home.settled()
}

// failure marks the value of what went wrong and has been reported, so that nothing that is computed from it is
// reported as unknown.
type failure struct{}

// failed is what stands in place of a value that could not be computed.
var failed = cty.DynamicVal.Mark(failure{})

func failedIn(marks cty.ValueMarks) bool {
	_, is := marks[failure{}]
	return is
}

// unmarked reports whether a part of the value is unknown and does not carry what it comes from: a for expression, and
// a key that is computed, lose the marks of what is unknown.
func unmarked(v cty.Value) bool {
	switch {
	case v.IsMarked():
		return false
	case !v.IsKnown():
		return true
	case v.IsNull() || !v.CanIterateElements():
		return false
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, el := it.Element(); unmarked(el) {
			return true
		}
	}
	return false
}

// marksOf returns the marks of everything that an expression refers to.
func marksOf(x *expr, ctx *hcl.EvalContext) cty.ValueMarks {
	out := cty.ValueMarks{}
	if takesSecret(x, ctx) {
		out[schema.Sensitive] = struct{}{}
	}
	for _, t := range x.Variables() {
		if v, ok := referred(t, ctx); ok {
			_, marks := v.UnmarkDeep()
			maps.Copy(out, marks)
		}
	}
	return out
}

// referred returns the value of the longest part of a reference that has one.
func referred(t hcl.Traversal, ctx *hcl.EvalContext) (cty.Value, bool) {
	for n := len(t); n > 0; n-- {
		if v, hd := t[:n].TraverseAbs(ctx); !hd.HasErrors() {
			return v, true
		}
	}
	return cty.DynamicVal, false
}

// mostOfOne is how many findings of one kind are shown for one place in the files, where a block is repeated.
const mostOfOne = 3

// add records a finding, but not the same one for each of a thousand instances.
func (e *Evaluation) add(d diag.Diagnostic) { e.note(&e.diags, d) }

func (e *Evaluation) note(list *diag.List, d diag.Diagnostic) {
	key := fmt.Sprintf("%s %d %s", d.Code, d.Range.Start.Byte, d.Range.File)
	exact := key + " " + d.Summary + " " + d.Detail
	e.reported[exact]++
	e.reported[key]++
	if !d.Range.IsZero() && (e.reported[exact] > 1 || e.reported[key] > mostOfOne) {
		return
	}
	list.Add(d)
}

// frame says for whom an expression is evaluated.
type frame struct {
	// inst is the innermost instance; nil at the top level of a module.
	inst *instance
	// home is the instance of the module in which the expression stands; nil for the root.
	home *instance
	// expanding says that a block inside inst is being repeated, whose parent is inst.
	expanding bool
	// needs are blocks that whoever uses the value asks for inside of instances.
	needs []need
	// self is the value of self, where there is one.
	self cty.Value
}

// eval evaluates an expression. clean reports whether it went without a mistake; the value is unknown otherwise.
func (e *Evaluation) eval(x *expr, f frame) (v cty.Value, clean bool) {
	if x.bad {
		return failed, false
	}
	return e.evalIn(x, e.context(&x.uses, f), f)
}

// evalIn evaluates an expression in a context that has all it needs.
func (e *Evaluation) evalIn(x *expr, ctx *hcl.EvalContext, f frame) (v cty.Value, clean bool) {
	if x.bad {
		return failed, false
	}
	v, hd := x.Value(ctx)
	if !hd.HasErrors() {
		if unmarked(v) {
			v = v.WithMarks(marksOf(x, ctx))
		}
		return v, true
	}
	addr := address(f)
	missed := e.missedKeys(&x.uses, f)
	for _, d := range missed {
		e.add(d.On(addr))
	}
	for _, d := range hd {
		if mapped := expressionError(d, x, ctx); len(missed) == 0 || mapped.Code != codeInvalidExpression {
			e.add(mapped.On(addr))
		}
	}
	return failed, false
}

// once computes what is named by key unless that is under way already, which is a circle. It reports whether
// compute ran.
func (e *Evaluation) once(key any, compute func()) (tainted, ok bool) {
	if e.running[key] {
		e.circle(e.stack[slices.Index(e.stack, key):])
		return true, false
	}
	if len(e.stack) >= MaxChain {
		e.add(diag.Errorf(codeTooDeep, "Definitions build on each other too deeply",
			"More than %d definitions stand in one chain, the last of them %s.", MaxChain, describeNode(key)).At(rangeOfNode(key)))
		return true, false
	}
	e.stack = append(e.stack, key)
	e.running[key] = true
	tainted = e.taints(compute)
	e.stack = e.stack[:len(e.stack)-1]
	delete(e.running, key)
	return tainted, true
}

// taints reports whether what is computed rests on what is known of Atlas. Whoever computes it rests on that as well.
func (e *Evaluation) taints(compute func()) bool {
	outer := e.tainted
	e.tainted = false
	compute()
	tainted := e.tainted
	e.tainted = outer || tainted
	return tainted
}

func (e *Evaluation) circle(members []any) {
	var names []string
	first := 0
	for i, m := range members {
		names = append(names, describeNode(m))
		if describeNode(m) < describeNode(members[first]) {
			first = i
		}
	}
	// The circle is told from its first member in alphabetical order, wherever it was entered.
	names = slices.Concat(names[first:], names[:first])
	names = slices.Compact(names)
	at := rangeOfNode(members[first])
	e.add(diag.Errorf(codeCycle, "Definitions depend on each other in a circle",
		"%s. Break it by writing one of the values out.", strings.Join(append(names, names[0]), " needs ")).At(at))
}

func describeNode(n any) string {
	switch n := n.(type) {
	case needed[*local]:
		return inModule(n.home, "local."+n.of.name)
	case needed[*variable]:
		return inModule(n.home, "var."+n.of.name)
	case needed[*output]:
		return inModule(n.home, n.of.name)
	case *instance:
		return string(n.addr)
	case groupKey:
		return "for_each of " + inModule(n.home, n.block.path())
	default:
		return fmt.Sprint(n)
	}
}

func rangeOfNode(n any) diag.Range {
	switch n := n.(type) {
	case needed[*local]:
		return rangeOf(n.of.x.Range())
	case needed[*variable]:
		return rangeOf(n.home.block.inputs[n.of.name].Range())
	case needed[*output]:
		return rangeOf(n.of.value.Range())
	case *instance:
		return n.block.header
	case groupKey:
		return n.block.header
	default:
		return diag.Range{}
	}
}

// local returns the value of a local; needs are the nested blocks that its users ask for.
func (e *Evaluation) local(l *local, home *instance, needs []need) cty.Value {
	return remember(e, needed[*local]{l, needsKey(needs), home}, localMemos, func() cty.Value {
		v, _ := e.eval(l.x, frame{home: home, needs: needs})
		return v
	})
}

// remember returns a definition's value, which is computed once for each set of needs.
func remember[T comparable](e *Evaluation, key needed[T], in func(*Evaluation) map[needed[T]]*memo, compute func() cty.Value) cty.Value {
	if m := recall(e, key, in); m != nil {
		return m.value
	}
	m := &memo{value: failed}
	tainted, ok := e.once(needed[T]{of: key.of, home: key.home}, func() { m.value = compute() })
	if ok {
		m.tainted = tainted
		in(e)[key] = m
	}
	return m.value
}

func localMemos(e *Evaluation) map[needed[*local]]*memo    { return e.locals }
func inputMemos(e *Evaluation) map[needed[*variable]]*memo { return e.inputs }
func outputMemos(e *Evaluation) map[needed[*output]]*memo  { return e.outputMemo }

// recall returns what was computed before, in this evaluation or, where it follows from the files alone, in its base.
func recall[K comparable](e *Evaluation, key K, in func(*Evaluation) map[K]*memo) *memo {
	m := in(e)[key]
	if m == nil && e.base != nil {
		if m = in(e.base)[key]; m != nil && m.tainted {
			m = nil
		}
	}
	if m != nil && m.tainted {
		e.tainted = true
	}
	return m
}
