package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

var update = flag.Bool("update", false, "rewrite what the golden archives expect")

// story is one archive of testdata: files of a configuration, and under "want" what comes of it. Lines of the
// archive's comment may set the scene: "env NAME=value", "var name=value", "var-file name", "live ADDRESS attr=value ...".
type story struct {
	path    string
	archive *txtar.Archive
	env     map[string]string
	inputs  []config.Input
	live    world
}

func stories(t *testing.T, pattern string) []*story {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories at %s: %v", pattern, err)
	}
	var out []*story
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := &story{path: path, archive: archive, env: map[string]string{}, live: world{}}
		for line := range strings.SplitSeq(string(archive.Comment), "\n") {
			word, rest, _ := strings.Cut(line, " ")
			name, value, _ := strings.Cut(rest, "=")
			switch word {
			case "env":
				s.env[name] = value
			case "var":
				s.inputs = append(s.inputs, config.Input{Name: name, Value: value})
			case "var-file":
				s.inputs = append(s.inputs, config.Input{File: rest})
			case "live":
				s.alive(t, rest)
			}
		}
		out = append(out, s)
	}
	return out
}

func (s *story) alive(t *testing.T, line string) {
	t.Helper()
	fields := strings.Fields(line)
	addr, err := schema.ParseAddress(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	attrs := map[string]any{}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		attrs[name] = value
	}
	kind := addr.Kind()
	if word := strings.Split(string(addr), "."); word[0] == "data" {
		kind = word[1]
	}
	s.live[addr] = live(t, kind, attrs)
}

// run loads and evaluates the story in a folder of its own, and returns the findings with names relative to it.
func (s *story) run(t *testing.T) (*config.Evaluation, diag.List, map[string][]byte) {
	t.Helper()
	files := map[string]string{}
	for _, f := range s.archive.Files {
		if f.Name != "want" {
			files[f.Name] = string(f.Data)
		}
	}
	dir := write(t, files)
	o := options(t, s.env)
	for _, in := range s.inputs {
		if in.File != "" {
			in.File = filepath.Join(dir, in.File)
		}
		o.Inputs = append(o.Inputs, in)
	}
	var known config.Known
	if len(s.live) > 0 {
		known = s.live
	}
	c, diags := config.Load(dir, o)
	e, more := c.Evaluate(known)
	failed, open := e.Checks()
	diags = slices.Concat(diags, more, failed, open)
	if !diags.HasErrors() {
		diags.Add(c.Advice()...)
	}
	diags.Sort()
	sources := map[string][]byte{}
	for name, src := range c.Excerpts() {
		sources[strings.TrimPrefix(name, dir+string(os.PathSeparator))] = src
	}
	for i := range diags {
		d := &diags[i]
		d.Range.File = strings.TrimPrefix(d.Range.File, dir+string(os.PathSeparator))
		d.Detail = strings.ReplaceAll(strings.ReplaceAll(d.Detail, dir+string(os.PathSeparator), ""), dir, "DIR")
	}
	return e, diags, sources
}

// compare holds the result against what the archive expects, or with -update writes it there.
func (s *story) compare(t *testing.T, got string) {
	t.Helper()
	want := ""
	at := -1
	for i, f := range s.archive.Files {
		if f.Name == "want" {
			want, at = string(f.Data), i
		}
	}
	if got == want {
		return
	}
	if !*update {
		t.Errorf("%s differs (-update accepts it):\n%s", s.path, config.Diff("want", []byte(want), []byte(got)))
		return
	}
	file := txtar.File{Name: "want", Data: []byte(got)}
	if at < 0 {
		s.archive.Files = append(s.archive.Files, file)
	} else {
		s.archive.Files[at] = file
	}
	if err := os.WriteFile(s.path, txtar.Format(s.archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBad runs the wrong configurations: each names its mistakes, and no other.
func TestBad(t *testing.T) {
	for _, s := range stories(t, "testdata/bad/*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(s.path), ".txtar"), func(t *testing.T) {
			_, diags, sources := s.run(t)
			if len(diags) == 0 {
				t.Fatal("nothing is wrong with it")
			}
			for _, d := range diags {
				placed(t, d, sources)
			}
			var b strings.Builder
			if err := diag.WriteText(&b, diags, diag.TextOptions{Sources: sources, Width: 100}); err != nil {
				t.Fatal(err)
			}
			s.compare(t, b.String())
		})
	}
}

// placed makes sure that a finding points into one of the files.
func placed(t *testing.T, d diag.Diagnostic, sources map[string][]byte) {
	t.Helper()
	if d.Code == "undeclared_variable" && strings.HasPrefix(d.Detail, "--var ") {
		return // a flag is no place
	}
	start, end := d.Range.Start, d.Range.End
	if src, ok := sources[d.Range.File]; !ok || start.Line < 1 || start.Column < 1 || start.Byte > end.Byte || end.Byte > len(src) {
		t.Errorf("%s points to no place: %+v", d.Code, d.Range)
	}
}

// TestGood runs configurations without errors and shows what they ask for.
func TestGood(t *testing.T) {
	for _, s := range stories(t, "testdata/good/*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(s.path), ".txtar"), func(t *testing.T) {
			e, diags, _ := s.run(t)
			if err := diags.Err(); err != nil {
				t.Fatal(err)
			}
			s.compare(t, dump(e.Desired))
		})
	}
}

// TestCodes holds the table of codes against the stories: every code occurs in one.
func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range stories(t, "testdata/bad/*.txtar") {
		_, diags, _ := s.run(t)
		for _, d := range diags {
			seen[d.Code] = true
		}
	}
	known := map[string]bool{}
	for _, c := range config.Codes() {
		if known[c.Code] {
			t.Errorf("the code %s stands twice", c.Code)
		}
		known[c.Code] = true
		if !seen[c.Code] && !shownElsewhere[c.Code] {
			t.Errorf("no story shows the code %s", c.Code)
		}
		if c.Meaning == "" {
			t.Errorf("the code %s has no meaning", c.Code)
		}
	}
	for code := range seen {
		if !known[code] {
			t.Errorf("the code %s is not in the table", code)
		}
	}
}

// shownElsewhere are the codes of limits, whose configurations are made by tests of their own.
var shownElsewhere = map[string]bool{"too_large": true, "too_deep": true, "too_many_instances": true, "no_files": true, "unreadable_file": true}

// dump writes what is desired in a form that is easy to compare. Secrets are shown as such.
func dump(d schema.Desired) string {
	var b strings.Builder
	for _, c := range d.Connections {
		fmt.Fprintf(&b, "connection %q org=%q prefix=%q\n", c.Name, c.OrgID, c.CredentialsPrefix)
	}
	for _, r := range d.Resources {
		fmt.Fprintf(&b, "%s\n", r.Address)
		if r.Connection != "" {
			fmt.Fprintf(&b, "  connection %s\n", r.Connection)
		}
		if r.Parent != (schema.ParentRef{}) {
			fmt.Fprintf(&b, "  parent %s%s%s\n", r.Parent.Address, r.Parent.ID, map[bool]string{true: "unknown"}[r.Parent.Unknown])
		}
		for _, a := range r.DependsOn {
			fmt.Fprintf(&b, "  needs %s\n", a)
		}
		for _, a := range r.Reads {
			fmt.Fprintf(&b, "  reads %s\n", a)
		}
		if l := r.Lifecycle; l.PreventDestroy || l.Abandon || l.IgnoreChanges != nil {
			fmt.Fprintf(&b, "  lifecycle %+v\n", l)
		}
		if r.Timeouts != (schema.Timeouts{}) {
			fmt.Fprintf(&b, "  timeouts %+v\n", r.Timeouts)
		}
		if r.Exclusive != nil {
			fmt.Fprintf(&b, "  exclusive %v\n", r.Exclusive)
		}
		dumpAttributes(&b, r.Value, "  ")
	}
	for _, m := range d.Moves {
		fmt.Fprintf(&b, "moved %s to %s\n", m.From, m.To)
	}
	for _, r := range d.Removals {
		fmt.Fprintf(&b, "removed %s destroy=%t\n", r.From, r.Destroy)
	}
	for _, i := range d.Imports {
		fmt.Fprintf(&b, "import %s %v\n", i.To, i.ID)
	}
	for _, l := range d.Lookups {
		fmt.Fprintf(&b, "lookup %s kind=%s connection=%q parent=%s%s%s id=%q key=%q open=%q parts=%q\n", l.Address, l.Kind, l.Connection,
			l.Parent.Address, l.Parent.ID, map[bool]string{true: "unknown"}[l.Parent.Unknown], l.ID, l.Key, l.Open, l.Parts)
	}
	for _, o := range d.Outputs {
		fmt.Fprintf(&b, "output %s = %s\n", o.Name, show(o.Value))
	}
	return b.String()
}

func dumpAttributes(b *strings.Builder, v cty.Value, indent string) {
	names := []string{}
	for name := range v.Type().AttributeTypes() {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if text := show(v.GetAttr(name)); text != "null" {
			fmt.Fprintf(b, "%s%s = %s\n", indent, name, text)
		}
	}
}

// show writes a value without nulls inside of objects.
func show(v cty.Value) string {
	raw, marks := v.Unmark()
	for m := range marks {
		if m != schema.Sensitive {
			return fmt.Sprintf("MARK %#v", m)
		}
	}
	ty := raw.Type()
	text := ""
	switch {
	case !raw.IsKnown():
		text = "(unknown)"
	case raw.IsNull():
		text = "null"
	case ty == cty.String:
		text = fmt.Sprintf("%q", raw.AsString())
	case ty == cty.Number:
		text = schema.NumberText(raw.AsBigFloat())
	case ty == cty.Bool:
		text = fmt.Sprint(raw.True())
	default:
		var parts []string
		for it := raw.ElementIterator(); it.Next(); {
			k, el := it.Element()
			el2 := show(el)
			switch {
			case ty.IsObjectType() && el2 == "null":
			case ty.IsObjectType() || ty.IsMapType():
				parts = append(parts, k.AsString()+" = "+el2)
			default:
				parts = append(parts, el2)
			}
		}
		text = "[" + strings.Join(parts, ", ") + "]"
		if ty.IsObjectType() || ty.IsMapType() {
			text = "{" + strings.Join(parts, ", ") + "}"
		}
	}
	if v.HasMark(schema.Sensitive) {
		return "(sensitive)"
	}
	return text
}
