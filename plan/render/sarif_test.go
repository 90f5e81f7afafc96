package render_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema/diag"
)

// scan renders a plan as SARIF, or its drift, and reads it back. The official schema of OASIS, which the library
// holds, must accept every byte of it.
func scan(t *testing.T, p *plan.Plan, o render.Options, drift bool) (*sarif.Run, []byte) {
	t.Helper()
	var b bytes.Buffer
	write := render.SARIF(o).Plan
	if drift {
		write = render.SARIF(o).Drift
	}
	if err := write(&b, p); err != nil {
		t.Fatal(err)
	}
	report := &sarif.Report{}
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(report); err != nil {
		t.Fatalf("a field that SARIF 2.1.0 does not have: %v", err)
	}
	if err := report.Validate(); err != nil {
		t.Fatalf("not valid by the schema of SARIF 2.1.0: %v", err)
	}
	return report.Runs[0], b.Bytes()
}

func TestGoldenSARIF(t *testing.T) {
	c := catalog(t)
	for name, drift := range map[string]bool{"mixed.sarif": false, "drift.sarif": true} {
		_, text := scan(t, mixed(t, c), render.Options{Catalog: c, Unmanaged: true, Meanings: map[string]string{"contested": "somebody else changes it too"}}, drift)
		golden(t, name, text)
	}
	run, _ := scan(t, creations(t, c), render.Options{Catalog: c}, true)
	if len(run.Results) != 0 {
		t.Errorf("nothing was found, and there are %d results", len(run.Results))
	}
}

func TestSARIFRules(t *testing.T) {
	c := catalog(t)
	at := diag.Range{File: "main.hcl", Start: diag.Pos{Line: 3, Column: 3}, End: diag.Pos{Line: 3, Column: 9}}
	p := &plan.Plan{Diagnostics: diag.List{
		diag.Warningf("unused_local", "local.x is not used", "").At(at),
		diag.Errorf("name_taken", "site.a cannot be called \"b\"", "Choose another name.").On("site.a").About("name").At(at),
		diag.Errorf("odd_code", "Odd", ""),
	}}
	run, _ := scan(t, p, render.Options{Catalog: c, Meanings: map[string]string{"name_taken": "another object has the name"}}, false)
	texts := map[string]string{}
	for _, rule := range run.Tool.Driver.Rules {
		texts[*rule.ID] = *rule.ShortDescription.Text + " | " + *rule.Help.Text
	}
	for code, want := range map[string]string{
		"unused_local": "A local value is not used. | It is computed and nothing depends on it",
		"name_taken":   "Another object has the name. | The message of each result says",
		"odd_code":     "Odd code. | The message of each result says",
	} {
		if !strings.HasPrefix(texts[code], want) {
			t.Errorf("the rule %s says %q, want %q", code, texts[code], want)
		}
	}
	for i, want := range []struct{ level, rule, uri string }{{"warning", "unused_local", "main.hcl"}, {"error", "name_taken", "main.hcl"}, {"error", "odd_code", ""}} {
		r := run.Results[i]
		if r.Level != want.level || *r.RuleID != want.rule || *run.Tool.Driver.Rules[r.RuleIndex].ID != want.rule {
			t.Errorf("result %d is %s %s, want %+v", i, r.Level, *r.RuleID, want)
		}
		if want.uri == "" {
			if len(r.Locations) != 0 {
				t.Errorf("result %d has a place in the files, and concerns none", i)
			}
			continue
		}
		place := r.Locations[0].PhysicalLocation
		if *place.ArtifactLocation.URI != want.uri || *place.ArtifactLocation.URIBaseID != "%SRCROOT%" || *place.Region.StartLine != 3 || *place.Region.EndColumn != 9 {
			t.Errorf("result %d is at %+v", i, place)
		}
	}
}

// TestSARIFFingerprints: a finding keeps its fingerprint when lines move, and no two findings share one.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(above string) []string {
		source := above + "locals {\n  a = 1\n  b = 2\n}\n"
		lines := strings.Count(above, "\n")
		on := func(line, byteAt int) diag.Range {
			return diag.Range{File: "main.hcl", Start: diag.Pos{Line: lines + line, Column: 3, Byte: len(above) + byteAt}, End: diag.Pos{Line: lines + line, Column: 4, Byte: len(above) + byteAt + 1}}
		}
		p := &plan.Plan{Diagnostics: diag.List{
			diag.Warningf("unused_local", "local.a is not used", "").At(on(2, 11)),
			diag.Warningf("unused_local", "local.b is not used", "").At(on(3, 19)),
			diag.Warningf("no_backup", "engine.x has no backups", "").On("engine.x").At(on(1, 0)),
			diag.Warningf("no_backup", "engine.x has no backups", "").On("engine.x").About("backup").At(on(1, 0)),
			diag.Warningf("no_backup", "engine.x has no backups", "").On("engine.x").At(on(1, 0)),
			diag.Errorf("blast_radius", "The plan removes 3 of 4", ""),
		}}
		run, _ := scan(t, p, render.Options{Sources: map[string][]byte{"main.hcl": []byte(source)}}, false)
		var out []string
		for _, r := range run.Results {
			out = append(out, r.PartialFingerprints["mercatorFinding/v1"])
		}
		return out
	}
	was, now := prints(""), prints("# A comment.\n\nvariable \"x\" {}\n")
	if !slices.Equal(was, now) {
		t.Errorf("the fingerprints were %v and are %v", was, now)
	}
	slices.Sort(was)
	if len(slices.Compact(was)) != 6 || slices.Contains(was, "") {
		t.Errorf("not all findings have a fingerprint of their own: %v", was)
	}
}

func TestSARIFNamesFilesFromTheRoot(t *testing.T) {
	root := t.TempDir()
	for file, want := range map[string]string{
		"env/prod/main.hcl":                    "env/prod/main.hcl",
		"./my file.hcl":                        "my%20file.hcl",
		filepath.Join(root, "env", "main.hcl"): "env/main.hcl",
		"/elsewhere/main.hcl":                  "file:///elsewhere/main.hcl",
	} {
		p := &plan.Plan{Diagnostics: diag.List{diag.Errorf("syntax", "Wrong", "").At(diag.Range{File: file})}}
		run, _ := scan(t, p, render.Options{Root: root}, false)
		place := run.Results[0].Locations[0].PhysicalLocation
		if *place.ArtifactLocation.URI != want || (place.ArtifactLocation.URIBaseID == nil) != strings.HasPrefix(want, "file:") || place.Region != nil {
			t.Errorf("%s is %+v, want %s", file, place.ArtifactLocation, want)
		}
	}
}
