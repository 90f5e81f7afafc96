package badinput_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mercator/schema"
	"mercator/schema/kinds"
)

// form is what codes look like.
var form = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// shown finds the code of a finding in a golden: the head of a finding ends with it.
var shown = regexp.MustCompile(`\(([a-z][a-z0-9_]*)\)\n\n`)

// TestEveryCodeHasAStory reads the whole program for the codes of its findings, and holds them against the stories
// of wrong configurations: every code is shown to a newcomer's eyes in one of them.
func TestEveryCodeHasAStory(t *testing.T) {
	root := filepath.Join("..", "..", "..", "..")
	told := map[string]bool{}
	stories := 0
	for _, dir := range []string{filepath.Join(root, "schema", "config", "testdata", "bad"), filepath.Join("testdata")} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no stories in %s: %v", dir, err)
		}
		stories += len(paths)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, want, ok := strings.Cut(string(text), "-- want --\n")
			if !ok {
				t.Errorf("%s has no golden", path)
			}
			for _, match := range shown.FindAllStringSubmatch(want, -1) {
				told[match[1]] = true
			}
		}
	}
	if stories < 80 {
		t.Errorf("there are %d stories of wrong configurations, want 80 at least", stories)
	}
	places := readCodes(t, root)
	for _, code := range slices.Sorted(maps.Keys(places)) {
		if !told[code] && !outOfReach(t, code) {
			t.Errorf("no story shows %s, which %s reports", code, strings.Join(places[code], " and "))
		}
	}
	for code := range told {
		if places[code] == nil {
			t.Errorf("a story shows %s, and nothing in the source reports it", code)
		}
	}
}

// outOfReach reports whether nothing in this catalogue can lead to a code, although the engine knows it.
func outOfReach(t *testing.T, code string) bool {
	t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	leads := func(to func(*schema.Kind) bool) bool {
		return slices.ContainsFunc(catalog.Names(), func(name string) bool { return to(catalog.Kind(name)) })
	}
	switch { // toy kinds try these
	case code == "waits_for_others": // of an object about which somebody else has to do something
		return !leads(func(k *schema.Kind) bool { return k.Settle != nil && len(k.Settle.Others) > 0 })
	case strings.HasPrefix(code, "secret_"): // of credentials, most of them
		return code != "secret_needed" && code != "secret_lost" && !leads(func(k *schema.Kind) bool { return k.Credential != nil }) ||
			code == "secret_file_stays" // no file can be read and not removed by everybody who runs tests
	}
	return false
}

// readCodes returns the codes that the program's source gives to findings, and where.
func readCodes(t *testing.T, root string) map[string][]string {
	t.Helper()
	s := &source{t: t, root: root, files: token.NewFileSet(), found: map[string][]string{}}
	packages := map[string]*room{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata", d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2:
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(s.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		if packages[dir] == nil {
			packages[dir] = &room{source: s, constants: map[string]string{}, wrappers: map[string]int{}}
		}
		packages[dir].files = append(packages[dir].files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range packages {
		if slices.ContainsFunc(r.files, speaks) {
			r.declarations()
			r.calls()
		}
	}
	return s.found
}

// speaks reports whether a file can make findings.
func speaks(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"mercator/schema/diag"` })
}

// source is the program's text, and the codes that were found in it.
type source struct {
	t     *testing.T
	root  string
	files *token.FileSet
	found map[string][]string
}

// room is one package.
type room struct {
	*source
	files []*ast.File
	// constants are the package's string constants; wrappers are its functions that take a code, and at which
	// place among their arguments.
	constants map[string]string
	wrappers  map[string]int
	// named says that the room gives its codes names that begin with "code".
	named bool
	// tables are the codes in package-level tables: elements of structs that have a field called code.
	tables []ast.Expr
}

// makers are the functions of the room of findings, and at which place they take the code.
var makers = map[string]int{"Errorf": 0, "Warningf": 0, "FromError": 1}

func (r *room) declarations() {
	for _, file := range r.files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if at := parameter(d, "code"); at >= 0 && speaks(file) {
					r.wrappers[d.Name.Name] = at
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						r.values(v)
					}
				}
			}
		}
	}
}

// values notes the string constants and the tables of a declaration.
func (r *room) values(v *ast.ValueSpec) {
	for i, value := range v.Values {
		switch value := value.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(value.Value); err == nil && i < len(v.Names) {
				r.constants[v.Names[i].Name] = text
				if name := v.Names[i].Name; strings.HasPrefix(name, "code") && form.MatchString(text) {
					r.named = true
					r.add(text, r.source.files.Position(value.Pos()))
				}
			}
		case *ast.CompositeLit:
			table, ok := value.Type.(*ast.MapType)
			if !ok {
				continue
			}
			row, ok := table.Value.(*ast.StructType)
			if at := fieldAt(row, "code"); ok && at >= 0 {
				for _, el := range value.Elts {
					r.tables = append(r.tables, el.(*ast.KeyValueExpr).Value.(*ast.CompositeLit).Elts[at])
				}
			}
		}
	}
}

func fieldAt(s *ast.StructType, name string) int {
	if s == nil {
		return -1
	}
	return indexIn(s.Fields, name)
}

// parameter returns at which place a function takes an argument of a name, -1 if it does not.
func parameter(f *ast.FuncDecl, name string) int { return indexIn(f.Type.Params, name) }

func indexIn(fields *ast.FieldList, name string) int {
	at := 0
	for _, f := range fields.List {
		for _, n := range f.Names {
			if n.Name == name {
				return at
			}
			at++
		}
	}
	return -1
}

// calls notes the codes that the package's functions give to findings.
func (r *room) calls() {
	for _, file := range r.files {
		for _, d := range file.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if at := r.codeAt(n); at >= 0 && at < len(n.Args) {
						r.code(n.Args[at], d)
					}
				case *ast.CompositeLit:
					r.literal(n, d)
				}
				return true
			})
		}
	}
}

// codeAt returns which argument of a call is a code, -1 if none is.
func (r *room) codeAt(call *ast.CallExpr) int {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if pkg, ok := f.X.(*ast.Ident); ok && pkg.Name == "diag" {
			if at, ok := makers[f.Sel.Name]; ok {
				return at
			}
			return -1
		}
		if at, ok := r.wrappers[f.Sel.Name]; ok && len(call.Args) > at {
			return at
		}
	case *ast.Ident:
		if at, ok := r.wrappers[f.Name]; ok {
			return at
		}
	}
	return -1
}

// literal notes the code of a finding that is written out.
func (r *room) literal(lit *ast.CompositeLit, d ast.Decl) {
	name, ok := lit.Type.(*ast.SelectorExpr)
	if !ok || name.Sel.Name != "Diagnostic" {
		return
	}
	for _, el := range lit.Elts {
		if pair, ok := el.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == "Code" {
			r.code(pair.Value, d)
		}
	}
}

// code notes what an expression that stands for a code can be. It must be plain from the source.
func (r *room) code(x ast.Expr, d ast.Decl) {
	at := r.source.files.Position(x.Pos())
	switch x := x.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		if err != nil {
			r.t.Fatal(err)
		}
		r.add(text, at)
		return
	case *ast.Ident:
		if text, ok := r.constants[x.Name]; ok {
			r.add(text, at)
			return
		}
		f, _ := d.(*ast.FuncDecl)
		if f != nil && parameter(f, x.Name) >= 0 {
			return // its callers are looked at
		}
		if f != nil && r.assigned(f, x.Name) {
			return
		}
	case *ast.SelectorExpr:
		if f, ok := d.(*ast.FuncDecl); ok && x.Sel.Name == "Code" && f.Recv != nil && receiver(f) == "Advice" {
			r.advice(at)
			return
		}
		if x.Sel.Name == "code" && len(r.tables) > 0 {
			for _, el := range r.tables {
				r.code(el, d)
			}
			return
		}
	}
	if r.named {
		return // one of the room's named codes, which are all looked at
	}
	r.t.Errorf("%s: the code cannot be told from the source; write it out, or give it a name", at)
}

// receiver returns the type of a method's receiver.
func receiver(f *ast.FuncDecl) string {
	x := f.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	name, _ := x.(*ast.Ident)
	return fmt.Sprint(name)
}

// advice notes the codes of advice, which are data.
func (r *room) advice(at token.Position) {
	catalog, err := kinds.Catalog()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, a := range catalog.Advice() {
		r.add(a.Code, at)
	}
}

// assigned notes what a variable of a function is set to, or ranges over, and reports whether anything was.
func (r *room) assigned(f *ast.FuncDecl, name string) bool {
	any := false
	ast.Inspect(f, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range a.Lhs {
			if id, ok := left.(*ast.Ident); ok && id.Name == name && len(a.Rhs) == len(a.Lhs) {
				r.code(a.Rhs[i], f)
				any = true
			}
		}
		return true
	})
	return any
}

func (r *room) add(code string, at token.Position) {
	if code == "" {
		return
	}
	path, err := filepath.Rel(r.root, at.Filename)
	if err != nil {
		r.t.Fatal(err)
	}
	place := fmt.Sprintf("%s:%d", filepath.ToSlash(path), at.Line)
	if !slices.Contains(r.found[code], place) {
		r.found[code] = append(r.found[code], place)
	}
}
