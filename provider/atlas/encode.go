package atlas

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

// encoded is what a write sends: JSON, and the attributes that describe it to the log.
type encoded struct {
	body  []byte
	attrs []schema.Attribute
	query url.Values
}

// encode makes a write's body and query. Secrets are revealed here and nowhere else, and registered with the
// redactor first. The body holds the attributes that the write asks for; what Atlas owns, what exists in the
// language only, what the endpoint does not take and what stands behind an endpoint of its own is left out.
func (c *Client) encode(w provider.Write) (encoded, error) {
	out := encoded{query: url.Values{}}
	for name, values := range w.Query {
		out.query[name] = slices.Clone(values)
	}
	if w.Endpoint.Body != "" {
		out.body, out.attrs = []byte(w.Endpoint.Body), w.Ref.Kind.Attributes
		return out, nil
	}
	if w.Bodies == nil && w.Member == cty.NilVal || w.Endpoint.Method == http.MethodDelete {
		return out, nil
	}
	if w.Member != cty.NilVal {
		return c.encodeMember(w, out)
	}
	var parts []any
	for _, v := range w.Bodies {
		plain, err := c.reveal(w.Ref.Kind.Name, w.Ref.Kind.Attributes, v)
		if err != nil {
			return encoded{}, err
		}
		var j any
		switch {
		case w.Part != nil:
			j, out.attrs, err = encodePart(w, plain)
		case w.Upgrade != nil && w.Upgrade.Body != nil:
			j, err = w.Upgrade.Request(w.Ref.Kind, plain)
		default:
			if err := fillQuery(out.query, w, plain); err != nil {
				return encoded{}, err
			}
			out.attrs = bodyAttributes(w)
			j, err = encodeBody(w, out.attrs, plain)
		}
		if err != nil {
			return encoded{}, fmt.Errorf("%s: %w", w.Ref.Kind.Name, err)
		}
		parts = append(parts, j)
	}
	var body any = parts
	switch {
	case w.Endpoint.Batch > 0 && len(parts) > w.Endpoint.Batch:
		return encoded{}, fmt.Errorf("%s: %d bodies for a call that takes %d", w.Ref.Kind.Name, len(parts), w.Endpoint.Batch)
	case w.Endpoint.Batch == 0 && len(parts) != 1:
		return encoded{}, fmt.Errorf("%s: %d bodies for a call that takes one", w.Ref.Kind.Name, len(parts))
	case w.Endpoint.Batch == 0:
		body = parts[0]
	}
	var err error
	out.body, err = json.Marshal(body)
	return out, err
}

// reveal takes the marks off a value that has the given attributes of a kind, tells the redactor what they covered,
// and refuses masked secrets (R14).
func (c *Client) reveal(kind string, attrs []schema.Attribute, v cty.Value) (cty.Value, error) {
	plain, marks := v.UnmarkDeepWithPaths()
	var err error
	look := func(path cty.Path, v cty.Value) {
		for _, s := range texts(v) {
			if err == nil && redacted(s) {
				err = fmt.Errorf("%s: %s holds a masked secret, not the secret; write the secret itself, or leave the argument out",
					kind, schema.PathString(path))
			}
			c.secrets.add(s)
		}
	}
	for _, m := range marks {
		if at, failed := m.Path.Apply(plain); failed == nil {
			look(m.Path, at)
		}
	}
	eachSecret(attrs, plain, nil, look)
	return plain, err
}

// redacted reports whether a text is what Atlas shows in place of a secret: stars with the last characters kept,
// a key with all but its last group starred, a URL with its path starred but for its last characters.
func redacted(s string) bool {
	return strings.HasPrefix(s, "****") || strings.Contains(s, "/****")
}

// texts returns all known strings inside a value.
func texts(v cty.Value) []string {
	var out []string
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if !v.IsKnown() || v.IsNull() {
			return false, nil
		}
		if v.Type() == cty.String {
			out = append(out, v.AsString())
		}
		return true, nil
	})
	return out
}

// eachSecret calls f with every value that an attribute declares secret.
func eachSecret(attrs []schema.Attribute, v cty.Value, at cty.Path, f func(cty.Path, cty.Value)) {
	if v.IsNull() || !v.IsKnown() {
		return
	}
	for i := range attrs {
		a := &attrs[i]
		path := at.GetAttr(a.Name)
		field := v.GetAttr(a.Name)
		switch {
		case field.IsNull() || !field.IsKnown():
		case a.WriteOnly || a.OnceShown:
			f(path, field)
		case a.Nested != nil && a.Type == schema.TypeObject:
			eachSecret(a.Nested, field, path, f)
		case a.Nested != nil:
			for it := field.ElementIterator(); it.Next(); {
				key, el := it.Element()
				eachSecret(a.Nested, el, path.Index(key), f)
			}
		}
	}
}

// bodyAttributes returns the attributes that a write's main body holds. With Attributes given it is these, else
// all; never those that Atlas owns (handles excepted), those for a deletion, for the language or for a Part, nor
// those that the endpoint omits or takes as query. A creation that sends all leaves out what is sent Later, and
// every other call what is Initial.
func bodyAttributes(w provider.Write) []schema.Attribute {
	skip := map[string]bool{}
	for _, name := range w.Endpoint.Omit {
		skip[name] = true
	}
	for _, name := range w.Endpoint.Query {
		skip[name] = true
	}
	creation := w.Endpoint == w.Ref.Kind.Endpoints.Create
	for i := range w.Ref.Kind.Parts {
		p := &w.Ref.Kind.Parts[i]
		skip[p.Attribute] = skip[p.Attribute] || !creation || !p.AtCreation
	}
	var out []schema.Attribute
	for _, a := range sendable(w.Ref.Kind.Attributes) {
		switch {
		case skip[a.Name]:
		case w.Attributes != nil && !slices.Contains(w.Attributes, a.Name):
		case w.Attributes == nil && (a.Later && creation || a.Initial && !creation):
		default:
			out = append(out, a)
		}
	}
	return out
}

// encodeBody writes the attributes, and for a creation the ids of the place that Atlas wants in the body.
func encodeBody(w provider.Write, attrs []schema.Attribute, v cty.Value) (any, error) {
	j, err := schema.Encode(attrs, v, schema.ByAPI)
	if err != nil {
		return nil, err
	}
	for name, field := range w.Endpoint.Renamed {
		if a := w.Ref.Kind.Attribute(name); a != nil && j[a.API] != nil {
			j[field] = j[a.API]
			delete(j, a.API)
		}
	}
	for field, text := range w.Endpoint.Adds {
		j[field] = text
	}
	for i := range w.Ref.Kind.Attributes {
		a := &w.Ref.Kind.Attributes[i]
		if id := w.Ref.Place.Param(a.FromPlace); id != "" && w.Endpoint.Only == nil && !slices.Contains(w.Endpoint.Omit, a.Name) {
			j[a.API] = id
		}
	}
	return j, nil
}

// sendable returns the attributes, at every depth, that a body may hold.
func sendable(attrs []schema.Attribute) []schema.Attribute {
	out := make([]schema.Attribute, 0, len(attrs))
	for _, a := range attrs {
		if a.Virtual || a.DestroyTime || (a.Owner == schema.Server && !a.Handle) {
			continue
		}
		if a.Nested != nil {
			a.Nested = sendable(a.Nested)
		}
		out = append(out, a)
	}
	return out
}

// encodePart returns the body of a write to a Part: the attribute's value, or {"value": …} for one of its keys.
func encodePart(w provider.Write, v cty.Value) (any, []schema.Attribute, error) {
	a := *w.Ref.Kind.Attribute(w.Part.Attribute)
	value := v.GetAttr(a.Name)
	if w.Part.Each {
		one, err := partValue(&a, value, w.PartKey)
		if err != nil {
			return nil, nil, err
		}
		j, err := schema.Encode([]schema.Attribute{*one.attr}, one.object, schema.ByAPI)
		if err != nil {
			return nil, nil, err
		}
		return map[string]any{"value": j[one.attr.API]}, nil, nil
	}
	attrs := sendable([]schema.Attribute{a})
	if len(attrs) == 0 {
		return nil, nil, fmt.Errorf("%s cannot be sent: Atlas alone sets it", a.Name)
	}
	j, err := schema.Encode(attrs, cty.ObjectVal(map[string]cty.Value{a.Name: value}), schema.ByAPI)
	if err != nil {
		return nil, nil, err
	}
	if j[a.API] == nil {
		return nil, nil, fmt.Errorf("%s has no value to send", a.Name)
	}
	return j[a.API], a.Nested, nil
}

// keyed is one key of a Part that is written key by key, as an attribute of its own.
type keyed struct {
	attr   *schema.Attribute
	object cty.Value
}

// partValue finds a key in a Part's value: an attribute of an object by its name or API name, or a key of a map.
func partValue(a *schema.Attribute, value cty.Value, key string) (keyed, error) {
	missing := fmt.Errorf("%s has no value for %q to send", a.Name, key)
	if key == "" {
		return keyed{}, errors.New(a.Name + " is written key by key, and no key was given")
	}
	if value.IsNull() {
		return keyed{}, missing
	}
	one := schema.Attribute{Name: "value", API: "value", Type: a.Of}
	var v cty.Value
	if a.Type == schema.TypeMap {
		index := cty.StringVal(key)
		if !value.HasIndex(index).True() {
			return keyed{}, missing
		}
		v = value.Index(index)
	} else {
		field := nestedKey(a, key)
		if field == nil {
			return keyed{}, missing
		}
		one = *field
		v = value.GetAttr(field.Name)
		one.Name = "value"
	}
	if v.IsNull() {
		return keyed{}, missing
	}
	return keyed{&one, cty.ObjectVal(map[string]cty.Value{"value": v})}, nil
}

// nestedKey returns the nested attribute that a Part's key names.
func nestedKey(a *schema.Attribute, key string) *schema.Attribute {
	if f := schema.Find(a.Nested, key); f != nil {
		return f
	}
	return findAPI(a.Nested, key)
}

// apiKey returns a Part's key as the path names it.
func apiKey(a *schema.Attribute, key string) string {
	if f := nestedKey(a, key); f != nil {
		return f.API
	}
	return key
}

// fillQuery sets the query parameters that attributes of the body fill, where the caller did not.
func fillQuery(query url.Values, w provider.Write, v cty.Value) error {
	for param, name := range w.Endpoint.Query {
		a := w.Ref.Kind.Attribute(name)
		if a == nil || query.Has(param) {
			continue
		}
		j, err := schema.Encode([]schema.Attribute{*a}, v, schema.ByAPI)
		if err != nil {
			return err
		}
		if value, ok := j[a.API]; ok {
			text, err := json.Marshal(value)
			if err != nil {
				return err
			}
			if s, ok := value.(string); ok {
				text = []byte(s)
			}
			query.Set(param, string(text))
		}
	}
	return nil
}
