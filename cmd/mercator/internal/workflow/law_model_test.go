package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// A configuration of the law is a value first and HCL second, so that the generator can change it and the test
// knows what it asks for without Mercator's help.

// lawObject is a JSON-like object of argument values: nil, bool, int, float64, string, []any, lawObject, lawSecret
// and lawRef.
type lawObject = map[string]any

// lawSecret is a secret text, which files read from the environment.
type lawSecret string

func (s lawSecret) variable() string { return fmt.Sprintf("LAW_%08X", lawHash(string(s))) }

// lawRef is a text that the file takes from a block beside it.
type lawRef struct {
	block     int // lawBlock.id
	key       string
	attribute string
	text      string
}

// lawBlock is one block. Its id lasts from configuration to configuration, whatever else changes.
type lawBlock struct {
	id    int
	kind  string
	label string
	// name is the natural name, "" where the label is it. With keys the instance's key is added to it.
	name string
	keys []string
	args lawObject
	// nulls are arguments that are written as null.
	nulls []string
	// protect is prevent_destroy; nil writes no lifecycle.
	protect   *bool
	exclusive []string
	outside   bool
	children  []*lawBlock
}

// lawEstate is one configuration.
type lawEstate struct {
	projects []*lawBlock
	next     int // the next block's id
}

func (e *lawEstate) clone() *lawEstate {
	out := &lawEstate{next: e.next}
	for _, p := range e.projects {
		out.projects = append(out.projects, p.clone())
	}
	return out
}

func (b *lawBlock) clone() *lawBlock {
	c := *b
	c.keys, c.nulls, c.exclusive = slices.Clone(b.keys), slices.Clone(b.nulls), slices.Clone(b.exclusive)
	c.args = lawClone(b.args).(lawObject)
	c.children = nil
	for _, child := range b.children {
		c.children = append(c.children, child.clone())
	}
	return &c
}

func lawClone(v any) any {
	switch v := v.(type) {
	case lawObject:
		out := make(lawObject, len(v))
		for k, e := range v {
			out[k] = lawClone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = lawClone(e)
		}
		return out
	}
	return v
}

// instances are the for_each keys of a block, or one empty key.
func (b *lawBlock) instances() []string {
	if b.keys == nil {
		return []string{""}
	}
	return b.keys
}

// naturalName is the name of an instance in Atlas.
func (b *lawBlock) naturalName(key string) string {
	name := b.name
	if name == "" {
		name = b.label
	}
	if b.keys != nil {
		return name + "-" + key
	}
	return name
}

// nameArgument is the argument that a label stands for.
func nameArgument(kind string) string {
	return catalog.Kind(kind).Identity.LabelIs
}

// hcl writes the configuration.
func (e *lawEstate) hcl() string {
	var b strings.Builder
	for _, p := range e.projects {
		w := lawWriter{&b, "", p, "project." + p.label}
		w.block(p)
		for _, child := range p.children {
			if child.outside {
				lawWriter{&b, "", p, ""}.block(child)
			}
		}
	}
	return b.String()
}

type lawWriter struct {
	b       *strings.Builder
	indent  string
	project *lawBlock
	parent  string
}

func (w lawWriter) line(format string, args ...any) {
	fmt.Fprintf(w.b, w.indent+format+"\n", args...)
}

func (w lawWriter) block(b *lawBlock) {
	if lawSingle(b.kind) && !b.outside {
		w.line("%s {", b.kind)
	} else {
		w.line("%s %q {", b.kind, b.label)
	}
	in := w
	in.indent += "  "
	if b.keys != nil {
		in.line("for_each = toset([%s])", strings.Join(lawMap(b.keys, strconv.Quote), ", "))
	}
	if b.outside {
		in.line("project = project.%s", w.project.label)
	}
	if arg := nameArgument(b.kind); arg != "" {
		switch {
		case b.keys != nil:
			in.line("%s = \"%s-${each.key}\"", arg, lawTemplate(strings.TrimSuffix(b.naturalName(""), "-")))
		case b.name != "":
			in.line("%s = %s", arg, in.value(b.name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.args)) {
		in.line("%s = %s", name, in.value(b.args[name]))
	}
	for _, name := range b.nulls {
		if _, set := b.args[name]; !set {
			in.line("%s = null", name)
		}
	}
	if b.exclusive != nil {
		in.line("exclusive = [%s]", strings.Join(lawMap(b.exclusive, strconv.Quote), ", "))
	}
	if b.protect != nil {
		in.line("lifecycle { prevent_destroy = %t }", *b.protect)
	}
	for _, child := range b.children {
		if !child.outside {
			in.block(child)
		}
	}
	w.line("}")
}

func (w lawWriter) value(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return `"` + lawTemplate(v) + `"`
	case lawSecret:
		return fmt.Sprintf("env(%q)", v.variable())
	case lawRef:
		for _, b := range w.project.children {
			if b.id == v.block {
				at := b.kind + "." + b.label
				if v.key != "" {
					at += "[" + strconv.Quote(v.key) + "]"
				}
				return at + "." + v.attribute
			}
		}
		return strconv.Quote(v.text)
	case []any:
		return "[" + strings.Join(lawMap(v, w.value), ", ") + "]"
	case lawObject:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, lawKey(k)+" = "+w.value(v[k]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	default:
		return fmt.Sprint(v)
	}
}

func lawTemplate(s string) string {
	q := strconv.Quote(s)
	return strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], "${", "$${"), "%{", "%%{")
}

func lawKey(k string) string {
	for i, r := range k {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return strconv.Quote(k)
		}
	}
	return k
}

func lawMap[T any](in []T, f func(T) string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func lawHash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// lawPlain returns a value with references and secrets as their texts.
func lawPlain(v any) any {
	switch v := v.(type) {
	case lawRef:
		return v.text
	case lawSecret:
		return string(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = lawPlain(e)
		}
		return out
	case lawObject:
		out := make(lawObject, len(v))
		for k, e := range v {
			out[k] = lawPlain(e)
		}
		return out
	}
	return v
}

// secrets collects the environment that a configuration reads.
func (e *lawEstate) secrets(into map[string]string) {
	for _, p := range e.projects {
		for _, b := range p.children {
			lawSecrets(b.args, into)
		}
	}
}

func lawSecrets(v any, into map[string]string) {
	switch v := v.(type) {
	case lawSecret:
		into[v.variable()] = string(v)
	case []any:
		for _, e := range v {
			lawSecrets(e, into)
		}
	case lawObject:
		for _, e := range v {
			lawSecrets(e, into)
		}
	}
}

// lawDeclared is one object that a configuration asks for.
type lawDeclared struct {
	kind, project, key string
	block              *lawBlock
	// instance tells the objects of one block apart; it lasts like the block's id.
	instance string
	args     lawObject
}

func (d lawDeclared) String() string { return d.project + "/" + d.kind + "/" + d.key }

// declared lists the objects of a configuration.
func (e *lawEstate) declared() []lawDeclared {
	var out []lawDeclared
	for _, p := range e.projects {
		for _, pk := range p.instances() {
			name := p.naturalName(pk)
			out = append(out, lawDeclared{"project", name, name, p, pk, lawPlain(p.args).(lawObject)})
			for _, b := range p.children {
				for _, k := range b.instances() {
					out = append(out, b.declaredAs(name, pk, k)...)
					for _, inner := range b.children { // what a cluster has one of is known by the cluster
						out = append(out, lawDeclared{inner.kind, name, b.naturalName(k), inner, pk + "/" + k, lawPlain(inner.args).(lawObject)})
					}
				}
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out
}

func (b *lawBlock) declaredAs(project, pk, k string) []lawDeclared {
	args := lawPlain(b.args).(lawObject)
	d := lawDeclared{b.kind, project, "", b, pk + "/" + k, args}
	switch b.kind {
	case "access_list":
		var out []lawDeclared
		for entry, v := range lawAt(args, "entries").(lawObject) {
			if v == nil {
				continue
			}
			d := d
			d.key = lawEntry(entry)
			d.instance += "/" + d.key
			switch v := v.(type) {
			case string:
				d.args = lawObject{"entry": entry, "comment": v}
			case lawObject:
				d.args = maps.Clone(v)
				d.args["entry"] = entry
			}
			out = append(out, d)
		}
		return out
	case "database_user":
		d.key = lawDatabase(args) + "/" + b.naturalName(k)
	case "integration":
		d.key = args["type"].(string)
	default:
		if !lawSingle(b.kind) && !lawNameless(b.kind) {
			d.key = b.naturalName(k)
		}
	}
	return []lawDeclared{d}
}

func lawAt(o lawObject, name string) any { return o[name] }
