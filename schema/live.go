package schema

import (
	"cmp"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// Live is what Atlas held when it was read: whole lists, each of one kind in one place of one connection, and
// the Parts that were read besides. It does not change after it is made, so it may be shared. A list that was
// not read is told apart from an empty one; nothing was read of a nil Live.
type Live struct {
	sweeps map[sweepName]*sweepIndex
	parts  map[partName]cty.Value
}

// LiveSweep is one whole list as read.
type LiveSweep struct {
	Connection string
	Kind       string
	Place      Place
	Objects    []Object
}

// LivePart is one Part as read; ID or Key names its object within the place, whichever it has. A singleton has neither.
type LivePart struct {
	Connection string
	Kind       string
	Place      Place
	ID, Key    string
	Attribute  string
	Value      cty.Value
}

type sweepName struct {
	connection, kind string
	place            Place
}

type partName struct {
	sweep         sweepName
	id, key, attr string
}

type sweepIndex struct {
	objects     []Object
	byID, byKey map[string]int
}

// NewLive makes a Live. Of two sweeps of the same place or two parts of the same object the later one counts.
// Parts are entered in their objects' values.
func NewLive(sweeps []LiveSweep, parts []LivePart) *Live {
	l := &Live{sweeps: map[sweepName]*sweepIndex{}, parts: map[partName]cty.Value{}}
	for _, s := range sweeps {
		l.sweeps[sweepName{s.Connection, s.Kind, s.Place}] = &sweepIndex{objects: slices.Clone(s.Objects)}
	}
	for _, p := range parts {
		l.parts[partName{sweepName{p.Connection, p.Kind, p.Place}, p.ID, p.Key, p.Attribute}] = p.Value
	}
	l.finish()
	return l
}

// Merge returns what both hold; where both hold the same list or part, o's counts.
func (l *Live) Merge(o *Live) *Live {
	out := &Live{sweeps: map[sweepName]*sweepIndex{}, parts: map[partName]cty.Value{}}
	for _, from := range []*Live{l, o} {
		if from == nil {
			continue
		}
		maps.Copy(out.parts, from.parts)
		for name, s := range from.sweeps {
			out.sweeps[name] = &sweepIndex{objects: slices.Clone(s.objects)}
		}
	}
	out.finish()
	return out
}

// finish sorts, builds the indices and enters the parts.
func (l *Live) finish() {
	for _, s := range l.sweeps {
		slices.SortStableFunc(s.objects, func(a, b Object) int {
			return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Key, b.Key))
		})
		s.byID, s.byKey = make(map[string]int, len(s.objects)), make(map[string]int, len(s.objects))
		for i, o := range s.objects {
			if _, taken := s.byID[o.ID]; o.ID != "" && !taken {
				s.byID[o.ID] = i
			}
			if _, taken := s.byKey[o.Key]; o.Key != "" && !taken {
				s.byKey[o.Key] = i
			}
		}
	}
	for name, value := range l.parts {
		if s := l.sweeps[name.sweep]; s != nil {
			if i, ok := s.find(name.id, name.key); ok {
				s.objects[i] = s.objects[i].WithPart(name.attr, value)
			}
		}
	}
}

// find returns the object of an id or key; one of which there is only one has neither.
func (s *sweepIndex) find(id, key string) (int, bool) {
	if id == "" && key == "" {
		return 0, len(s.objects) == 1 && s.objects[0].ID == "" && s.objects[0].Key == ""
	}
	if i, ok := s.byID[id]; ok {
		return i, true
	}
	i, ok := s.byKey[key]
	return i, ok
}

// WithPart returns the object with the value of one of its Parts entered.
func (o Object) WithPart(attribute string, value cty.Value) Object {
	values := o.Value.AsValueMap()
	values[attribute] = value
	o.Value = cty.ObjectVal(values)
	parts := maps.Clone(o.Parts)
	if parts == nil {
		parts = map[string]bool{}
	}
	parts[attribute] = true
	o.Parts = parts
	return o
}

func (l *Live) index(connection, kind string, place Place) *sweepIndex {
	if l == nil {
		return nil
	}
	return l.sweeps[sweepName{connection, kind, place}]
}

// Sweep returns the objects of a kind in a place, sorted by id and key, and whether that list was read. The
// slice must not be changed.
func (l *Live) Sweep(connection, kind string, place Place) (objects []Object, ok bool) {
	s := l.index(connection, kind, place)
	if s == nil {
		return nil, false
	}
	return s.objects, true
}

// ByID returns the object with an Atlas id from a list that was read.
func (l *Live) ByID(connection, kind string, place Place, id string) (Object, bool) {
	if s := l.index(connection, kind, place); s != nil {
		if i, ok := s.byID[id]; ok {
			return s.objects[i], true
		}
	}
	return Object{}, false
}

// ByKey returns the object with a natural key in canonical form from a list that was read; the first by id
// where several share it.
func (l *Live) ByKey(connection, kind string, place Place, key string) (Object, bool) {
	if s := l.index(connection, kind, place); s != nil {
		if i, ok := s.byKey[key]; ok {
			return s.objects[i], true
		}
	}
	return Object{}, false
}

// Sweeps returns every list that was read, by connection, kind and place.
func (l *Live) Sweeps() []LiveSweep {
	if l == nil {
		return nil
	}
	out := make([]LiveSweep, 0, len(l.sweeps))
	for name, s := range l.sweeps {
		out = append(out, LiveSweep{name.connection, name.kind, name.place, s.objects})
	}
	slices.SortFunc(out, func(a, b LiveSweep) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Place, b.Place))
	})
	return out
}

// Len returns the number of objects in all lists.
func (l *Live) Len() int {
	n := 0
	for _, s := range l.Sweeps() {
		n += len(s.Objects)
	}
	return n
}
