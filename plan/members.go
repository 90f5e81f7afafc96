package plan

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Member is one element of a list that is written by its elements: to be added (Live is NilVal), changed, or removed
// (Desired is NilVal).
type Member struct{ Desired, Live cty.Value }

// Same reports whether the same is to be done about the same element.
func (m Member) Same(other Member) bool {
	same := func(a, b cty.Value) bool {
		if a == cty.NilVal || b == cty.NilVal {
			return a == b
		}
		return a.RawEquals(b)
	}
	return same(m.Desired, other.Desired) && same(m.Live, other.Live)
}

// Members returns what there is to do to a list that is written by its elements, in the order in which nothing is
// missing in between: what is added, what changes, what is removed.
func Members(kind *schema.Kind, part *schema.Part, desired, live cty.Value) []Member {
	a := part.List(kind)
	c := comparison{kind: kind}
	ds, ls := elements(part.Elements(desired)), elements(part.Elements(live))
	var added, changed, removed []Member
	for _, p := range c.pairElements(a, ds, ls, attributePath{plain: a.Name, user: a.Name}) {
		switch {
		case p.live < 0:
			added = append(added, Member{Desired: ds[p.desired]})
		case p.desired < 0:
			removed = append(removed, Member{Live: ls[p.live]})
		case c.sameElement(a, ds[p.desired], ls[p.live], attributePath{plain: a.Name, user: a.Name}):
		case a.Elem.Key == nil: // nothing says that it is the same one
			added = append(added, Member{Desired: ds[p.desired]})
			removed = append(removed, Member{Live: ls[p.live]})
		default:
			changed = append(changed, Member{ds[p.desired], ls[p.live]})
		}
	}
	return append(append(added, changed...), removed...)
}
