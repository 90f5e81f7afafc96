package render_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
	"mercator/schema/diag"
)

// commentLimit is how many characters GitHub takes in a comment.
const commentLimit = 65_536

func TestGoldenMarkdown(t *testing.T) {
	c := catalog(t)
	o := render.Options{Catalog: c}
	for name, p := range map[string]*plan.Plan{"empty": {Now: now}, "creations": creations(t, c), "mixed": mixed(t, c), "many": many(t, c, 10_000)} {
		golden(t, name+".md", rendered(t, "markdown", o, p))
	}
	golden(t, "drift.md", drifted(t, "markdown", o, mixed(t, c)))
	golden(t, "drift.none.md", drifted(t, "markdown", o, &plan.Plan{Now: now}))
}

// comment is what a reader of Markdown sees, as a parser that keeps to CommonMark and GitHub's extensions has it.
type comment struct {
	heading string
	// prose is the text outside of code, spans the code in it, fences the blocks of code by the title above them.
	prose  []string
	spans  []string
	fences map[string]string
	// folded are the titles of what is folded, unfolded those of what is not but could be.
	folded, unfolded []string
}

var summaryTag = regexp.MustCompile(`^<details( open)?>\n<summary>([A-Za-z, ]+) \((\d+)\)</summary>\n$`)

// parseMarkdown parses Markdown and fails for everything that a comment of ours never has: other HTML than folding, links,
// lists, images, tables, and folds that are not closed.
func parseMarkdown(t testing.TB, source []byte) comment {
	t.Helper()
	out := comment{fences: map[string]string{}}
	title, depth := "", 0
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			if out.heading != "" || n.PreviousSibling() != nil {
				t.Errorf("a second heading, or one that is not first: %s", n.Lines().Value(source))
			}
			out.heading = string(n.Lines().Value(source))
		case *ast.FencedCodeBlock:
			out.fences[title] += string(n.Lines().Value(source))
		case *ast.HTMLBlock:
			tag := string(n.Lines().Value(source))
			m := summaryTag.FindStringSubmatch(tag)
			switch {
			case m != nil && m[1] == "":
				out.folded = append(out.folded, m[2])
			case m != nil:
				out.unfolded = append(out.unfolded, m[2])
			case tag != "</details>\n":
				t.Errorf("HTML that is not ours: %s", tag)
			}
			if m != nil {
				title = m[2]
				depth++
			} else {
				depth--
			}
			if depth != 0 && depth != 1 {
				t.Errorf("folds inside of folds, or unopened ones, at %s", tag)
			}
		case *ast.CodeSpan:
			span := ""
			for child := n.FirstChild(); child != nil; child = child.NextSibling() {
				span += string(child.(*ast.Text).Value(source))
			}
			out.spans = append(out.spans, span)
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			words := string(n.Value(source))
			out.prose = append(out.prose, words)
			if _, strong := n.Parent().(*ast.Emphasis); strong && depth == 0 {
				title = words
			}
		case *ast.Document, *ast.Paragraph, *ast.Emphasis:
		default:
			t.Errorf("there is a %s in\n%s", n.Kind(), source)
		}
		return ast.WalkContinue, nil
	})
	if err != nil || depth != 0 {
		t.Errorf("%d folds are left open: %v", depth, err)
	}
	return out
}

// many returns a plan with n changes: for every hundred a deletion and two updates, the rest creations.
func many(t testing.TB, c *schema.Catalog, n int) *plan.Plan {
	t.Helper()
	p := &plan.Plan{Now: now}
	v := value(t, c, "person", `{"name": "app", "password": "hunter2", "roles": [{"role": "read", "database": "orders"}, {"role": "write", "database": "orders"}]}`)
	for i := range n {
		ch := plan.Change{Address: siteDev.Child("person", "p").Index(i), Kind: "person", Action: plan.Create, Before: cty.NullVal(v.Type()),
			Desired: v, After: v, Roles: []string{"Site Owner"}, Risks: []plan.RiskNote{{Risk: schema.GrantsAccess}}}
		switch i % 100 {
		case 99:
			ch.Action, ch.Before, ch.After, ch.Desired = plan.Delete, v, cty.NullVal(v.Type()), cty.NullVal(v.Type())
			ch.NeedsAllow, ch.Risks = "allow-destroy", []plan.RiskNote{{Risk: schema.Irreversible}}
		case 49, 50:
			ch.Action, ch.Before = plan.Update, v
			ch.Diffs = []plan.Diff{set("name", str("app"), str("api")), {Path: "password", Op: plan.DiffChange, Sensitive: true}}
		}
		p.Changes = append(p.Changes, ch)
	}
	return p
}

// TestMarkdownFitsAComment renders plans of all sizes: never too long, the summary first, and whatever is not shown is
// counted.
func TestMarkdownFitsAComment(t *testing.T) {
	c := catalog(t)
	for _, n := range []int{1, 100, 10_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			p := many(t, c, n)
			out := rendered(t, "markdown", render.Options{Catalog: c}, p)
			got := parseMarkdown(t, out)
			if len(out) > commentLimit {
				t.Errorf("%d bytes, more than a comment holds", len(out))
			}
			if want := fmt.Sprintf("Plan: %d to create, %d to update, 0 to replace, %d to delete, 0 to adopt.",
				p.Summary().Create, p.Summary().Update, p.Summary().Delete); got.heading != want {
				t.Errorf("the first line is %q, want %q", got.heading, want)
			}
			shown, left := heads(got.fences["Changes"]), leftOut(got.prose)
			for _, a := range []struct {
				sign, group string
				want        int
			}{
				{"+", "to create", p.Summary().Create}, {"~", "to update", p.Summary().Update}, {"-", "to delete", p.Summary().Delete},
			} {
				if shown[a.sign]+left[a.group] != a.want {
					t.Errorf("%s: %d shown and %d counted as left out, of %d", a.group, shown[a.sign], left[a.group], a.want)
				}
			}
			if left["to delete"] > 0 {
				t.Error("deletions are left out where creations are shown")
			}
			if whole := !strings.Contains(string(out), "Shortened") && !strings.Contains(string(out), "…"); whole != (n <= 100) {
				t.Errorf("%d changes: shown as a whole is %v", n, whole)
			}
			if fold := len(got.folded) > 0; fold != (n > 1) {
				t.Errorf("%d changes: folded are %q, open are %q", n, got.folded, got.unfolded)
			}
			if n == 10_000 && len(out) < commentLimit*9/10 {
				t.Errorf("only %d bytes are used where much is left out", len(out))
			}
		})
	}
}

// TestMarkdownShowsWhatCannotBeUndone hides a few losses for good behind thousands of deletions that can be undone.
func TestMarkdownShowsWhatCannotBeUndone(t *testing.T) {
	c := catalog(t)
	p := many(t, c, 8000)
	for i := range p.Changes {
		ch := &p.Changes[i]
		ch.Action, ch.Risks, ch.NeedsAllow, ch.Diffs = plan.Delete, nil, "", nil
		if i%150 == 149 {
			ch.Risks = []plan.RiskNote{{Risk: schema.Irreversible}}
		}
	}
	changes := parseMarkdown(t, rendered(t, "markdown", render.Options{Catalog: c}, p)).fences["Changes"]
	for i := range p.Changes {
		if ch := &p.Changes[i]; len(ch.Risks) > 0 && !strings.Contains(changes, "- "+string(ch.Address)+" ") {
			t.Errorf("%s is not shown", ch.Address)
		}
	}
}

// heads counts the changes in a block by the sign before their address.
func heads(block string) map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(block) {
		if sign, address, ok := strings.Cut(line, " "); ok && strings.HasPrefix(address, "site.") {
			out[sign]++
		}
	}
	return out
}

var leftGroup = regexp.MustCompile(`(\d+) (to \w+)`)

// leftOut returns what notes in the prose count as left out.
func leftOut(prose []string) map[string]int {
	out := map[string]int{}
	for _, words := range prose {
		if strings.HasPrefix(words, "Shortened: ") {
			for _, m := range leftGroup.FindAllStringSubmatch(words, -1) {
				n, _ := strconv.Atoi(m[1])
				out[m[2]] += n
			}
		}
	}
	return out
}

// evil is text that would be markup, a mention, a reference to an issue or an escape from a fence.
const evil = "`a``b```c | d | <script>x</script></details> @octocat #1 https://example.net [x](y) **z** \\ ~~~~ &amp; <!-- "

// TestMarkdownShowsTextAsItIs puts markup wherever users and Atlas can put text: all of it must be inside of code.
func TestMarkdownShowsTextAsItIs(t *testing.T) {
	c := catalog(t)
	lines := "first\n```\n\n# heading\n</details>\n" + evil + "\n   ```````\n"
	address := siteDev.Child("gate", "office").Key(evil)
	p := &plan.Plan{
		Now: now, Changes: []plan.Change{{
			Address: address, Previous: address + "x", Kind: "gate", Action: plan.Replace, Key: evil, ID: evil, Roles: []string{evil, "`", " "},
			Reasons: []plan.Reason{{Code: "x", Text: lines}}, Risks: []plan.RiskNote{{Risk: schema.OpensNetwork, Note: lines}}, NeedsAllow: "allow-destroy",
			Diffs: []plan.Diff{set("comment", str(evil), str(lines)), set("address", str(lines), str(evil)),
				{Path: `tags["` + evil + `"]`, Label: evil, Op: plan.DiffAdd, New: str(evil)}},
			Calls: []schema.Call{{Verb: schema.CallUpdate, Note: evil}},
		}},
		Drift:     []plan.Drift{{Address: address, Kind: "gate", Note: evil, Diffs: []plan.Diff{set("comment", str(evil), str(lines))}}},
		StateOnly: []plan.StateChange{{Address: address, From: address, Kind: "move", Text: lines}},
		Unmanaged: []plan.Unmanaged{{Kind: evil, Place: schema.Place(evil), Key: evil}},
		Outputs:   []plan.OutputChange{{Name: evil, Action: plan.Create, Before: cty.NullVal(cty.String), After: str(lines)}},
		Diagnostics: diag.List{diag.Errorf("e", evil, lines).On(evil), diag.Warningf("w", evil, lines).
			At(diag.Range{File: evil, Start: diag.Pos{Line: 2, Column: 1}, End: diag.Pos{Line: 2, Column: 2}})},
	}
	o := render.Options{Catalog: c, Command: "mercator apply '" + evil + "'", Sources: map[string][]byte{evil: []byte(lines)}}
	for name, out := range map[string][]byte{"plan": rendered(t, "markdown", o, p), "drift": drifted(t, "markdown", o, p)} {
		got := parseMarkdown(t, out)
		for _, words := range got.prose {
			if strings.ContainsAny(words, "@<>[]`|#\\") || strings.Contains(words, "octocat") || strings.Contains(words, "heading") {
				t.Errorf("%s: %q is outside of code", name, words)
			}
		}
		if name == "plan" && len(got.spans) != 3 {
			t.Errorf("the roles are %q", got.spans)
		}
		for title, block := range got.fences {
			if !strings.Contains(block, "octocat") {
				t.Errorf("%s: nothing evil arrived under %q:\n%s", name, title, block)
			}
		}
	}
}

// TestMarkdownKeepsToItsLimit renders plans of awkward sizes: enormous values, very long names, many findings.
func TestMarkdownKeepsToItsLimit(t *testing.T) {
	c := catalog(t)
	for _, unit := range []string{"x", "`", "é", "a\n", "@b "} {
		for _, length := range []int{1, 300, 5_000} {
			for _, n := range []int{1, 150} {
				text := strings.Repeat(unit, length)
				p := &plan.Plan{Now: now}
				for i := range n {
					p.Changes = append(p.Changes, plan.Change{Address: siteDev.Child("gate", "g").Key(fmt.Sprint(i, text)), Kind: "gate",
						Action: plan.Update, Risks: []plan.RiskNote{{Risk: schema.Billable}}, NeedsAllow: "allow-destroy"})
					p.Diagnostics.Add(diag.Errorf("e", "summary", "%s", text), diag.Warningf("w", "summary", "detail"))
					p.Outputs = append(p.Outputs, plan.OutputChange{Name: fmt.Sprint("o", i), Action: plan.Create, Before: cty.NullVal(cty.String), After: str(text)})
				}
				p.Changes[0].Diffs = []plan.Diff{set("comment", str(strings.Repeat(text, 10)), str(text))}
				name := fmt.Sprintf("%d changes with %d times %q", n, length, unit)
				out := rendered(t, "markdown", render.Options{Catalog: c}, p)
				for _, size := range []int{len(out), len(drifted(t, "markdown", render.Options{Catalog: c}, p))} {
					if size > commentLimit {
						t.Errorf("%s: %d bytes", name, size)
					}
				}
				got := parseMarkdown(t, out)
				shown := strings.Count("\n"+got.fences["Changes"], "\n~ site.")
				if left := leftOut(got.prose)["to update"]; shown+left != n {
					t.Errorf("%s: %d are shown and %d counted as left out", name, shown, left)
				}
			}
		}
	}
}

// TestOneHugeChangeIsCutNotDropped: of the only change as much is shown as there is room for.
func TestOneHugeChangeIsCutNotDropped(t *testing.T) {
	c := catalog(t)
	var old, next strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&old, "line %d\n", i)
		fmt.Fprintf(&next, "row %d\n", i)
	}
	p := &plan.Plan{Now: now, Changes: []plan.Change{{Address: "engine.x", Kind: "engine", Action: plan.Update,
		Diffs: []plan.Diff{set("version", str("7"), str("8")), set("description", str(old.String()), str(next.String()))}}}}
	out := string(rendered(t, "markdown", render.Options{Catalog: c}, p))
	if len(out) > commentLimit || len(out) < commentLimit*9/10 {
		t.Errorf("%d bytes", len(out))
	}
	for _, want := range []string{"\n~ engine.x\n", `version = "8"`, "\n-       line 100\n", "lines left out\n", "**Shortened: details of 1, marked …, are left out.**"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
}
