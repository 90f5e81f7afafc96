package config

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Modules: each module block has a module of its own, with the declarations of the files in its source, so that
// references are resolved inside it as they are at the root. What happens at each level of for_each and count is
// left to the instances of the block (see instantiate.go).

// module is the root configuration, or what one module block calls.
type module struct {
	call *block // nil for the root
	// dir is the folder as a relative path from the root's, with slashes; "." for the root itself.
	dir string

	variables map[string]*variable
	locals    map[string]*local
	outputs   []*output
	roots     []*block // resources and calls at the top of the files
	byName    map[blockName]*block
	moves     []*moveDecl
	removals  []*removalDecl
	checks    []*checkDecl
}

// callKind stands in for the kind of a module block, so that calls are repeated, found and addressed like resources.
var callKind = &schema.Kind{Name: "module"}

// callArguments are the arguments that every module block has; a module's variables cannot take their names.
var callArguments = []string{"source", "for_each", "count", "depends_on", "atlas"}

func newModule(call *block, dir string) *module {
	return &module{call: call, dir: dir,
		variables: map[string]*variable{}, locals: map[string]*local{}, byName: map[blockName]*block{}}
}

// visit calls f for m and for every module that it calls.
func (m *module) visit(f func(*module)) {
	f(m)
	for _, b := range m.roots {
		if b.content != nil {
			b.content.visit(f)
		}
	}
}

func (m *module) output(name string) *output {
	i := slices.IndexFunc(m.outputs, func(o *output) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return m.outputs[i]
}

// chain returns the modules from the root to m.
func (m *module) chain() []*module {
	if m.call == nil {
		return []*module{m}
	}
	return append(m.call.in.chain(), m)
}

// declareCall declares a module block and everything in the folder that it names.
func (l *loader) declareCall(hb *hcl.Block) {
	b := &block{kind: callKind, label: hb.Labels[0], in: l.module, header: rangeOf(hb.DefRange), inputs: map[string]*expr{}}
	source, at, ok := l.source(hb, b)
	if !ok {
		l.broken = true // its outputs are not known
		return
	}
	dir, ok := l.locate(source, at)
	if ok {
		ok = l.mayCall(dir, at)
	}
	var files *folder
	if ok {
		files, ok = l.open(dir, source, at)
	}
	if !ok {
		l.broken = true
		return
	}
	b.content = newModule(b, dir)
	if !l.enter(b) {
		return
	}
	outer := l.module
	l.module = b.content
	l.declareBodies(files.bodies)
	l.module = outer
	l.declareInputs(b, hb)
}

// source reads the source argument, which has to be known before anything else.
func (l *loader) source(hb *hcl.Block, b *block) (string, diag.Range, bool) {
	got, _, _ := hb.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "source"}}})
	a := got.Attributes["source"]
	if a == nil {
		l.add(diag.Errorf(codeMissingArgument, "The argument \"source\" is missing",
			"The module %q needs source = \"./FOLDER\".", b.label).At(b.header))
		return "", diag.Range{}, false
	}
	before := len(l.diags)
	text := l.constantText(a)
	at := rangeOf(a.Expr.Range())
	if text == "" && len(l.diags) == before {
		l.add(invalidSource("Found nothing.").At(at))
	}
	return text, at, text != ""
}

func invalidSource(found string) diag.Diagnostic {
	return diag.Errorf(codeModuleSource, "This is no source of a module",
		"%s Write the folder as a path from the file's own that starts with ./ or ../ and stays inside of the configuration's folder.", found)
}

// locate returns a source's folder as a relative path from the root's.
func (l *loader) locate(source string, at diag.Range) (string, bool) {
	found := ""
	clean := path.Clean(filepath.ToSlash(source))
	dir := path.Join(l.module.dir, clean)
	switch {
	case path.IsAbs(clean) || filepath.IsAbs(source):
		found = fmt.Sprintf("%q is an absolute path.", source)
	case !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") && source != "." && source != "..":
		found = fmt.Sprintf("%q does not start with ./ or ../; modules come from folders only, not from a registry or a repository.", shorten(source))
	case !filepath.IsLocal(filepath.FromSlash(dir)):
		found = fmt.Sprintf("%q leads out of the configuration's folder.", source)
	default:
		return dir, true
	}
	l.add(invalidSource(found).At(at))
	return "", false
}

// mayCall reports whether the module under way may call the one in a folder: it is not called by that itself, and
// neither depth nor number passes the limits.
func (l *loader) mayCall(dir string, at diag.Range) bool {
	chain := l.module.chain()
	if i := slices.IndexFunc(chain, func(m *module) bool { return m.dir == dir }); i >= 0 {
		var names []string
		for _, m := range chain[i:] {
			names = append(names, m.title())
		}
		l.add(diag.Errorf(codeCycle, "Modules call each other in a circle",
			"%s. Take what both need into a folder of its own.", strings.Join(append(names, names[0]), " calls ")).At(at))
		return false
	}
	l.modules++
	switch {
	case len(chain) > MaxModuleDepth:
		l.add(diag.Errorf(codeTooDeep, "Modules are nested too deeply",
			"More than %d modules stand inside each other, the last of them %s.", MaxModuleDepth, l.module.title()).At(at))
	case l.modules > MaxModules:
		l.add(diag.Errorf(codeTooMany, "There are too many modules",
			"More than %d module blocks are reached, those of modules that are called repeatedly counted each time. Use for_each.", MaxModules).At(at))
	default:
		return true
	}
	return false
}

// title names the module for people: by its folder.
func (m *module) title() string {
	if m.call == nil {
		return "the root"
	}
	return "./" + m.dir
}

// declareInputs holds the arguments of a call against the module's variables.
func (l *loader) declareInputs(b *block, hb *hcl.Block) {
	names := sortedKeys(b.content.variables)
	for _, name := range names {
		if slices.Contains(callArguments, name) {
			l.add(diag.Errorf(codeInvalidVariable, fmt.Sprintf("A module's variable cannot be called %q", name),
				"Every module block has an argument of that name already. Choose another.").At(b.content.variables[name].rng))
		}
	}
	s := shape{what: fmt.Sprintf("the module %q", b.label), args: append(slices.Clone(callArguments), names...)}
	got := l.take(hb.Body, s)
	inside := scope{block: b}
	l.declareMeta(b, got, inside)
	for _, name := range names {
		switch a := got.args[name]; {
		case a != nil && !slices.Contains(callArguments, name):
			b.inputs[name] = l.expr(a.Expr, inside)
		case b.content.variables[name].fallback == cty.NilVal:
			l.add(missing(s.what, name, b.header))
		}
	}
}

// folder is a module's folder, parsed.
type folder struct{ bodies []hcl.Body }

// open parses the files of a module's folder, once however often it is called. Nothing outside of the root's folder
// is read, whatever a symbolic link says.
func (l *loader) open(dir, source string, at diag.Range) (*folder, bool) {
	if f, ok := l.folders[dir]; ok {
		return f, f != nil
	}
	l.folders[dir] = nil
	f := &folder{}
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		l.add(diag.Errorf(codeUnreadable, "The configuration's folder cannot be read", "%s.", reason(err)))
		return nil, false
	}
	defer root.Close() //nolint:errcheck // it was only read
	names, err := namesIn(root, dir)
	if err != nil {
		l.add(diag.Errorf(codeUnreadable, "The module's folder cannot be read",
			"%q is no folder, or a symbolic link in it leads out of the configuration's folder.", source).At(at))
		return nil, false
	}
	if len(names) == 0 {
		l.add(diag.Errorf(codeNoFiles, "There is no module here",
			"The folder %q holds no file whose name ends in .hcl or .hcl.json.", source).At(at))
		return nil, false
	}
	for _, name := range names {
		file := filepath.Join(l.dir, filepath.FromSlash(dir), name)
		if body := l.parse(file, func() (fs.File, error) { return root.Open(filepath.Join(filepath.FromSlash(dir), name)) }); body != nil {
			f.bodies = append(f.bodies, body)
		}
	}
	l.folders[dir] = f
	return f, true
}
