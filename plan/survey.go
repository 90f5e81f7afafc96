package plan

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Survey is what the files declare and the state remembers, made ready to be paired with what Atlas has. Reading
// Atlas takes several rounds, and each asks the same files and the same state what is still missing.
type Survey struct{ declared *builder }

// NewSurvey normalizes what the input declares. Its Live and its Facts do not count.
func NewSurvey(in Input) *Survey {
	in.Live = schema.NewLive(nil, nil)
	b := &builder{in: in, byAddr: map[schema.Address]*node{}, bounds: map[schema.Address]*schema.Bound{},
		from: map[schema.Address]schema.Address{}, boundAt: map[identity]schema.Address{},
		explains: map[schema.Address][]schema.Intent{}, begun: map[schema.Address]bool{}}
	for _, i := range in.Prior.Intents {
		b.begun[i.Address] = true
		if i.Armed {
			b.explains[i.Address] = append(b.explains[i.Address], i)
		}
	}
	b.move()
	b.declare()
	return &Survey{b}
}

// Pairing is what the files declare and the state remembers, each with its object in Atlas as far as that was read.
// It answers what comes before a plan: what is still to be read, and what the files' references stand for.
type Pairing struct{ b *builder }

// Pair pairs everything with what was read so far; nothing was read of a nil Live.
func (s *Survey) Pair(live *schema.Live) *Pairing {
	b := *s.declared // what it remembers of the state is shared and does not change any more
	if live != nil {
		b.in.Live = live
	}
	b.nodes, b.byAddr = slices.Clone(b.nodes), make(map[schema.Address]*node, len(b.nodes))
	copies := make([]node, len(b.nodes))
	for i, n := range b.nodes {
		copies[i] = *n
		b.nodes[i], b.byAddr[n.address] = &copies[i], &copies[i]
	}
	for _, n := range b.nodes {
		if n.parent != nil {
			n.parent = b.byAddr[n.parent.address]
		}
	}
	b.claims, b.inside = make(map[identity]*node, len(b.nodes)), map[insideKey]*schema.Object{}
	b.diags = slices.Clone(b.diags)
	b.indexPlaces()
	b.pair()
	b.orphans()
	b.recall()
	b.leftBehind()
	return &Pairing{&b}
}

// Values returns the live value of every declared address that has one: what the language's references to computed
// values stand for (R40).
func (p *Pairing) Values() map[schema.Address]cty.Value {
	out := make(map[schema.Address]cty.Value, len(p.b.nodes))
	for _, n := range p.b.nodes {
		switch {
		case n.desired == nil:
		case n.upgrade != nil, p.b.becomesAnother(n): // only Atlas can tell what it will be
		case n.live != nil:
			out[n.address] = n.live.Value
		case n.kind.Once && n.bound != nil && n.gone && !p.b.asked(n):
			out[n.address] = n.lastKnown()
		}
	}
	return out
}

// Absent returns the objects that the state remembers and that the lists which were read lack, by address. The
// caller asks for them once more before a plan may call them gone (R5, R7).
func (p *Pairing) Absent() []Lookup {
	b := p.b
	var out []Lookup
	for _, a := range b.remembered {
		bound := b.bounds[a]
		kind := b.in.Catalog.Kind(bound.Kind)
		if kind == nil {
			continue
		}
		if _, read := b.in.Live.Sweep(bound.Connection, bound.Kind, bound.Place); !read {
			continue
		}
		if _, there := b.liveOf(bound); !there {
			out = append(out, Lookup{Connection: bound.Connection, Kind: kind, Place: bound.Place, ID: bound.ID, Key: bound.Key, Address: a})
		}
	}
	return out
}

// Lookups says what became of the lookups.
type Lookups struct {
	// Found are the values of looked-up objects by the lookup's address.
	Found map[schema.Address]cty.Value
	// Late are the lookups that can be read only once this plan is applied: what they refer to, or live in, is made by it.
	Late map[schema.Address]bool
	// Missing has an error for each other lookup that finds nothing.
	Missing diag.List
}

// Lookups returns what became of the lookups. Nothing is looked up for a destruction.
func (p *Pairing) Lookups() Lookups { return p.b.lookups() }

func (b *builder) lookups() Lookups {
	out := Lookups{Found: map[schema.Address]cty.Value{}, Late: map[schema.Address]bool{}}
	if b.in.Options.Destroy {
		return out
	}
	var open []*schema.Lookup
	for i := range b.in.Desired.Lookups {
		l := &b.in.Desired.Lookups[i]
		kind := b.in.Catalog.Kind(l.Kind)
		if kind == nil {
			continue
		}
		if o, ok := b.look(kind, l, b.lookupPlace(kind, l)); ok && l.Open == "" {
			out.Found[l.Address] = o.Value
		} else {
			open = append(open, l)
		}
	}
	for more := true; more; { // what a late lookup tells is late as well
		more = false
		for _, l := range open {
			if !out.Late[l.Address] && b.late(l, out.Late) {
				out.Late[l.Address], more = true, true
			}
		}
	}
	for _, l := range open {
		if kind := b.in.Catalog.Kind(l.Kind); !out.Late[l.Address] {
			out.Missing.Add(b.notFound(kind, l, b.lookupPlace(kind, l)).On(string(l.Address)).At(l.Range))
		}
	}
	return out
}
