package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// What a module holds is computed once for each instance of its block: its variables from the arguments of the call,
// as seen from outside, and its outputs as seen from inside. Values pass through both as they are, so that a resource
// keeps its address and a secret its mark.

// outputNeed is the kind of a need that names an output of a module.
const outputNeed = "output"

// outputsAsked returns which outputs of a module some references ask for, as needs; none means all.
func outputsAsked(refs []*ref, b *block) []need {
	var out []need
	for _, r := range refs {
		if r.block != b {
			continue
		}
		name := r.output()
		if name == "" {
			return nil
		}
		out = append(out, need{outputNeed, name})
	}
	return out
}

// folderOf returns a module's folder relative to the root's.
func folderOf(home *instance) string {
	if home == nil {
		return "."
	}
	return home.block.content.dir
}

// inModule puts the module's address before a name.
func inModule(home *instance, name string) string {
	if home == nil {
		return name
	}
	return string(home.addr) + "." + name
}

// enter evaluates everything in one instance of a module; home is nil for the root.
func (e *Evaluation) enter(m *module, home *instance) {
	if home != nil {
		e.checkInputs(m, home)
	}
	for _, b := range m.roots {
		e.walk(b, nil, home)
	}
	for _, name := range sortedKeys(m.locals) {
		e.local(m.locals[name], home, nil)
	}
	if home == nil {
		return // its outputs are looked at with what is special about them
	}
	for _, o := range m.outputs {
		e.output(o, home, nil)
		e.check(o.preconditions, frame{home: home}, codePrecondition, checked{schema.CheckOutput, inModule(home, o.name)})
	}
}

// checkInputs evaluates the variables of an instance of a module and runs their validations.
func (e *Evaluation) checkInputs(m *module, home *instance) {
	for _, name := range sortedKeys(m.variables) {
		if v := e.input(m.variables[name], home, nil); !v.HasMark(failure{}) {
			e.check(m.variables[name].validations, frame{home: home}, codeValidation, checked{schema.CheckVariable, inModule(home, name)})
		}
	}
}

// variables returns the object of the variables that some references name.
func (e *Evaluation) variables(refs []*ref, needs []need, home *instance) cty.Value {
	if home == nil {
		return e.cfg.varValues
	}
	values := make(map[string]cty.Value, len(refs))
	for _, r := range refs {
		if _, ok := values[r.name]; !ok {
			values[r.name] = e.input(home.block.content.variables[r.name], home, needs)
		}
	}
	return cty.ObjectVal(values)
}

// input returns the value of a module's variable: the call's argument or the default, converted and marked.
func (e *Evaluation) input(v *variable, home *instance, needs []need) cty.Value {
	x := home.block.inputs[v.name]
	if x == nil {
		if v.fallback == cty.NilVal {
			return failed // which is reported
		}
		return v.conceal(v.fallback)
	}
	return remember(e, needed[*variable]{v, needsKey(needs), home}, inputMemos, func() cty.Value {
		f := home.frame()
		f.needs = needs
		value, clean := e.eval(x, f)
		if !clean {
			return failed
		}
		return v.conceal(e.accept(v, x, home, value))
	})
}

// conceal marks the value of a sensitive variable.
func (v *variable) conceal(value cty.Value) cty.Value {
	if v.sensitive {
		return value.Mark(schema.Sensitive)
	}
	return value
}

// accept converts an argument to its variable's type.
func (e *Evaluation) accept(v *variable, x *expr, home *instance, value cty.Value) cty.Value {
	if value.HasMark(failure{}) {
		return failed
	}
	converted, err := v.convert(value)
	at := rangeOf(x.Range())
	switch {
	case err != nil:
		e.add(diag.Errorf(codeVariableValue, fmt.Sprintf("%q does not have the type of the module's variable", v.name),
			"%s.", typeMismatch(err, v, v.sensitive || value.HasMarkDeep(schema.Sensitive))).At(mismatchAt(err, x.Expression)).On(string(home.addr)))
		return failed
	case converted.IsKnown() && converted.IsNull() && !v.nullable:
		if v.fallback != cty.NilVal {
			return v.fallback
		}
		e.add(diag.Errorf(codeVariableValue, fmt.Sprintf("%q is null", v.name),
			"The module's variable at %s is not nullable and has no default; give it a value of type %s.", v.rng, typeexpr.TypeString(v.ty)).
			At(at).On(string(home.addr)))
		return failed
	default:
		return converted
	}
}

// output returns the value of an output as seen from outside of an instance of its module.
func (e *Evaluation) output(o *output, home *instance, needs []need) cty.Value {
	return remember(e, needed[*output]{o, needsKey(needs), home}, outputMemos, func() cty.Value {
		v, _ := e.eval(o.value, frame{home: home, needs: needs})
		if o.sensitive && home != nil {
			v = v.Mark(schema.Sensitive)
		}
		return v
	})
}

// moduleObject returns an instance of a module with those of its outputs that are asked for.
func (e *Evaluation) moduleObject(inst *instance, needs []need) cty.Value {
	var inside []need // what is asked for in the outputs' values
	asked := map[string]bool{}
	for _, n := range needs {
		if n.kind == outputNeed {
			asked[n.label] = true
		} else {
			inside = append(inside, n)
		}
	}
	values := map[string]cty.Value{}
	for _, o := range inst.block.content.outputs {
		if len(asked) == 0 || asked[o.name] {
			values[o.name] = e.output(o, inst, inside)
		}
	}
	return cty.ObjectVal(values)
}

// callEdges returns what the call of an instance of a module depends on, and everything in it therefore.
func (e *Evaluation) callEdges(home *instance) edges {
	m := e.calls[home]
	if m == nil && e.base != nil {
		m = e.base.calls[home] // what depends on what does not change during a run
	}
	if m == nil {
		m = &callMemo{edges: edges{}}
		m.tainted = e.taints(func() {
			m.edges.join(home.group.edges)
			e.dependsOn(home.block, home.frame(), &m.edges)
		})
		e.calls[home] = m
	}
	e.tainted = e.tainted || m.tainted
	return m.edges
}

// dependInside adds everything that a block stands for, what lives inside it included.
func (e *Evaluation) dependInside(out *edges, b *block, outer, home *instance) {
	if b.lookup {
		return
	}
	for i, inst := range e.group(b, outer, home).instances {
		if b.content != nil {
			for _, c := range b.content.roots {
				e.dependInside(out, c, nil, inst)
			}
			continue
		}
		if i == 0 {
			out.put(inst.addr.Block())
		}
		for _, c := range b.children {
			e.dependInside(out, c, inst, home)
		}
	}
}
