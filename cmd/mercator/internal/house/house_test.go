// Package house guards how the rooms of Mercator hang together: who may import whom, and what a room may never
// touch. Each rule says why it is there; a rule that stands in the way of a better design is changed here, with
// its reason.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mercator/schema/kinds"
)

// source is one Go file that is no test.
type source struct {
	path, room string
	file       *ast.File
	fset       *token.FileSet
}

func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		out = append(out, path)
	}
	return out
}

var root = filepath.Join("..", "..", "..", "..")

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		out = append(out, source{filepath.ToSlash(rel), filepath.ToSlash(filepath.Dir(rel)), file, fset})
		return nil
	})
	if err != nil || len(out) < 50 {
		t.Fatalf("%d source files: %v", len(out), err)
	}
	return out
}

// within reports whether a room is one of the given ones or inside one.
func within(room string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return room == r || strings.HasPrefix(room, r+"/") })
}

// rule says what the files of some rooms must not import.
type rule struct {
	rooms  []string
	except []string
	// forbidden are import paths; ours begin with "mercator/". Everything below a path is meant too.
	forbidden []string
	// allowed are exceptions below the forbidden paths.
	allowed []string
	why     string
}

var rules = []rule{
	{rooms: []string{"schema"}, except: []string{"schema/config", "schema/kinds"}, forbidden: []string{"mercator"}, allowed: []string{"mercator/schema/diag", "mercator/schema"},
		why: "schema is the vocabulary that all rooms share; what it imported, everybody would depend on"},
	{rooms: []string{"schema/diag"}, forbidden: []string{"mercator"}, why: "diagnostics are made everywhere and know nothing"},
	{rooms: []string{"schema/kinds"}, except: []string{"schema/kinds/internal"}, forbidden: []string{"mercator", "net/http", "os"}, allowed: []string{"mercator/schema", "mercator/schema/diag", "mercator/schema/kinds"},
		why: "kinds are data; a kind that could reach for a client or a file would be code in disguise"},
	{rooms: []string{"schema/config"}, forbidden: []string{"mercator", "net/http"}, allowed: []string{"mercator/schema", "mercator/schema/diag", "mercator/schema/config"},
		why: "the language knows files and values, and nothing of Atlas or of the state"},
	{rooms: []string{"plan"}, except: []string{"plan/render", "plan/planfile"}, forbidden: []string{"mercator", "net/http", "os", "sync", "context"}, allowed: []string{"mercator/schema", "mercator/schema/diag"},
		why: "a plan is a pure function of its input, so that the same input gives the same bytes"},
	{rooms: []string{"plan/render", "plan/planfile"}, forbidden: []string{"mercator/provider", "mercator/apply", "mercator/cmd", "mercator/schema/config", "mercator/schema/kinds", "net/http"},
		why: "a plan is rendered and saved from its value alone"},
	{rooms: []string{"apply"}, except: []string{"apply/state"}, forbidden: []string{"mercator/schema/config", "mercator/schema/kinds", "mercator/cmd", "mercator/provider/atlas", "mercator/provider/sandbox", "net/http", "os"},
		why: "the applier carries out a value, against any provider and any store"},
	{rooms: []string{"apply/state"}, forbidden: []string{"mercator/plan", "mercator/provider", "mercator/cmd", "mercator/schema/config", "mercator/schema/kinds"},
		why: "what is remembered does not depend on how it came about"},
	{rooms: []string{"provider"}, forbidden: []string{"mercator/plan", "mercator/apply", "mercator/cmd", "mercator/schema/config", "mercator/schema/kinds"},
		why: "a provider reads and writes objects and decides nothing"},
	{rooms: []string{"provider/sandbox"}, forbidden: []string{"mercator"}, allowed: []string{"mercator/provider/sandbox"},
		why: "were the sandbox made from the descriptors, a wrong path would be wrong on both sides and every test green"},
	{rooms: []string{"."}, except: []string{"schema/config"}, forbidden: []string{"github.com/hashicorp/hcl"},
		why: "one room knows HCL, so that another syntax is one room's work"},
	{rooms: []string{"."}, except: []string{"cmd", "schema/kinds"}, forbidden: []string{"mercator/schema/kinds"},
		why: "the engine takes the catalogue as an argument and is tested with toys"},
}

func TestImports(t *testing.T) {
	used := make([]bool, len(rules))
	for _, s := range sources(t) {
		for i, r := range rules {
			if !(within(s.room, r.rooms...) || r.rooms[0] == ".") || within(s.room, r.except...) {
				continue
			}
			used[i] = true
			for _, path := range s.imports() {
				if within(path, r.forbidden...) && !slices.Contains(r.allowed, path) {
					t.Errorf("%s imports %s: %s", s.path, path, r.why)
				}
			}
		}
	}
	for i, r := range rules {
		if !used[i] {
			t.Errorf("no file is in %v: the rule guards nothing", r.rooms)
		}
	}
}

func TestTheEngineNamesNoKind(t *testing.T) {
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources(t) {
		if within(s.room, "apply/state/statetest") {
			continue // the words of its data are no kinds
		}
		if !within(s.room, "plan", "apply", "provider/atlas") && s.room != "schema" && s.room != "provider" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(lit.Value)
			if slices.Contains(catalog.Names(), text) {
				t.Errorf("%s says %q: a kind is data, and the engine must work for one that it has never heard of", s.fset.Position(lit.Pos()), text)
			}
			return true
		})
	}
}

// pure are the calls that a room must not make, by selector.
var calls = []struct {
	rooms, except []string
	selector      string
	why           string
}{
	{[]string{"plan", "schema"}, []string{"plan/planfile", "schema/config"}, "time.Now", "time is an input (R39)"},
	{[]string{"apply"}, []string{"apply/state"}, "time.Now", "the clock is injected, so that tests do not wait"},
	{[]string{"apply", "plan", "schema", "provider/atlas"}, nil, "time.Sleep", "waiting goes through the injected clock"},
	{[]string{"schema", "plan", "apply", "provider", "cmd/mercator/internal"}, nil, "os.Exit", "only main ends the process, so that every command can be run in a test"},
}

func TestCalls(t *testing.T) {
	for _, s := range sources(t) {
		for _, c := range calls {
			if !within(s.room, c.rooms...) || within(s.room, c.except...) {
				continue
			}
			pkg, name, _ := strings.Cut(c.selector, ".")
			ast.Inspect(s.file, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
						t.Errorf("%s uses %s: %s", s.fset.Position(sel.Pos()), c.selector, c.why)
					}
				}
				return true
			})
		}
	}
}

func TestThePlannerStartsNoGoroutine(t *testing.T) {
	for _, s := range sources(t) {
		if s.room != "plan" && s.room != "schema" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine: the planner is pure", s.fset.Position(g.Pos()))
			}
			return true
		})
	}
}

// TestNoExportedVariables: whoever can write to a package's variable can change the behaviour of all its users.
// Errors to compare with are the exception.
func TestNoExportedVariables(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if name.IsExported() && !strings.HasPrefix(name.Name, "Err") {
						t.Errorf("%s: %s is a variable that every importer can change", s.fset.Position(name.Pos()), name.Name)
					}
				}
			}
		}
	}
}

func TestEveryPackageSaysItsIdea(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		said[s.room] = said[s.room] || s.file.Doc != nil
	}
	for room, ok := range said {
		if !ok {
			t.Errorf("the package in %s has no comment that says its idea", room)
		}
	}
}

var sleeps = regexp.MustCompile(`\btime\.Sleep\(`)

func TestNoTestSleeps(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "house_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && sleeps.Match(text) {
			t.Errorf("%s sleeps: a test that waits for real is slow on a good day and fails on a bad one", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
