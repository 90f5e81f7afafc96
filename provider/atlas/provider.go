package atlas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

// List implements provider.Reader. A kind without a list has its one object read instead (a singleton): where it
// is not there, the list is empty, and where what it lives in is not there, the error is NotFound.
func (c *Client) List(ctx context.Context, kind *schema.Kind, place schema.Place) (provider.Sweep, error) {
	if kind.Endpoints.List == nil {
		o, err := c.Get(ctx, provider.Ref{Kind: kind, Place: place})
		if absent(err) {
			return provider.Sweep{}, nil
		}
		if err != nil {
			return provider.Sweep{}, err
		}
		return provider.Sweep{Objects: []schema.Object{o}}, nil
	}
	path, err := kind.Path(kind.Endpoints.List.Path, place, "", nil)
	if err != nil {
		return provider.Sweep{}, misuse(kind.Endpoints.List, err)
	}
	r := request{endpoint: kind.Endpoints.List, path: path, query: always(kind.Endpoints.List), attrs: kind.Attributes}
	if r.endpoint.Names != nil {
		return c.listNamed(ctx, kind, place, r)
	}
	divide(&r, place)
	objects, err := list(ctx, c, r, func(item any) (schema.Object, string) {
		o := c.decode(kind, place, item, false)
		return o, or(o.ID, o.Key)
	})
	return provider.Sweep{Objects: objects}, err
}

// always returns the query parameters that every call of an endpoint has.
func always(e *schema.Endpoint) url.Values {
	query := url.Values{}
	for name, value := range e.Always {
		query.Set(name, value)
	}
	return query
}

// Get implements provider.Reader. An object of a kind without an endpoint for one is looked for in its list,
// and so is one whose id is not known where that is all that its endpoint goes by.
func (c *Client) Get(ctx context.Context, ref provider.Ref) (schema.Object, error) {
	kind := ref.Kind
	if kind.Endpoints.Get == nil {
		if kind.Endpoints.List == nil {
			return schema.Object{}, misuse(nil, fmt.Errorf("%s has no endpoint to read it", kind.Name))
		}
		return c.find(ctx, ref)
	}
	endpoint := kind.Endpoints.Get
	if ref.ID == "" && kind.Endpoints.Find != nil {
		endpoint = kind.Endpoints.Find
	}
	path, err := kind.Path(endpoint.Path, ref.Place, ref.ID, ref.Key)
	if err != nil && ref.ID == "" && kind.JoinKey(ref.Key) != "" && kind.Endpoints.List != nil {
		return c.find(ctx, ref) // its endpoint goes by the id, which is not known
	}
	if err != nil {
		return schema.Object{}, misuse(endpoint, err)
	}
	r := &request{endpoint: endpoint, path: path, attrs: kind.Attributes}
	j, err := c.do(ctx, r)
	if err != nil {
		return schema.Object{}, err
	}
	if _, ok := j.(map[string]any); !ok {
		return schema.Object{}, c.plainError(r, errors.New("the answer is no object"))
	}
	return c.decode(kind, ref.Place, j, false), nil
}

func (c *Client) find(ctx context.Context, ref provider.Ref) (schema.Object, error) {
	sweep, err := c.List(ctx, ref.Kind, ref.Place)
	if err != nil {
		return schema.Object{}, err
	}
	key := ref.Kind.JoinKey(ref.Key)
	for _, o := range sweep.Objects {
		if (ref.ID != "" && o.ID == ref.ID) || (ref.ID == "" && key != "" && o.Key == key) {
			return o, nil
		}
	}
	e := ref.Kind.Endpoints.List
	return schema.Object{}, &provider.Error{
		Class: provider.NotFound, Call: e.Method + " " + e.Path, Operation: e.Operation,
		Err: fmt.Errorf("the list holds no %s %s", ref.Kind.Name, or(key, ref.ID)),
	}
}

// Part implements provider.Reader.
func (c *Client) Part(ctx context.Context, ref provider.Ref, part *schema.Part) (cty.Value, error) {
	a := ref.Kind.Attribute(part.Attribute)
	path, err := ref.Kind.Path(part.Read.Path, ref.Place, ref.ID, ref.Key)
	if err != nil {
		return cty.NilVal, misuse(part.Read, err)
	}
	r := request{endpoint: part.Read, path: path, attrs: a.Nested}
	var j any
	if a.Type == schema.TypeList || part.Each {
		j, err = asAny(list(ctx, c, r, func(item any) (any, string) { return item, "" }))
	} else {
		j, err = c.do(ctx, &r)
	}
	if err != nil {
		return cty.NilVal, err
	}
	return c.decodePart(ref.Kind, part, j), nil
}

func asAny(items []any, err error) (any, error) { return items, err }

// Write implements provider.Writer.
func (c *Client) Write(ctx context.Context, w provider.Write) (schema.Object, error) {
	w, err := c.identified(ctx, w)
	if err != nil {
		return schema.Object{}, err
	}
	place := w.Ref.Place
	if w.Part != nil && w.Part.Each {
		place = place.With(w.Part.EachParam, apiKey(w.Ref.Kind.Attribute(w.Part.Attribute), w.PartKey))
	}
	if w.Member != cty.NilVal {
		for param, names := range w.Part.Members.Params {
			place = place.With(param, firstText(w.Member, names))
		}
	}
	var rotation *schema.Rotation
	if cr := w.Ref.Kind.Credential; cr != nil && cr.Rotation != nil {
		rotation, place = cr.Rotation, place.With(cr.Rotation.Param, w.Secret)
	}
	path, err := w.Ref.Kind.Path(w.Endpoint.Path, place, w.Ref.ID, w.Ref.Key)
	if err != nil {
		return schema.Object{}, misuse(w.Endpoint, err)
	}
	sent, err := c.encode(w)
	if err != nil {
		return schema.Object{}, misuse(w.Endpoint, err)
	}
	r := &request{endpoint: w.Endpoint, path: path, query: sent.query, body: sent.body, attrs: w.Ref.Kind.Attributes}
	if w.Part != nil {
		r.attrs = sent.attrs
	}
	j, err := c.do(ctx, r)
	if err != nil {
		return schema.Object{}, err
	}
	object, ok := j.(map[string]any)
	if !ok || len(object) == 0 || w.Part != nil || w.Upgrade != nil || w.Endpoint.AnswersList || w.Endpoint.Batch > 0 || w.Endpoint.Method == http.MethodDelete {
		return schema.Object{}, nil
	}
	if rotation != nil && w.Endpoint == rotation.Mint {
		object = map[string]any{w.Ref.Kind.Attribute(rotation.Secrets).API: []any{object}}
	}
	return c.decode(w.Ref.Kind, w.Ref.Place, object, true), nil
}

// misuse is the error of a call that cannot be made from what the engine gave; nothing was sent.
func misuse(e *schema.Endpoint, err error) error {
	out := &provider.Error{Class: provider.Invalid, Call: "a call", Err: err}
	if e != nil {
		out.Call, out.Operation = e.Method+" "+e.Path, e.Operation
	}
	return out
}
