package atlas

import (
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// decode turns one item of an answer into an object. Write-only values are null whatever Atlas shows in their
// place. Values that Atlas shows once are null too, unless the answer is that of a write: then they are marked
// sensitive and registered with the redactor. Parts are null: other endpoints hold them.
func (c *Client) decode(kind *schema.Kind, place schema.Place, item any, written bool) schema.Object {
	shown, _ := item.(map[string]any)
	j := c.withoutSecrets(kind.Attributes, shown, written)
	for i := range kind.Parts {
		if a := kind.Attribute(kind.Parts[i].Attribute); a != nil && kind.Parts[i].Read != nil {
			delete(j, a.API)
		}
	}
	if list := kind.Endpoints.List; list != nil && list.Per != nil { // an answer need not repeat what was asked for
		if a := kind.Attribute(list.Per.Attribute); !slices.ContainsFunc(slices.Collect(maps.Keys(j)), a.ReadFrom) {
			j[a.API] = place.Param(list.Per.Param)
		}
	}
	o := schema.Object{Kind: kind.Name, Place: place, Held: held(kind.Attributes, shown, "")}
	o.Value, o.Unknown = kind.Answer(j)
	if kind.Identity.ID != "" {
		o.ID = text(o.Value.GetAttr(kind.Identity.ID))
	}
	// A key that cannot be spelt in canonical form is no key that a file could name.
	if key, known, err := kind.NaturalKey(o.Value); known && err == nil {
		o.Key = key
	}
	if written {
		o.Value = markOnce(kind.Attributes, o.Value)
	}
	return o
}

// held lists the secrets that an answer shows in masked form, outside of lists.
func held(attrs []schema.Attribute, j map[string]any, prefix string) []string {
	var out []string
	for i := range attrs {
		a := &attrs[i]
		switch v := j[a.API].(type) {
		case string:
			if a.Masked && v != "" {
				out = append(out, prefix+a.Name)
			}
		case map[string]any:
			out = append(out, held(a.Nested, v, prefix+a.Name+".")...)
		}
	}
	return out
}

// withoutSecrets returns a copy of an answer without the fields that are secret.
func (c *Client) withoutSecrets(attrs []schema.Attribute, j map[string]any, written bool) map[string]any {
	out := make(map[string]any, len(j))
	for name, v := range j {
		a := findAPI(attrs, name)
		switch {
		case a == nil:
			out[name] = v
		case a.OnceShown && written:
			if s, ok := v.(string); ok && !redacted(s) {
				c.secrets.add(s)
				out[name] = v
			}
		case a.WriteOnly, a.OnceShown:
		case a.Nested == nil:
			out[name] = v
		default:
			switch v := v.(type) {
			case map[string]any:
				out[name] = c.withoutSecrets(a.Nested, v, written)
			case []any:
				list := make([]any, len(v))
				for i, el := range v {
					if m, ok := el.(map[string]any); ok {
						el = c.withoutSecrets(a.Nested, m, written)
					}
					list[i] = el
				}
				out[name] = list
			default:
				out[name] = v
			}
		}
	}
	return out
}

// markOnce marks the values that Atlas shows once.
func markOnce(attrs []schema.Attribute, v cty.Value) cty.Value {
	var marks []cty.PathValueMarks
	eachSecret(attrs, v, nil, func(path cty.Path, _ cty.Value) {
		marks = append(marks, cty.PathValueMarks{Path: path.Copy(), Marks: cty.NewValueMarks(schema.Sensitive)})
	})
	return v.MarkWithPaths(marks)
}

// text returns a known string, "" for anything else.
func text(v cty.Value) string {
	if v.Type() != cty.String || !v.IsKnown() || v.IsNull() || v.IsMarked() {
		return ""
	}
	return v.AsString()
}

// decodePart turns the answer of a Part's endpoint into the attribute's value.
func (c *Client) decodePart(kind *schema.Kind, part *schema.Part, j any) cty.Value {
	a := *kind.Attribute(part.Attribute)
	if part.Each {
		byName := map[string]any{}
		items, _ := j.([]any)
		for _, item := range items {
			if m, ok := item.(map[string]any); ok {
				if name, ok := m["name"].(string); ok {
					byName[name] = m["value"]
				}
			}
		}
		j = byName
	}
	j = memberTexts(part, j)
	whole := c.withoutSecrets([]schema.Attribute{a}, map[string]any{a.API: j}, false)
	v, _ := schema.Decode([]schema.Attribute{a}, whole, schema.ByAPI)
	return v.GetAttr(a.Name)
}
