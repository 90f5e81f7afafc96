package diag_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"mercator/schema/diag"
)

const source = "project \"payments\" {\n  nmae = \"payments\"\n}\n"

func sample() diag.List {
	at := diag.Range{File: "main.hcl", Start: diag.Pos{Line: 2, Column: 3, Byte: 23}, End: diag.Pos{Line: 2, Column: 7, Byte: 27}}
	return diag.List{
		diag.Errorf("unknown_argument", `There is no argument "nmae"`, `A project has no argument of that name. Did you mean "name"?`).
			At(at).On("project.payments"),
		diag.Warningf("contested", "Somebody else changes it too", "").On("project.payments"),
		diag.Errorf("", "No place", "Only a detail."),
	}
}

func TestWriteText(t *testing.T) {
	const want = `Error: There is no argument "nmae"
(unknown_argument)

  main.hcl:2,3, in project.payments
  2 │   nmae = "payments"
    │   ^^^^

  A project has no argument of that name. Did
  you mean "name"?

Warning: Somebody else changes it too
(contested)

  in project.payments

Error: No place

  Only a detail.

`
	var b strings.Builder
	if err := diag.WriteText(&b, sample(), diag.TextOptions{Sources: map[string][]byte{"main.hcl": []byte(source)}, Width: 46}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWriteTextColor(t *testing.T) {
	var b strings.Builder
	if err := diag.WriteText(&b, sample()[:1], diag.TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\x1b[31;1mError:") {
		t.Errorf("no colour in %q", b.String())
	}
	if strings.Contains(b.String(), "│") {
		t.Errorf("an excerpt without a source in %q", b.String())
	}
}

func TestWriteTextHostile(t *testing.T) {
	for name, src := range map[string]string{
		"escape":   "a = \"\x1b[2Jx\"\n",
		"bidi":     "a = \"\u202ex\"\n",
		"not utf8": "a = \"\xffx\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			l := diag.List{diag.Errorf("syntax", "Bad\x1b[2J", "Worse\x1b[2J").At(diag.Range{
				File: "x.hcl", Start: diag.Pos{Line: 1, Column: 1}, End: diag.Pos{Line: 1, Column: 2, Byte: 1}})}
			var b strings.Builder
			if err := diag.WriteText(&b, l, diag.TextOptions{Sources: map[string][]byte{"x.hcl": []byte(src)}}); err != nil {
				t.Fatal(err)
			}
			if got := b.String(); strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, "<U+") {
				t.Errorf("control characters come through: %q", got)
			}
		})
	}
}

func TestWriteTextLongLine(t *testing.T) {
	src := strings.Repeat("x", 300) + "HERE" + strings.Repeat("y", 300)
	l := diag.List{diag.Errorf("c", "s", "").At(diag.Range{
		File: "f", Start: diag.Pos{Line: 1, Column: 301, Byte: 300}, End: diag.Pos{Line: 1, Column: 305, Byte: 304}})}
	var b strings.Builder
	if err := diag.WriteText(&b, l, diag.TextOptions{Sources: map[string][]byte{"f": []byte(src)}, Width: 60}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "HERE") {
		t.Errorf("what is meant is cut off:\n%s", b.String())
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if n := len([]rune(line)); n > 60 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	if err := diag.WriteJSON(&b, sample(), map[string][]byte{"main.hcl": []byte(source)}); err != nil {
		t.Fatal(err)
	}
	var doc diag.Document
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Valid || doc.ErrorCount != 2 || doc.WarningCount != 1 || len(doc.Diagnostics) != 3 {
		t.Errorf("got %+v", doc)
	}
	first := doc.Diagnostics[0]
	if first.Severity != "error" || first.Code != "unknown_argument" || first.Range.Start.Line != 2 || first.Address != "project.payments" {
		t.Errorf("got %+v", first)
	}
	if s := first.Snippet; s == nil || s.Code[s.HighlightStartOffset:s.HighlightEndOffset] != "nmae" {
		t.Errorf("got snippet %+v", s)
	}
	if doc.Diagnostics[2].Range != nil {
		t.Error("a finding without a place has a range")
	}
}

// FuzzWriteText shows that no range and no source can break the output.
func FuzzWriteText(f *testing.F) {
	f.Add(source, 23, 27, 40)
	f.Add("", 0, 9, 0)
	f.Add("\r\n\t", 1, 1, 21)
	f.Fuzz(func(t *testing.T, src string, start, end, width int) {
		l := diag.List{diag.Errorf("c", src, src).At(diag.Range{
			File: "f", Start: diag.Pos{Line: 1, Column: 1, Byte: start}, End: diag.Pos{Line: 1, Column: 1, Byte: end}})}
		var b bytes.Buffer
		if err := diag.WriteText(&b, l, diag.TextOptions{Sources: map[string][]byte{"f": []byte(src)}, Width: width}); err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsRune(b.Bytes(), '\x1b') {
			t.Errorf("an escape came through: %q", b.String())
		}
	})
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"the plan has errors": "The plan has errors", "": "", "p.bin is damaged": "p.bin is damaged",
		"project.shop is not declared": "project.shop is not declared", "x": "X", "nodir: no such file": "nodir: no such file",
	} {
		if got := diag.Sentence(text); got != want {
			t.Errorf("Sentence(%q) = %q, want %q", text, got, want)
		}
	}
}
