package config

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"mercator/schema"
)

// Excerpts returns the files for showing parts of them: like [Config.Sources], with every text replaced by
// asterisks that is written out as the value of a write-only argument or of a sensitive variable, or inside a
// call of sensitive(). Lengths and lines are kept.
func (c *Config) Excerpts() map[string][]byte {
	out := make(map[string][]byte, len(c.files))
	for name, src := range c.files {
		out[name] = src
	}
	m := masker{files: out, secret: c.secretNames(), owned: map[string]bool{}}
	for name := range out {
		m.file(name)
	}
	return out
}

// secretNames are the names of all write-only arguments, at any depth, and of sensitive variables.
func (c *Config) secretNames() map[string]bool {
	names := map[string]bool{}
	var visit func(attrs []schema.Attribute)
	visit = func(attrs []schema.Attribute) {
		for i := range attrs {
			if attrs[i].WriteOnly || attrs[i].OnceShown {
				names[attrs[i].Name] = true
			}
			visit(attrs[i].Nested)
		}
	}
	for _, name := range c.options.Catalog.Names() {
		visit(c.options.Catalog.Kind(name).Attributes)
	}
	c.root.visit(func(m *module) {
		for name, v := range m.variables {
			if v.sensitive {
				names[name] = true
			}
		}
	})
	return names
}

type masker struct {
	files  map[string][]byte
	owned  map[string]bool // files that were copied already
	secret map[string]bool
}

// file masks one file as far as it parses; the parser goes on after mistakes.
func (m *masker) file(name string) {
	src := m.files[name]
	if strings.HasSuffix(name, ".json") {
		m.json(name)
		return
	}
	if len(src) > MaxFile || guardNative(src, name, hclsyntax.LexConfig) != nil {
		return
	}
	f, _ := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if f == nil {
		return
	}
	if body, ok := f.Body.(*hclsyntax.Body); ok {
		m.body(body)
	}
}

// json masks the texts and numbers under a secret's name.
func (m *masker) json(name string) {
	src := m.files[name]
	tokens := json.NewDecoder(bytes.NewReader(src))
	tokens.UseNumber()
	depth, secretAt, key := 0, -1, true
	var isObject []bool
	for start := 0; ; start = int(tokens.InputOffset()) {
		t, err := tokens.Token()
		if err != nil {
			return
		}
		inObject := depth > 0 && isObject[depth-1]
		switch t := t.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				depth++
				isObject = append(isObject, t == '{')
				key = t == '{'
				continue
			}
			depth--
			isObject = isObject[:depth]
		case string:
			if inObject && key {
				if secretAt < 0 && m.secret[t] {
					secretAt = depth
				}
				key = false
				continue
			}
		}
		if _, delimiter := t.(json.Delim); !delimiter && secretAt >= 0 {
			at := start + bytes.IndexFunc(src[start:], func(r rune) bool { return !strings.ContainsRune(" \t\r\n:,", r) })
			m.cover(hcl.Range{Filename: name, Start: hcl.Pos{Byte: at}, End: hcl.Pos{Byte: int(tokens.InputOffset())}})
		}
		if depth <= secretAt {
			secretAt = -1
		}
		key = depth > 0 && isObject[depth-1]
	}
}

func (m *masker) body(body *hclsyntax.Body) {
	for name, a := range body.Attributes {
		if m.secret[name] {
			m.mask(a.Expr)
			continue
		}
		hclsyntax.Walk(a.Expr, m) //nolint:errcheck // the walker has no findings
	}
	for _, b := range body.Blocks {
		if a := b.Body.Attributes["default"]; a != nil && b.Type == "variable" && len(b.Labels) == 1 && m.secret[b.Labels[0]] {
			m.mask(a.Expr)
		}
		m.body(b.Body)
	}
}

// Enter implements hclsyntax.Walker: it looks for secrets inside of objects and calls.
func (m *masker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range n.Items {
			if key, ok := literalKey(item.KeyExpr); ok && m.secret[key] {
				m.mask(item.ValueExpr)
			}
		}
	case *hclsyntax.FunctionCallExpr:
		if n.Name == "sensitive" {
			for _, arg := range n.Args {
				m.mask(arg)
			}
		}
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (m *masker) Exit(hclsyntax.Node) hcl.Diagnostics { return nil }

// mask replaces the literal texts and numbers of an expression.
func (m *masker) mask(x hclsyntax.Expression) {
	named := map[hclsyntax.Node]bool{}                             // arguments that say where a secret is, not what it is
	hclsyntax.VisitAll(x, func(n hclsyntax.Node) hcl.Diagnostics { //nolint:errcheck // the visitor has no findings
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			if len(n.Args) > 0 && (n.Name == "env" || strings.HasPrefix(n.Name, "file") || n.Name == "templatefile") {
				named[n.Args[0]] = true
			}
		case *hclsyntax.TemplateExpr:
			if named[n] && n.IsStringLiteral() {
				named[n.Parts[0]] = true
			}
		case *hclsyntax.LiteralValueExpr:
			if !named[n] {
				m.cover(n.Range())
			}
		}
		return nil
	})
}

func (m *masker) cover(r hcl.Range) {
	src := m.files[r.Filename]
	if r.End.Byte > len(src) || r.Start.Byte > r.End.Byte {
		return
	}
	if !m.owned[r.Filename] {
		src = slices.Clone(src)
		m.files[r.Filename], m.owned[r.Filename] = src, true
	}
	part := src[r.Start.Byte:r.End.Byte]
	for i, c := range part {
		if !bytes.ContainsRune([]byte("\r\n"), rune(c)) {
			part[i] = '*'
		}
	}
}
