package sandbox

import (
	"maps"
	"slices"
	"strconv"
)

// self is the link of an object to itself.
func self(href string) object { return object{"href": href, "rel": "self"} }

// shuffled returns the list in another order than it was written in, as Atlas does for lists whose order
// has no meaning. The order depends on the seed and on whose list it is; with the option Restless it
// is another one on every read.
func (s *Server) shuffled(elements []any, owner ...string) []any {
	if len(elements) < 2 {
		return elements
	}
	seed := s.opts.Seed
	if s.opts.Restless {
		s.reads++
		seed += s.reads
	}
	type place struct {
		rank uint64
		from int
	}
	places := make([]place, len(elements))
	for i := range elements {
		places[i] = place{hash64(seed, append(owner, strconv.Itoa(i))...), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.rank < b.rank {
			return -1
		}
		return 1
	})
	if slices.IsSortedFunc(places, func(a, b place) int { return a.from - b.from }) {
		slices.Reverse(places)
	}
	out := make([]any, len(elements))
	for i, p := range places {
		out[i] = elements[p.from]
	}
	return out
}

// view is the document of an object as an answer shows it: a shallow copy with the named lists in
// another order and the given links.
func (s *Server) view(doc object, owner string, links []any, lists ...string) object {
	out := maps.Clone(doc)
	for _, name := range lists {
		if l, ok := out[name].([]any); ok {
			out[name] = s.shuffled(l, owner, name)
		}
	}
	if links != nil {
		out["links"] = links
	}
	return out
}

// servePage answers a page of an index.
func servePage(c *call, x *index[*item], view func(*item) any, own ...string) *apiError {
	p, err := readPage(c.req.URL.Query(), own...)
	if err != nil {
		return err
	}
	var results []any
	for _, it := range x.between(p.bounds(x.len())) {
		results = append(results, view(it))
	}
	c.out = p.envelope(c.path(), results, x.len(), 0)
	return nil
}
