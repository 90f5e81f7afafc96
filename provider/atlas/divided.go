package atlas

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"mercator/provider"
	"mercator/schema"
)

// divide asks for the part of a list that a place says, where the path does not say it.
func divide(r *request, place schema.Place) {
	if per := r.endpoint.Per; per != nil && !slices.Contains(schema.Params(r.endpoint.Path), per.Param) {
		r.query.Set(per.Param, place.Param(per.Param))
	}
}

// listNamed reads what the objects live in, and then each object that it names. One that is gone by then is left out.
func (c *Client) listNamed(ctx context.Context, kind *schema.Kind, place schema.Place, r request) (provider.Sweep, error) {
	j, err := c.do(ctx, &r)
	if err != nil {
		return provider.Sweep{}, err
	}
	around, ok := j.(map[string]any)
	if !ok {
		return provider.Sweep{}, c.plainError(&r, errors.New("the answer is no object"))
	}
	var names []string
	for _, field := range r.endpoint.Names {
		list, _ := around[field].([]any)
		for _, el := range list {
			if name, ok := el.(string); ok {
				names = append(names, name)
			}
		}
	}
	found := make([]*schema.Object, len(names))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(cap(c.slots))
	for i, name := range names {
		group.Go(func() error {
			o, err := c.Get(inner, provider.Ref{Kind: kind, Place: place, Key: map[string]string{kind.Identity.Key[0]: name}})
			if err == nil {
				found[i] = &o
			}
			if absent(err) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return provider.Sweep{}, err
	}
	var sweep provider.Sweep
	for _, o := range found {
		if o != nil {
			sweep.Objects = append(sweep.Objects, *o)
		}
	}
	return sweep, nil
}
