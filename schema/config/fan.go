package config

import (
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// item is one element of a fan's map as it stands in the file.
type item struct {
	key   string
	value cty.Value
	rng   diag.Range
}

// fan makes a resource of each entry of a fan's map (R15).
func (e *Evaluation) fan(r *result, ctx *hcl.EvalContext, f frame) {
	b := r.inst.block
	if b.entries == nil {
		return
	}
	items, ok := e.items(r, ctx, f)
	if !ok {
		e.incomplete = true
		return
	}
	if len(items) > e.cfg.most-e.count {
		e.tooMany(rangeOf(b.entries.Range()), b.kind.Fan.Argument, len(items))
		return
	}
	attrs := entryAttributes(b.kind)
	first := make(map[string]item, len(items))
	for _, it := range items {
		if isNull(it.value) {
			continue // not declared
		}
		key, err := it.key, error(nil)
		if canonical := b.kind.Identity.Canonical; canonical != nil {
			key, err = canonical(it.key)
		}
		if err != nil {
			e.add(diag.Errorf(codeInvalidEntry, fmt.Sprintf("%q is not a valid entry", it.key), "%s.", capital(err.Error())).
				At(it.rng).On(string(r.inst.addr)))
			continue
		}
		if other, twice := first[key]; twice {
			e.add(diag.Errorf(codeDuplicateEntry, fmt.Sprintf("%q stands twice", key),
				"%q at %s and %q mean the same; remove one of them.", other.key, other.rng, it.key).
				At(it.rng).On(string(r.inst.addr)))
			continue
		}
		first[key] = it
		r.entries = append(r.entries, e.entry(r, attrs, key, it))
	}
	e.count += len(r.entries)
	sort.Slice(r.entries, func(i, j int) bool { return r.entries[i].key < r.entries[j].key })
}

// items evaluates the map. Where it is written out, each element keeps its place in the file.
func (e *Evaluation) items(r *result, ctx *hcl.EvalContext, f frame) ([]item, bool) {
	b := r.inst.block
	v, clean := e.evalIn(b.entries, ctx, f)
	if !clean {
		return nil, false
	}
	at := rangeOf(b.entries.Range())
	v, marks := v.Unmark()
	r.edges.collect(marks)
	problem := diag.Diagnostic{}
	_, secret := marks[schema.Sensitive]
	name := b.kind.Fan.Argument
	ty := v.Type()
	switch {
	case failedIn(marks) || !v.IsKnown() && e.waits(r.edges):
		return nil, false
	case secret:
		problem = diag.Errorf(codeSensitiveKey, fmt.Sprintf("The keys of %s are sensitive", name),
			"They become part of addresses, which are shown. Write nonsensitive(...) on what is no secret.")
	case !v.IsKnown():
		problem = diag.Errorf(codeUnknownForEach, fmt.Sprintf("The keys of %s are not known yet", name),
			"They depend on what only Atlas can tell; the plan needs them.")
	case v.IsNull():
		return nil, true
	case !ty.IsObjectType() && !ty.IsMapType():
		problem = diag.Errorf(codeWrongType, fmt.Sprintf("%s is not a map", name),
			"Found %s; write %s = { \"KEY\" = %s }.", describe(v, true), name, shortForm(b.kind))
	default:
		return e.placed(b, v, ctx, at), true
	}
	e.add(problem.At(at).On(string(r.inst.addr)))
	return nil, false
}

func shortForm(k *schema.Kind) string {
	if k.Fan.Short == "" {
		return "{ ... }"
	}
	return fmt.Sprintf("%q", k.Fan.Short)
}

func (e *Evaluation) placed(b *block, v cty.Value, ctx *hcl.EvalContext, at diag.Range) []item {
	ranges := map[string]diag.Range{}
	if written, ok := b.entries.Expression.(*hclsyntax.ObjectConsExpr); ok {
		for _, it := range written.Items {
			if k, hd := it.KeyExpr.Value(ctx); !hd.HasErrors() {
				if k, _ = k.Unmark(); k.IsKnown() && !k.IsNull() && k.Type() == cty.String {
					ranges[k.AsString()] = rangeOf(hcl.RangeBetween(it.KeyExpr.Range(), it.ValueExpr.Range()))
				}
			}
		}
	}
	items := make([]item, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		place, ok := ranges[k.AsString()]
		if !ok {
			place = at
		}
		items = append(items, item{key: k.AsString(), value: el, rng: place})
	}
	sort.SliceStable(items, func(i, j int) bool { return items[i].rng.Start.Byte < items[j].rng.Start.Byte })
	return items
}

// entry decodes one entry, which has the given attributes beside its key: an object, or a text that stands for the
// short argument.
func (e *Evaluation) entry(r *result, attrs []schema.Attribute, key string, it item) entry {
	k := r.inst.block.kind
	en := entry{key: key, addr: r.inst.addr.Key(key), rng: it.rng, edges: edges{}}
	en.edges.join(r.edges)
	d := &decoder{e: e, addr: en.addr, edges: &en.edges, rng: it.rng}
	v := it.value
	if raw, marks := v.Unmark(); k.Fan.Short != "" && raw.Type().IsPrimitiveType() {
		v = cty.ObjectVal(map[string]cty.Value{k.Fan.Short: raw.WithMarks(marks)})
	}
	known := !v.HasMark(failure{})
	raw, secret := d.unmark(v)
	d.hide, d.each = secret, secret
	d.path = cty.GetAttrPath(k.Fan.Argument).IndexString(it.key)
	if !raw.IsKnown() {
		raw = cty.EmptyObjectVal
		if known && !e.waits(en.edges) {
			e.add(diag.Errorf(codeUnknownForEach, fmt.Sprintf("The entry %q is not known yet", key),
				"Write an object whose fields may be unknown.").At(it.rng).On(string(en.addr)))
		}
	}
	en.value = cty.UnknownVal(k.Type())
	if values, ok := d.fields(nil, attrs, raw); ok {
		values[k.Fan.Key] = cty.StringVal(key)
		en.value = schema.ObjectVal(k.Type(), values)
	}
	return en
}

// entryAttributes are the attributes of an entry but for its key.
func entryAttributes(k *schema.Kind) []schema.Attribute {
	out := make([]schema.Attribute, 0, len(k.Attributes))
	for _, a := range k.Attributes {
		if a.Name != k.Fan.Key {
			out = append(out, a)
		}
	}
	return out
}
