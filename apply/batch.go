package apply

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// batchItem is one creation of a batch; at is its place among the batch's steps.
type batchItem struct {
	at       int
	writing  *writing
	creation *creation
}

// createMany makes several objects of one kind in one place in one call, and reads them back in one. Each reports
// for itself: where Atlas refuses the batch, the objects are made one by one, so that one bad entry fails alone.
func (r *run) createMany(ctx context.Context, group []*step) []error {
	errs := make([]error, len(group))
	var items []batchItem
	for i, s := range group {
		item, err := r.batchItem(ctx, i, s)
		if errs[i] = err; err == nil {
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		return errs
	}
	first := items[0].writing
	write := provider.Write{Ref: refOf(first.kind, first.place, "", ""), Endpoint: items[0].creation.endpoint}
	for _, item := range items {
		write.Bodies = append(write.Bodies, item.writing.desired)
		for _, name := range item.creation.call.Attributes {
			if !slices.Contains(write.Attributes, name) {
				write.Attributes = append(write.Attributes, name)
			}
		}
	}
	_, err := r.write(ctx, first.step, write)
	switch class := provider.ClassOf(err); {
	case err == nil:
		r.collect(ctx, items, errs, false)
	case class == provider.Uncertain:
		r.collect(ctx, items, errs, true)
	case class == provider.Invalid || class == provider.Conflict:
		for _, item := range items {
			errs[item.at] = item.writing.calls(ctx, 0)
		}
	default:
		for _, item := range items {
			r.failed(item.writing.step, 0, err)
			errs[item.at] = err
		}
	}
	return errs
}

// batchItem resolves and arms one creation of a batch.
func (r *run) batchItem(ctx context.Context, at int, s *step) (batchItem, error) {
	w, err := r.newWriting(ctx, s)
	if err != nil {
		return batchItem{}, err
	}
	c, err := w.prepare(ctx, 0, &s.change.Calls[0])
	if err != nil {
		return batchItem{}, err
	}
	return batchItem{at, w, c}, w.armCreate(ctx, c)
}

// collect finds what a batch made and goes on with each. What is missing although the answer was lost is made by
// itself.
func (r *run) collect(ctx context.Context, items []batchItem, errs []error, lost bool) {
	found, err := r.found(ctx, items)
	for _, item := range items {
		w := item.writing
		o, ok := found[item.creation.key]
		switch {
		case ok:
			w.bind(item.creation, o)
			errs[item.at] = w.calls(ctx, 1)
		case err != nil:
			errs[item.at] = err
		case lost:
			w.sent = true
			errs[item.at] = w.calls(ctx, 0)
		default:
			errs[item.at] = diag.Errorf("not_created", "Atlas did not make it",
				"Atlas accepted the call and does not show the object. The next run looks for it; plan again.")
		}
	}
}

// found lists the objects of a batch by key, a few times until all are there.
func (r *run) found(ctx context.Context, items []batchItem) (map[string]schema.Object, error) {
	ctx = context.WithoutCancel(ctx)
	w := items[0].writing
	pause := lookPause
	for try := 1; ; try++ {
		sweep, err := w.step.prov.List(ctx, w.kind, w.place)
		if err != nil {
			return nil, err
		}
		byKey := make(map[string]schema.Object, len(sweep.Objects))
		for _, o := range sweep.Objects {
			byKey[o.Key] = o
		}
		missing := slices.ContainsFunc(items, func(i batchItem) bool { return byKey[i.creation.key].Value == cty.NilVal })
		if !missing || try == looks {
			return byKey, nil
		}
		if err := r.in.Clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause *= 2
	}
}
