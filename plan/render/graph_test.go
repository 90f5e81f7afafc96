package render_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/graph/formats/dot"
	"gonum.org/v1/gonum/graph/formats/dot/ast"

	"mercator/plan/render"
	"mercator/schema"
)

// awkward is a key that means something to every language in which graphs are written.
const awkward = "a&amp;b \"q\" <i> \\N \\ # ; style:x#1; %%{init} `_é` \u202e"

// drawn is what the tests draw: instances and entries, nested modules, lookups, and whole blocks that are needed.
func drawn() *schema.Desired {
	tricky := schema.Address("site.a").Key(awkward)
	return &schema.Desired{
		Resources: []schema.Resource{
			{Address: "site.b"},
			{Address: `site.a["x"]`},
			{Address: tricky},
			{Address: tricky.Child("engine", "e"), Parent: schema.ParentRef{Address: tricky}, DependsOn: []schema.Address{"site.b"}},
			{Address: `gate.g["10.0.0.0/8"]`, Parent: schema.ParentRef{ID: "5f01"}},
			{Address: `gate.g["10.1.0.0/16"]`, Parent: schema.ParentRef{ID: "5f01"}},
			{Address: "engine.all", Parent: schema.ParentRef{Lookup: "data.site.module", Unknown: true},
				DependsOn: []schema.Address{"gate.g", "site.a"}, Reads: []schema.Address{"data.site.module", `data.engine.old[0]`}},
			{Address: `module.team["t"].site.s`},
			{Address: `module.team["t"].module.deep.engine.e`, Parent: schema.ParentRef{Address: `module.team["t"].site.s`}},
			{Address: `module.team["t"].module.deep.engine.f`, DependsOn: []schema.Address{`module.team["t"].module.deep.engine.e`}},
			{Address: "module.other.module.only.site.s"},
		},
		Lookups: []schema.Lookup{
			{Address: "data.site.module"},
			{Address: "data.engine.old[0]", Parent: schema.ParentRef{Lookup: "data.site.module"}},
			{Address: "data.engine.old[1]", DependsOn: []schema.Address{"site.b"}, Reads: []schema.Address{"data.site.module"}},
		},
	}
}

func graph(t testing.TB, format string, d *schema.Desired) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Graph(&b, format, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGraph(t *testing.T) {
	for _, format := range render.GraphFormats() {
		text := graph(t, format, drawn())
		golden(t, "graph."+format, []byte(text))
		turned := drawn()
		slices.Reverse(turned.Resources)
		slices.Reverse(turned.Lookups)
		if graph(t, format, turned) != text {
			t.Errorf("%s depends on the order of the resources", format)
		}
		golden(t, "graph-empty."+format, []byte(graph(t, format, &schema.Desired{})))
	}
	err := render.Graph(&bytes.Buffer{}, "png", drawn())
	if want := `"png" is not a format of graphs; choose one of dot, mermaid`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// read is a picture as a reader of its language understands it: what is shown for each node and frame, and between
// which nodes arrows lead.
type read struct {
	nodes, frames []string
	arrows        map[[2]string]bool // whether they are bold
}

// wanted is the picture of drawn.
func wanted() read {
	label := `site.a["a&amp;b \"q\" <i> \\N \\ # ; style:x#1; %%{init} ` + "`_é`" + ` \u202e"]`
	return read{
		nodes: []string{"site.b", `site.a["x"]`, label, label + ".engine.e", `gate.g["10.0.0.0/8"]`, `gate.g["10.1.0.0/16"]`,
			"engine.all", "site.s", "engine.e", "engine.f", "site.s", "data.site.module", "data.engine.old[0]", "data.engine.old[1]"},
		frames: []string{`module.team["t"]`, `module.team["t"].module.deep`, "module.other", "module.other.module.only"},
		arrows: map[[2]string]bool{
			{label + ".engine.e", label}: true, {label + ".engine.e", "site.b"}: false,
			{"engine.all", `gate.g["10.0.0.0/8"]`}: false, {"engine.all", `gate.g["10.1.0.0/16"]`}: false,
			{"engine.all", `site.a["x"]`}: false, {"engine.all", label}: false,
			{"engine.all", "data.site.module"}: true, {"engine.all", "data.engine.old[0]"}: false,
			{"engine.e", "site.s"}: true, {"engine.f", "engine.e"}: false,
			{"data.engine.old[0]", "data.site.module"}: true,
			{"data.engine.old[1]", "data.site.module"}: false, {"data.engine.old[1]", "site.b"}: false,
		},
	}
}

func (r read) check(t *testing.T) {
	t.Helper()
	want := wanted()
	for _, p := range []struct {
		what      string
		got, want []string
	}{{"nodes", r.nodes, want.nodes}, {"frames", r.frames, want.frames}} {
		slices.Sort(p.got)
		slices.Sort(p.want)
		if !slices.Equal(p.got, p.want) {
			t.Errorf("the %s are\n%s\nwant\n%s", p.what, strings.Join(p.got, "\n"), strings.Join(p.want, "\n"))
		}
	}
	if got, want := fmt.Sprint(r.arrows), fmt.Sprint(want.arrows); got != want {
		t.Errorf("the arrows are\n%s\nwant\n%s", got, want)
	}
}

// TestGraphIsDOT reads the picture with a parser of the language.
func TestGraphIsDOT(t *testing.T) {
	r, err := readDOT(graph(t, "dot", drawn()))
	if err != nil {
		t.Fatal(err)
	}
	r.check(t)
}

func readDOT(text string) (read, error) {
	file, err := dot.ParseString(text)
	if err != nil {
		return read{}, err
	}
	r := read{arrows: map[[2]string]bool{}}
	labels := map[string]string{}
	var walk func([]ast.Stmt)
	walk = func(list []ast.Stmt) {
		for _, s := range list {
			switch s := s.(type) {
			case *ast.NodeStmt:
				labels[s.Node.ID] = shownByDOT(s.Attrs[0].Val)
				r.nodes = append(r.nodes, labels[s.Node.ID])
			case *ast.Attr:
				if s.Key == "label" {
					r.frames = append(r.frames, shownByDOT(s.Val))
				}
			case *ast.Subgraph:
				walk(s.Stmts)
			case *ast.EdgeStmt:
				from, to := labels[s.From.(*ast.Node).ID], labels[s.To.Vertex.(*ast.Node).ID]
				r.arrows[[2]string{from, to}] = len(s.Attrs) > 0
			}
		}
	}
	walk(file.Graphs[0].Stmts)
	return r, nil
}

// shownByDOT returns what Graphviz shows of a quoted label.
func shownByDOT(label string) string {
	text := strings.ReplaceAll(label[1:len(label)-1], `\"`, `"`)
	return strings.ReplaceAll(strings.ReplaceAll(text, `\\`, `\`), "&amp;", "&")
}

// TestGraphviz has Graphviz itself read the picture and answer with what it shows.
func TestGraphviz(t *testing.T) {
	program, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("SKIPPED: Graphviz is not installed, so that only a parser has read the picture")
	}
	cmd := exec.Command(program, "-Tsvg")
	cmd.Stdin = strings.NewReader(graph(t, "dot", drawn()))
	svg, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, svg)
	}
	var texts []string
	for _, m := range regexp.MustCompile(`<text [^>]*>([^<]*)</text>`).FindAllStringSubmatch(string(svg), -1) {
		text := regexp.MustCompile(`&#(\d+);`).ReplaceAllStringFunc(m[1], func(ref string) string {
			n, _ := strconv.Atoi(ref[2 : len(ref)-1])
			return string(rune(n))
		})
		texts = append(texts, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&amp;", "&", "\u00a0", " ").Replace(text))
	}
	for _, want := range slices.Concat(wanted().nodes, wanted().frames) {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is not among what Graphviz shows: %q", want, texts)
		}
	}
}

// TestGraphIsMermaid reads the picture by the part of Mermaid's grammar that it keeps to.
func TestGraphIsMermaid(t *testing.T) {
	r, err := readMermaid(graph(t, "mermaid", drawn()))
	if err != nil {
		t.Fatal(err)
	}
	r.check(t)
}

var (
	mermaidNode  = regexp.MustCompile(`^(n\d+)\("([^"]*)"\)(?::::lookup)?$`)
	mermaidFrame = regexp.MustCompile(`^subgraph m\d+\["([^"]*)"\]$`)
	mermaidArrow = regexp.MustCompile(`^(n\d+) (-->|==>) (n\d+)$`)
	mermaidChar  = regexp.MustCompile(`#(quot|\d+);`)
)

func readMermaid(text string) (read, error) {
	r := read{arrows: map[[2]string]bool{}}
	labels := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "flowchart LR" || lines[len(lines)-1] != "  classDef lookup stroke-dasharray: 5 5" {
		return r, fmt.Errorf("it is no flowchart:\n%s", text)
	}
	open := 0
	for _, line := range lines[1 : len(lines)-1] {
		line = strings.TrimSpace(line)
		if m := mermaidNode.FindStringSubmatch(line); m != nil {
			labels[m[1]] = shownByMermaid(m[2])
			r.nodes = append(r.nodes, labels[m[1]])
		} else if m := mermaidFrame.FindStringSubmatch(line); m != nil {
			r.frames = append(r.frames, shownByMermaid(m[1]))
			open++
		} else if m := mermaidArrow.FindStringSubmatch(line); m != nil && labels[m[1]] != "" && labels[m[3]] != "" {
			r.arrows[[2]string{labels[m[1]], labels[m[3]]}] = m[2] == "==>"
		} else if line != "end" || open == 0 {
			return r, fmt.Errorf("line %q", line)
		} else {
			open--
		}
	}
	if open != 0 {
		return r, fmt.Errorf("%d frames are not closed", open)
	}
	return r, nil
}

func shownByMermaid(label string) string {
	return mermaidChar.ReplaceAllStringFunc(label, func(code string) string {
		n, err := strconv.Atoi(code[1 : len(code)-1])
		if err != nil {
			return `"`
		}
		return string(rune(n))
	})
}

// FuzzGraph holds that no key of an instance can break out of its place, nor be shown as another one.
func FuzzGraph(f *testing.F) {
	for _, key := range []string{"", "prod", awkward, `\`, `"`, `\"`, "end", "\n", "a]", "-->", "n2", "<b>", "&#38;", "\xff", "\x00"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		address := schema.Address("site.a").Key(key)
		d := &schema.Desired{Resources: []schema.Resource{{Address: address}, {Address: address.Child("engine", "e"),
			Parent: schema.ParentRef{Address: address}}}}
		fromDOT, err := readDOT(graph(t, "dot", d))
		if err != nil {
			t.Fatalf("the key %q: %v", key, err)
		}
		fromMermaid, err := readMermaid(graph(t, "mermaid", d))
		if err != nil {
			t.Fatalf("the key %q: %v", key, err)
		}
		if len(fromDOT.nodes) != 2 || len(fromDOT.arrows) != 1 || fmt.Sprint(fromDOT) != fmt.Sprint(fromMermaid) {
			t.Errorf("the key %q is read as %v and %v", key, fromDOT, fromMermaid)
		}
	})
}
