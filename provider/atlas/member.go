package atlas

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

// encodeMember makes the body of a call about one element of a list, in an array where the endpoint takes several.
func (c *Client) encodeMember(w provider.Write, out encoded) (encoded, error) {
	list := w.Part.List(w.Ref.Kind)
	plain, err := c.reveal(w.Ref.Kind.Name, []schema.Attribute{*list}, cty.ObjectVal(map[string]cty.Value{list.Name: cty.ListVal([]cty.Value{w.Member})}))
	if err != nil {
		return encoded{}, err
	}
	member := plain.GetAttr(list.Name).Index(cty.Zero)
	var body any
	if t := w.Part.Members.Text; t != nil {
		body = map[string]any{t.Sent: member.AsString()}
	} else {
		out.attrs = inBody(list.Nested, w.Endpoint, w.Part.Members)
		if body, err = schema.Encode(out.attrs, member, schema.ByAPI); err != nil {
			return encoded{}, fmt.Errorf("%s: %w", w.Ref.Kind.Name, err)
		}
	}
	if w.Endpoint.Batch > 0 {
		body = []any{body}
	}
	out.body, err = json.Marshal(body)
	return out, err
}

// inBody returns the attributes of an element that the body of a call holds: those that its path does not.
func inBody(attrs []schema.Attribute, e *schema.Endpoint, m *schema.Members) []schema.Attribute {
	var inPath []string
	for _, param := range schema.Params(e.Path) {
		inPath = append(inPath, m.Params[param]...)
	}
	return slices.DeleteFunc(sendable(attrs), func(a schema.Attribute) bool { return slices.Contains(inPath, a.Name) })
}

// firstText returns the first of the attributes that holds a text.
func firstText(v cty.Value, names []string) string {
	for _, name := range names {
		if s := text(v.GetAttr(name)); s != "" {
			return s
		}
	}
	return ""
}

// identified returns a write about an element that calls name by its id with the id in the element's place.
func (c *Client) identified(ctx context.Context, w provider.Write) (provider.Write, error) {
	if w.Member == cty.NilVal || w.Part.Members.Text == nil || w.Part.Members.Text.IDs == nil {
		return w, nil
	}
	t := w.Part.Members.Text
	member, marks := w.Member.Unmark()
	path, err := w.Ref.Kind.Path(t.IDs.Path, w.Ref.Place, w.Ref.ID, w.Ref.Key)
	if err != nil {
		return w, misuse(t.IDs, err)
	}
	r := request{endpoint: t.IDs, path: path, query: url.Values{t.Shown: {member.AsString()}}}
	items, err := list(ctx, c, r, func(item any) (map[string]any, string) {
		m, _ := item.(map[string]any)
		id, _ := m["id"].(string)
		return m, id
	})
	if err != nil {
		return w, err
	}
	for _, item := range items {
		shown, _ := item[t.Shown].(string)
		if id, _ := item["id"].(string); id != "" && strings.EqualFold(shown, member.AsString()) {
			w.Member = cty.StringVal(id).WithMarks(marks)
			return w, nil
		}
	}
	class := provider.Invalid
	if w.Endpoint == w.Part.Members.Remove {
		class = provider.NotFound
	}
	return w, &provider.Error{Class: class, Call: r.call(), Operation: t.IDs.Operation,
		Err:    fmt.Errorf("nobody has the %s %s", t.Shown, c.secrets.mask(member.AsString())),
		Remedy: fmt.Sprintf("correct %s, or see that Atlas knows it first", w.Part.Attribute)}
}

// memberTexts returns, of a list of plain texts, those that the objects in an answer show; other answers are as they are.
func memberTexts(part *schema.Part, answer any) any {
	items, isList := answer.([]any)
	if !isList || part.Members == nil || part.Members.Text == nil || part.Members.Text.Shown == "" {
		return answer
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			item = m[part.Members.Text.Shown]
		}
		out = append(out, item)
	}
	return out
}
