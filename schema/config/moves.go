package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
	"mercator/schema/diag"
)

// addresses fills in moves, removals and imports and holds them against what is declared.
func (e *Evaluation) addresses() {
	var declared map[schema.Address]bool
	e.eachHome(e.cfg.root, nil, func(m *module, home *instance) {
		if declared == nil && len(m.moves)+len(m.removals) > 0 {
			declared = e.declared()
		}
		for _, move := range m.moves {
			e.move(move, home, declared)
		}
		for _, r := range m.removals {
			e.removal(r, home, declared)
		}
	})
	e.checkMoves()
	targets := map[schema.Address]diag.Range{}
	for _, i := range e.cfg.imports {
		for _, inst := range e.group(i.block, nil, nil).instances {
			e.imported(i, inst.frame(), targets)
		}
	}
}

// eachHome calls f for every instance of every module, outer ones first; home is nil for the root.
func (e *Evaluation) eachHome(m *module, home *instance, f func(*module, *instance)) {
	f(m, home)
	for _, b := range m.roots {
		if b.content != nil {
			for _, inst := range e.group(b, nil, home).instances {
				e.eachHome(b.content, inst, f)
			}
		}
	}
}

func (e *Evaluation) move(m *moveDecl, home *instance, declared map[schema.Address]bool) {
	from, ok := e.address(m.from, frame{home: home})
	to, okTo := e.address(m.to, frame{home: home})
	if !ok || !okTo {
		return
	}
	_, exact := e.index[from]
	switch {
	case from.Kind() != to.Kind() && !e.becomes(from.Kind(), to.Kind()):
		e.add(diag.Errorf(codeInvalidAddress, "A move cannot change the kind",
			"%s and %s are of different kinds.", from, to).At(m.rng))
	case from == to:
		e.add(diag.Errorf(codeInvalidAddress, "The move leads nowhere", "Both addresses are %s.", to).At(m.rng))
	case from.Contains(to) && len(from.Steps()) != len(to.Steps()):
		e.add(diag.Errorf(codeInvalidAddress, "The move leads into itself", "%s is inside of %s.", to, from).At(m.rng))
	case exact || declared[from] && !from.Contains(to): // a move may give what was single a key
		e.add(diag.Errorf(codeStillDeclared, "What was moved is still declared",
			"%s exists in the files. Remove its block, or the moved block.", from).At(m.rng))
	default:
		e.Desired.Moves = append(e.Desired.Moves, schema.Move{From: from, To: to, Range: m.rng})
	}
}

// becomes reports whether objects of one kind can be upgraded to another.
func (e *Evaluation) becomes(from, to string) bool {
	kind := e.cfg.options.Catalog.Kind(to)
	return kind != nil && slices.ContainsFunc(kind.Upgrades, func(u schema.Upgrade) bool { return u.From == from })
}

// checkMoves looks for moves that contradict each other.
func (e *Evaluation) checkMoves() {
	from := map[schema.Address]schema.Move{}
	for _, m := range e.Desired.Moves {
		if old, twice := from[m.From]; twice && old.To != m.To {
			e.add(diag.Errorf(codeInvalidAddress, "Two moves start at one address",
				"%s moves to %s at %s already.", m.From, old.To, old.Range).At(m.Range))
		}
		from[m.From] = m
	}
	for _, first := range e.Desired.Moves {
		names := []string{string(first.From)}
		for m, ok := first, true; ok && len(names) <= len(from); m, ok = from[m.To] {
			if names = append(names, string(m.To)); m.To == first.From {
				e.add(diag.Errorf(codeCycle, "Moves go round in a circle",
					"%s. Keep the one that leads to where the object is now.", strings.Join(names, " moves to ")).At(first.Range))
				return
			}
		}
	}
}

func (e *Evaluation) removal(r *removalDecl, home *instance, declared map[schema.Address]bool) {
	from, ok := e.address(r.from, frame{home: home})
	if !ok {
		return
	}
	destroy := true
	if r.destroy != nil {
		destroy = e.truth(r.destroy, home, "destroy", true)
	}
	if declared[from] {
		e.add(diag.Errorf(codeStillDeclared, "What was removed is still declared",
			"%s exists in the files. Remove its block, or the removed block.", from).At(r.rng))
		return
	}
	e.Desired.Removals = append(e.Desired.Removals, schema.Removal{From: from, Destroy: destroy, Range: r.rng})
}

func (e *Evaluation) imported(i *importDecl, f frame, targets map[schema.Address]diag.Range) {
	to, ok := e.address(i.to, f)
	if !ok {
		return
	}
	if _, ok := e.resources[to]; !ok && e.incomplete {
		return
	} else if !ok {
		e.add(diag.Errorf(codeImportTarget, "The import has no target",
			"%s is not declared; write its block, with its key where it is repeated.", to).At(i.to.rng))
		return
	}
	if first, twice := targets[to]; twice {
		e.add(diag.Errorf(codeImportTarget, "Two imports have one target", "%s is imported at %s already.", to, first).At(i.to.rng))
		return
	}
	targets[to] = i.to.rng
	if id, ok := e.identity(i, to, f); ok {
		e.Desired.Imports = append(e.Desired.Imports, schema.Import{To: to, ID: id, Range: i.rng})
	}
}

// declared returns the addresses that are declared: those of resources and modules, and of blocks that stand for
// several.
func (e *Evaluation) declared() map[schema.Address]bool {
	out := make(map[schema.Address]bool, len(e.index))
	for addr := range e.index {
		for {
			out[addr] = true
			block := addr.Block()
			if block == addr {
				break
			}
			addr = block
		}
	}
	return out
}

func (e *Evaluation) truth(x *expr, home *instance, name string, otherwise bool) bool {
	v, clean := e.eval(x, frame{home: home})
	if !clean {
		return otherwise
	}
	v, marks := v.UnmarkDeep()
	if failedIn(marks) {
		return otherwise
	}
	converted, err := convert.Convert(v, cty.Bool)
	if err != nil || !converted.IsKnown() || converted.IsNull() {
		e.add(diag.Errorf(codeWrongType, fmt.Sprintf("%s is not true or false", name), "Found %s. "+trueOrFalse, describe(v, true)).At(rangeOf(x.Range())))
		return otherwise
	}
	return converted.True()
}

// identity reads an import's id: a text, or an object of natural key attributes.
func (e *Evaluation) identity(i *importDecl, to schema.Address, f frame) (map[string]string, bool) {
	v, clean := e.eval(i.id, f)
	if !clean {
		return nil, false
	}
	at := rangeOf(i.id.Range())
	v, marks := v.UnmarkDeep()
	if failedIn(marks) {
		return nil, false
	}
	if _, secret := marks[schema.Sensitive]; secret {
		e.add(diag.Errorf(codeSensitiveKey, "The id is sensitive", "It is shown and stored. Write nonsensitive(...) if it is no secret.").At(at))
		return nil, false
	}
	k := e.cfg.options.Catalog.Kind(to.Kind())
	wrong := func() (map[string]string, bool) {
		e.add(diag.Errorf(codeWrongType, "The id is not a text or an object",
			"Found %s; write the id in Atlas, or an object with the natural key, for example { %s = \"...\" }.",
			describe(v, false), firstOr(k.Identity.Key, "id")).At(at))
		return nil, false
	}
	switch {
	case !v.IsWhollyKnown() || v.IsNull():
		return wrong()
	case v.Type() == cty.String:
		return map[string]string{"id": v.AsString()}, true
	case !v.Type().IsObjectType() && !v.Type().IsMapType():
		return wrong()
	}
	out := map[string]string{}
	for it := v.ElementIterator(); it.Next(); {
		name, el := it.Element()
		text, err := convert.Convert(el, cty.String)
		if err != nil || text.IsNull() {
			return wrong()
		}
		if name.AsString() != "id" && k.Attribute(name.AsString()) == nil {
			e.add(diag.Errorf(codeUnknownArgument, fmt.Sprintf("There is no argument %q", name.AsString()),
				"%s has none of that name.%s", capital(article(k.Name)), among(name.AsString(), k.Identity.Key)).At(keyRangeAt(i.id.Expression, cty.GetAttrPath(name.AsString()))))
			return nil, false
		}
		out[name.AsString()] = text.AsString()
	}
	return out, true
}

func firstOr(names []string, otherwise string) string {
	if len(names) > 0 {
		return names[0]
	}
	return otherwise
}
