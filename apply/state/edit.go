package state

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agext/levenshtein"

	"mercator/schema"
)

// The changes that people make to a state by hand (mercator state mv, rm, bind, own, push). Each returns a new
// state, or an error that says why it would be wrong, and calls nothing.

// Move renames what is remembered at from, a resource, a block with its instances or a module, and all that
// lives inside, to the same places under to. Objects stay where they are in Atlas.
func Move(s *State, from, to schema.Address) (*State, error) {
	moved := inside(s, from)
	switch {
	case from == to:
		return nil, fmt.Errorf("%s would be moved to itself", from)
	case len(moved) == 0:
		return nil, notFound(s, from)
	case from.Kind() != to.Kind():
		return nil, fmt.Errorf("%s is a %s and cannot become a %s", from, from.Kind(), to.Kind())
	case from.Contains(to) && len(from.Steps()) != len(to.Steps()):
		return nil, fmt.Errorf("%s would be moved into itself", from)
	}
	if err := noIntents(s, "moved", moved); err != nil {
		return nil, err
	}
	next := s.Clone()
	for _, old := range moved {
		delete(next.Resources, old)
	}
	for _, old := range moved {
		b := *s.Resources[old]
		b.Address = to + old[len(from):]
		if next.Resources[b.Address] != nil {
			return nil, fmt.Errorf("%s cannot be moved to %s: something is remembered there; move or remove it first", old, b.Address)
		}
		next.Resources[b.Address] = &b
	}
	follow(next, func(a schema.Address) schema.Address {
		if isInside(s, from, a) {
			return to + a[len(from):]
		}
		return a
	})
	return next, nil
}

// follow lets the recorded dependencies name what moved by its new address.
func follow(s *State, renamed func(schema.Address) schema.Address) {
	for address, b := range s.Resources {
		dependencies := slices.Clone(b.Dependencies)
		for i, d := range dependencies {
			dependencies[i] = renamed(d)
		}
		if !slices.Equal(dependencies, b.Dependencies) {
			changed := *b
			changed.Dependencies = dependencies
			s.Resources[address] = &changed
		}
	}
}

// Remove forgets what is remembered at an address, a resource, a block with its instances or a module, and all
// that lives inside, and returns the addresses of that, sorted. Nothing is deleted in Atlas.
func Remove(s *State, address schema.Address) (*State, []schema.Address, error) {
	removed := inside(s, address)
	if len(removed) == 0 {
		return nil, nil, notFound(s, address)
	}
	if err := noIntents(s, "removed", removed); err != nil {
		return nil, nil, err
	}
	next := s.Clone()
	for _, a := range removed {
		delete(next.Resources, a)
	}
	return next, removed, nil
}

// Bind remembers an object under an address (R3): b is the object as read from Atlas. The address must be free,
// or the object's already, which then is bound again by its present id (R2); the object must not be remembered
// under another address (R1).
func Bind(s *State, b *schema.Bound) (*State, error) {
	if b.Address.Kind() != b.Kind {
		return nil, fmt.Errorf("%s names a %s and cannot be bound to a %s", b.Address, b.Address.Kind(), b.Kind)
	}
	if err := noIntents(s, "bound", []schema.Address{b.Address}); err != nil {
		return nil, err
	}
	for _, address := range slices.Sorted(maps.Keys(s.Resources)) {
		if address != b.Address && same(s.Resources[address], b) {
			return nil, fmt.Errorf("%s is bound to %s already; rename that with: mercator state mv '%s' '%s'",
				name(b), address, address, b.Address)
		}
	}
	bound := *b
	if old := s.Resources[b.Address]; old != nil {
		if !same(old, b) {
			return nil, fmt.Errorf("%s is bound to another object, %s; if that is wrong, forget it first: mercator state rm '%s'",
				b.Address, name(old), b.Address)
		}
		bound = *old
		bound.ID, bound.Key = b.ID, b.Key
	}
	next := s.Clone()
	next.Resources[b.Address] = &bound
	return next, nil
}

// same reports whether two bindings are to one object: in the same place, with one id or one natural key.
func same(a, b *schema.Bound) bool {
	return a.Kind == b.Kind && a.Connection == b.Connection && a.Place == b.Place &&
		(a.ID != "" && a.ID == b.ID || a.Key != "" && a.Key == b.Key)
}

func name(b *schema.Bound) string {
	if b.ID != "" {
		return fmt.Sprintf("the %s with the id %s", b.Kind, b.ID)
	}
	return fmt.Sprintf("the %s %q", b.Kind, b.Key)
}

// Own makes what was adopted at an address, a resource or a block with its instances, Mercator's own, so that it
// is deleted when it is no longer declared (R31). It returns the addresses that were not owned before, sorted.
// What lives inside is not meant.
func Own(s *State, address schema.Address) (*State, []schema.Address, error) {
	next := s.Clone()
	found := false
	var owned []schema.Address
	for _, a := range slices.Sorted(maps.Keys(s.Resources)) {
		if !address.Covers(a) {
			continue
		}
		found = true
		if s.Resources[a].Adopted {
			b := *s.Resources[a]
			b.Adopted = false
			next.Resources[a] = &b
			owned = append(owned, a)
		}
	}
	if !found {
		return nil, nil, notFound(s, address)
	}
	if err := noIntents(s, "owned", owned); err != nil {
		return nil, nil, err
	}
	return next, owned, nil
}

// Push returns the state to write when pushed is to take the place of current: its content, as the successor of
// what is there. It refuses a state with another lineage, one that is older, and another one with the same
// serial, since each would undo what was recorded since. It also refuses one that does not know of what an apply that
// did not finish was about to do: that would be forgotten. force allows all of it.
func Push(catalog *schema.Catalog, current, pushed *State, force bool) (*State, error) {
	if !force {
		if err := pushable(catalog, current, pushed); err != nil {
			return nil, err
		}
	}
	next := pushed.Clone()
	next.Lineage, next.Serial = current.Lineage, current.Serial
	next.Intents = slices.DeleteFunc(next.Intents, func(i Intent) bool { return !i.Armed })
	return next, nil
}

// unknownTo returns an open intent of one state that another one does not know of, nil where there is none.
func unknownTo(other, s *State) *Intent {
	for i := range s.Intents {
		if !slices.ContainsFunc(other.Intents, func(known Intent) bool { return known.ID == s.Intents[i].ID }) {
			return &s.Intents[i]
		}
	}
	return nil
}

// Rollback returns the state to write when the contents of an earlier one are to be the present ones again. What an
// apply that did not finish was about to do is not forgotten by it: that is refused.
func Rollback(current, earlier *State) (*State, error) {
	if len(current.Intents) > 0 {
		return nil, errors.New("an apply did not finish, and what it was about to do would be forgotten; run mercator apply first")
	}
	next := earlier.Clone()
	next.Lineage, next.Serial, next.Intents = current.Lineage, current.Serial, nil
	return next, nil
}

func pushable(catalog *schema.Catalog, current, pushed *State) error {
	unknown := unknownTo(pushed, current)
	switch {
	case current.Lineage == "" && unknown == nil:
		return nil
	case pushed.Lineage != current.Lineage && current.Lineage != "":
		return fmt.Errorf("the lineages differ: %q is there and %q was given, so the two states have nothing to do with each other",
			current.Lineage, pushed.Lineage)
	case pushed.Serial < current.Serial:
		return fmt.Errorf("the given state is older: serial %d, and %d is there", pushed.Serial, current.Serial)
	case unknown != nil:
		return fmt.Errorf("an apply did not finish, and the given state does not know what it was about to do (to %s %s); run mercator apply first",
			unknown.Verb, unknown.Address)
	case pushed.Serial > current.Serial:
		return nil
	}
	there, err1 := Encode(catalog, current)
	given, err2 := Encode(catalog, pushed)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !bytes.Equal(there, given) {
		return fmt.Errorf("both states have serial %d and different contents, so one was changed by hand; "+
			"pull the current one, change that and raise its serial", current.Serial)
	}
	return nil
}

// inside returns what is remembered at and inside an address, sorted.
func inside(s *State, address schema.Address) []schema.Address {
	var found []schema.Address
	for a := range s.Resources {
		if isInside(s, address, a) {
			found = append(found, a)
		}
	}
	slices.Sort(found)
	return found
}

// isInside reports whether a is at or inside an address. Where that is a resource's own, instances of the same
// name are others.
func isInside(s *State, address, a schema.Address) bool {
	if !address.Contains(a) {
		return false
	}
	return s.Resources[address] == nil || len(a) == len(address) || a[len(address)] == '.'
}

// noIntents refuses to touch what an unfinished apply was about to change: the next apply looks for it there.
func noIntents(s *State, verb string, addresses []schema.Address) error {
	for i := range s.Intents {
		if in := &s.Intents[i]; slices.Contains(addresses, in.Address) {
			return fmt.Errorf("%s cannot be %s: an apply that did not finish was about to %s it; run mercator apply first",
				in.Address, verb, in.Verb)
		}
	}
	return nil
}

// notFound says that nothing is remembered at an address, and what is at the nearest one.
func notFound(s *State, address schema.Address) error {
	nearest, best := schema.Address(""), 4
	for _, a := range slices.Sorted(maps.Keys(s.Resources)) {
		if d := levenshtein.Distance(string(a), string(address), nil); d < best {
			nearest, best = a, d
		}
	}
	if nearest != "" {
		return fmt.Errorf("nothing is remembered at %s; did you mean %s?", address, nearest)
	}
	return fmt.Errorf("nothing is remembered at %s; mercator state list shows what is", address)
}
