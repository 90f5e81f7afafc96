package cli

import (
	"bytes"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"mercator/plan/render"
	"mercator/schema/diag"
)

// TestTerraformsLibraryReadsTheFindings: tools that read "terraform validate -json" read ours.
func TestTerraformsLibraryReadsTheFindings(t *testing.T) {
	at := diag.Range{File: "main.hcl", Start: diag.Pos{Line: 2, Column: 3, Byte: 19}, End: diag.Pos{Line: 2, Column: 6, Byte: 22}}
	found := diag.List{
		diag.Errorf("unknown_argument", `There is no argument "tag"`, `Did you mean "tags"?`).At(at),
		diag.Warningf("no_backup", "cluster.orders has no backups", "Set backup_enabled = true.").On("cluster.orders"),
	}
	var b bytes.Buffer
	o := render.Options{Sources: map[string][]byte{"main.hcl": []byte("project \"shop\" {\n  tag = {}\n}\n")}}
	if err := writeFindings("json", &b, found, o); err != nil {
		t.Fatal(err)
	}
	var read tfjson.ValidateOutput
	if err := read.UnmarshalJSON(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := read.Validate(); err != nil {
		t.Error(err)
	}
	if read.Valid || read.ErrorCount != 1 || read.WarningCount != 1 || len(read.Diagnostics) != 2 {
		t.Fatalf("got %+v", read)
	}
	d := read.Diagnostics[0]
	if d.Severity != tfjson.DiagnosticSeverityError || d.Range.Filename != "main.hcl" || d.Range.Start.Line != 2 || d.Snippet.Code != "  tag = {}" {
		t.Errorf("got %+v", d)
	}
	if read.Diagnostics[1].Range != nil {
		t.Error("a finding without a place has got one")
	}
}
