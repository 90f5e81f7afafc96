package config

import (
	"slices"
	"strings"

	"mercator/schema"
	"mercator/schema/diag"
)

// circles reports resources that need each other through depends_on: what evaluation does not go through.
func (e *Evaluation) circles() {
	if e.diags.HasErrors() {
		return // a circle of values is reported already and would be told twice
	}
	s := search{e: e, state: map[schema.Address]int{}, inside: map[schema.Address][]schema.Address{}}
	for i := range e.Desired.Resources {
		addr := e.Desired.Resources[i].Address
		for block := addr.Block(); ; block = block.Block() {
			s.inside[block] = append(s.inside[block], addr)
			if block == block.Block() {
				break
			}
		}
	}
	for i := range e.Desired.Resources {
		s.visit(e.Desired.Resources[i].Address)
	}
}

// search is a depth-first search along the edges.
type search struct {
	e     *Evaluation
	state map[schema.Address]int // 0 new, 1 on the path, 2 done
	path  []schema.Address
	// inside are the resources that a block's address covers.
	inside map[schema.Address][]schema.Address
}

func (s *search) visit(addr schema.Address) {
	switch s.state[addr] {
	case 1:
		s.report(s.path[slices.Index(s.path, addr):])
		return
	case 2:
		return
	}
	s.state[addr] = 1
	s.path = append(s.path, addr)
	if i, ok := s.e.resources[addr]; ok {
		r := &s.e.Desired.Resources[i]
		if r.Parent.Address != "" {
			s.visit(r.Parent.Address)
		}
		for _, dep := range r.DependsOn {
			s.visit(dep)
		}
	} else {
		for _, inner := range s.inside[addr] {
			s.visit(inner)
		}
	}
	s.path = s.path[:len(s.path)-1]
	s.state[addr] = 2
}

func (s *search) report(members []schema.Address) {
	members = slices.DeleteFunc(slices.Clone(members), func(m schema.Address) bool {
		_, is := s.e.resources[m]
		return !is // a block that stands for its instances
	})
	first := 0
	for i, m := range members {
		if m < members[first] {
			first = i
		}
	}
	names := make([]string, 0, len(members)+1)
	for i := range members {
		names = append(names, string(members[(first+i)%len(members)]))
	}
	at := diag.Range{}
	for _, m := range members {
		if i, ok := s.e.resources[m]; ok && at.IsZero() {
			at = s.e.Desired.Resources[i].Range
		}
	}
	s.e.add(diag.Errorf(codeCycle, "Resources depend on each other in a circle",
		"%s. Remove one of the references or depends_on.", strings.Join(append(names, names[0]), " needs ")).At(at))
}
