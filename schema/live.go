package schema

import (
	"cmp"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// Live is what was read of Atlas: verified sweeps, and the parts of some objects. It is built once (see
// LiveBuilder) and does not change.
type Live struct {
	sweeps map[sweepKey]*sweep
}

type sweepKey struct {
	connection, kind string
	place            Place
}

type sweep struct {
	objects []Object // by ID, then Key
	byID    map[string]int
	byKey   map[string]int
}

// LiveBuilder collects what was read. It is not safe for concurrent use.
type LiveBuilder struct {
	live  *Live
	parts map[partKey]map[string]cty.Value
}

type partKey struct {
	sweepKey
	id, key string
}

// NewLive returns an empty builder.
func NewLive() *LiveBuilder {
	return &LiveBuilder{live: &Live{sweeps: map[sweepKey]*sweep{}}, parts: map[partKey]map[string]cty.Value{}}
}

// Sweep adds one whole list. It replaces an earlier one of the same connection, kind and place.
func (b *LiveBuilder) Sweep(connection, kind string, place Place, objects []Object) {
	s := &sweep{objects: slices.Clone(objects), byID: map[string]int{}, byKey: map[string]int{}}
	slices.SortFunc(s.objects, func(x, y Object) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(x.Key, y.Key))
	})
	for i, o := range s.objects {
		if o.ID != "" {
			s.byID[o.ID] = i
		}
		if o.Key != "" {
			s.byKey[o.Key] = i
		}
	}
	b.live.sweeps[sweepKey{connection, kind, place}] = s
}

// Part adds the value of one part of the object o, read from an endpoint of its own.
func (b *LiveBuilder) Part(connection string, o Object, attribute string, value cty.Value) {
	key := partKey{sweepKey{connection, o.Kind, o.Place}, o.ID, o.Key}
	if b.parts[key] == nil {
		b.parts[key] = map[string]cty.Value{}
	}
	b.parts[key][attribute] = value
}

// Merge adds everything of an earlier reading that is not read again.
func (b *LiveBuilder) Merge(l *Live) {
	for k, s := range l.sweeps {
		if _, ok := b.live.sweeps[k]; !ok {
			b.live.sweeps[k] = &sweep{slices.Clone(s.objects), s.byID, s.byKey}
		}
	}
}

// Live ends the building and returns the result.
func (b *LiveBuilder) Live() *Live {
	for key, parts := range b.parts {
		s := b.live.sweeps[key.sweepKey]
		if s == nil {
			continue
		}
		i, ok := s.byID[key.id]
		if !ok {
			if i, ok = s.byKey[key.key]; !ok {
				continue
			}
		}
		s.objects[i] = s.objects[i].withParts(parts)
	}
	live := b.live
	b.live, b.parts = nil, nil
	return live
}

func (o Object) withParts(parts map[string]cty.Value) Object {
	values := o.Value.AsValueMap()
	read := map[string]bool{}
	for name := range o.Parts {
		read[name] = true
	}
	for name, v := range parts {
		values[name] = v
		read[name] = true
	}
	o.Value = cty.ObjectVal(values)
	o.Parts = read
	return o
}

// Swept reports whether the list of a kind in a place was read.
func (l *Live) Swept(connection, kind string, place Place) bool {
	return l != nil && l.sweeps[sweepKey{connection, kind, place}] != nil
}

// Objects returns the objects of one list, by id, then by key. The slice must not be changed.
func (l *Live) Objects(connection, kind string, place Place) []Object {
	if l == nil {
		return nil
	}
	if s := l.sweeps[sweepKey{connection, kind, place}]; s != nil {
		return s.objects
	}
	return nil
}

// ByID returns the object of one list with the given id.
func (l *Live) ByID(connection, kind string, place Place, id string) (Object, bool) {
	return l.find(connection, kind, place, id, func(s *sweep) map[string]int { return s.byID })
}

// ByKey returns the object of one list with the given natural key.
func (l *Live) ByKey(connection, kind string, place Place, key string) (Object, bool) {
	return l.find(connection, kind, place, key, func(s *sweep) map[string]int { return s.byKey })
}

func (l *Live) find(connection, kind string, place Place, by string, index func(*sweep) map[string]int) (Object, bool) {
	if l == nil || by == "" {
		return Object{}, false
	}
	s := l.sweeps[sweepKey{connection, kind, place}]
	if s == nil {
		return Object{}, false
	}
	i, ok := index(s)[by]
	if !ok {
		return Object{}, false
	}
	return s.objects[i], true
}

// LivePlace names one list that was read.
type LivePlace struct {
	Connection, Kind string
	Place            Place
}

// Places returns every list that was read, sorted.
func (l *Live) Places() []LivePlace {
	if l == nil {
		return nil
	}
	out := make([]LivePlace, 0, len(l.sweeps))
	for k := range l.sweeps {
		out = append(out, LivePlace{k.connection, k.kind, k.place})
	}
	slices.SortFunc(out, func(a, b LivePlace) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
