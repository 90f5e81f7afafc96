package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rogpeppe/go-internal/diff"

	"mercator/schema/diag"
)

// Format returns the source of a file in canonical form. A source that does not parse is returned as it is,
// with findings that speak of it under the given name.
func Format(src []byte, name string) ([]byte, diag.List) {
	if len(src) > MaxFile {
		return src, diag.List{diag.Errorf(codeTooLarge, "The file is too large",
			"%s has %d bytes; at most %d are read.", name, len(src), MaxFile).At(diag.Range{File: name})}
	}
	if d := guardNative(src, name, hclsyntax.LexConfig); d != nil {
		return src, diag.List{*d}
	}
	if _, hd := hclsyntax.ParseConfig(src, name, hcl.InitialPos); hd.HasErrors() {
		var diags diag.List
		for _, d := range hd {
			diags.Add(syntaxError(d))
		}
		return src, diags.Sort()
	}
	return hclwrite.Format(src), nil
}

// Diff returns the lines that differ between two texts in unified form, under the given name; "" where they are
// the same.
func Diff(name string, before, after []byte) string {
	return string(diff.Diff(name, before, name+" (formatted)", after))
}
