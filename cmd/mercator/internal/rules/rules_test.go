// Package rules watches over the rules of schema/RULES.md: each has a test named after it, and each of these tests
// can fail. Mutations names for every rule a small change of the code that breaks it; TestMutations makes the
// changes one by one, without touching a file, and requires the rule's test to turn red:
//
//	MERCATOR_MUTATIONS=all go test ./cmd/mercator/internal/rules -run TestMutations -v
//	MERCATOR_MUTATIONS=R13 go test ./cmd/mercator/internal/rules -run TestMutations -v
package rules

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the module, seen from this package.
const root = "../../../.."

// lastRule is the number of the last rule.
const lastRule = 42

var (
	ruleTest = regexp.MustCompile(`^TestRule_(R[0-9]+)_[A-Z]`)
	ruleHead = regexp.MustCompile(`(?m)^- \*\*(R[0-9]{2}) `)
	testName = regexp.MustCompile(`TestRule_R[0-9]{2}_[A-Za-z0-9]+`)
)

// ruleTests returns the names of the tests of each rule, by rule, and the package folder of each test.
func ruleTests(t *testing.T) (byRule map[string][]string, folder map[string]string) {
	t.Helper()
	return testsNamed(t, ruleTest)
}

// testsNamed returns the tests whose names match, by what the pattern's group holds, and the package folder of each.
func testsNamed(t *testing.T, pattern *regexp.Regexp) (byGroup map[string][]string, folder map[string]string) {
	t.Helper()
	byGroup, folder = map[string][]string{}, map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			if m := pattern.FindStringSubmatch(f.Name.Name); m != nil {
				byGroup[m[1]] = append(byGroup[m[1]], f.Name.Name)
				rel, err := filepath.Rel(root, filepath.Dir(path))
				if err != nil {
					return err
				}
				folder[f.Name.Name] = filepath.ToSlash(rel)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return byGroup, folder
}

func allRules() []string {
	var out []string
	for n := 1; n <= lastRule; n++ {
		out = append(out, fmt.Sprintf("R%02d", n))
	}
	return out
}

// TestEveryRuleHasATest names the rules without a test: none.
func TestEveryRuleHasATest(t *testing.T) {
	byRule, _ := ruleTests(t)
	var missing []string
	for _, rule := range allRules() {
		if len(byRule[rule]) == 0 {
			missing = append(missing, rule)
		}
		delete(byRule, rule)
	}
	if len(missing) > 0 {
		t.Errorf("rules without a test: %v", missing)
	}
	for rule, tests := range byRule {
		t.Errorf("%v name a rule %s that is none; rules have two digits", tests, rule)
	}
}

// TestEveryRuleIsWritten holds schema/RULES.md against the rules and the names of their tests.
func TestEveryRuleIsWritten(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "schema", "RULES.md"))
	if err != nil {
		t.Fatal(err)
	}
	byRule, folder := ruleTests(t)
	var written []string
	sections := ruleHead.FindAllStringSubmatchIndex(string(text), -1)
	for i, at := range sections {
		rule, end := string(text[at[2]:at[3]]), len(text)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		written = append(written, rule)
		named := testName.FindAllString(string(text[at[0]:end]), -1)
		for _, name := range named {
			if folder[name] == "" {
				t.Errorf("%s names the test %s, which is not there", rule, name)
			}
		}
		if len(named) == 0 && len(byRule[rule]) > 0 {
			t.Errorf("%s names none of its tests %v", rule, byRule[rule])
		}
	}
	if !slices.Equal(written, allRules()) {
		t.Errorf("RULES.md has the rules %v, want %v", written, allRules())
	}
}

// TestMutationsFit makes sure that every rule with a test has a mutation, and that each can still be made: its text
// stands once in its file, and its test exists.
func TestMutationsFit(t *testing.T) {
	byRule, folder := ruleTests(t)
	mutated := map[string]bool{}
	for _, m := range Mutations() {
		mutated[m.Rule] = true
		text, err := os.ReadFile(filepath.Join(root, m.File))
		if err != nil {
			t.Errorf("%s: %v", m.Rule, err)
			continue
		}
		if n := strings.Count(string(text), m.Old); n != 1 {
			t.Errorf("%s: %s has %d times, want once:\n%s", m.Rule, m.File, n, m.Old)
		}
		if m.Old == m.New {
			t.Errorf("%s: the mutation of %s changes nothing", m.Rule, m.File)
		}
		if folder[m.Test] == "" || !slices.Contains(byRule[m.Rule], m.Test) {
			t.Errorf("%s: there is no test %s of it", m.Rule, m.Test)
		}
	}
	for _, rule := range allRules() {
		if !mutated[rule] {
			t.Errorf("%s has no mutation that turns its test red", rule)
		}
	}
}

// TestMutations makes the changes and requires the tests to fail. It takes minutes and is run where
// MERCATOR_MUTATIONS asks for it, with a rule or "all".
func TestMutations(t *testing.T) {
	want := os.Getenv("MERCATOR_MUTATIONS")
	if want == "" {
		t.Skip("set MERCATOR_MUTATIONS to a rule or to all to run the tests against broken code")
	}
	_, folder := ruleTests(t)
	red, made := 0, 0
	for _, m := range Mutations() {
		if want != "all" && want != m.Rule {
			continue
		}
		made++
		verdict := m.try(t, folder[m.Test])
		t.Logf("%-4s %-9s %s: %s", m.Rule, verdict, m.File, m.Test)
		if verdict == "red" {
			red++
		} else {
			t.Errorf("%s: %s is %s, want red, with %s where it says\n%s", m.Rule, m.Test, verdict, m.New, m.Old)
		}
	}
	t.Logf("%d mutations, %d turned their test red", made, red)
	if made == 0 {
		t.Errorf("there is no rule %q", want)
	}
}

// try runs the mutation's test on the changed code, which an overlay shows to the compiler in place of the file. It
// returns "red", "green", "broken" where the change does not compile, or "unfit" where there is nothing to change.
func (m Mutation) try(t *testing.T, folder string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, m.File))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), m.Old) != 1 {
		return "unfit"
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	layers, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.Old, m.New, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, layers, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-timeout=3m", "-run", "^"+m.Test+"$", "./"+folder)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "green"
	case strings.Contains(string(out), "--- FAIL: "+m.Test) || strings.Contains(string(out), "panic: "):
		return "red"
	default:
		t.Logf("%s", out)
		return "broken"
	}
}
