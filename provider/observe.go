package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"mercator/schema"
)

// Want is one list to be read whole.
type Want struct {
	Connection string
	Kind       *schema.Kind
	Place      schema.Place
}

// WantPart is one Part of one object to be read.
type WantPart struct {
	Connection string
	Ref        Ref
	Part       *schema.Part
}

// Observe reads all that is wanted, at most parallel reads at a time (16 where parallel is not positive), each
// distinct want once. A plan calls it once per depth: projects, then what lives in them, and merges.
//
// It fails as a whole: a list that could not be read is never an empty one. After a failure nothing further is
// begun; of several failures the one that stands first among the wants is returned, so that the same faults give
// the same error.
func Observe(ctx context.Context, readers map[string]Reader, wants []Want, parts []WantPart, parallel int) (*schema.Live, error) {
	var tasks []func(context.Context) error
	sweeps := make([]schema.LiveSweep, 0, len(wants))
	values := make([]schema.LivePart, 0, len(parts))
	var mu sync.Mutex
	seen := map[Want]bool{}
	for _, w := range wants {
		if seen[w] {
			continue
		}
		seen[w] = true
		tasks = append(tasks, func(ctx context.Context) error {
			objects, err := w.read(ctx, readers[w.Connection])
			mu.Lock()
			defer mu.Unlock()
			sweeps = append(sweeps, schema.LiveSweep{Connection: w.Connection, Kind: w.Kind.Name, Place: w.Place, Objects: objects})
			return err
		})
	}
	for _, w := range parts {
		tasks = append(tasks, func(ctx context.Context) error {
			value, err := w.read(ctx, readers[w.Connection])
			mu.Lock()
			defer mu.Unlock()
			values = append(values, schema.LivePart{
				Connection: w.Connection, Kind: w.Ref.Kind.Name, Place: w.Ref.Place,
				ID: w.Ref.ID, Key: w.Ref.Kind.JoinKey(w.Ref.Key), Attribute: w.Part.Attribute, Value: value,
			})
			return err
		})
	}
	if err := all(ctx, tasks, parallel); err != nil {
		return nil, err
	}
	return schema.NewLive(sweeps, values), nil
}

func (w Want) read(ctx context.Context, r Reader) ([]schema.Object, error) {
	if r == nil {
		return nil, noReader(w.Connection)
	}
	sweep, err := r.List(ctx, w.Kind, w.Place)
	switch {
	case IsNotFound(err):
		return nil, fmt.Errorf("reading every %s in %s, which is not there or was deleted while the plan was made: %w",
			w.Kind.Name, placeText(w.Place), err)
	case err != nil:
		return nil, fmt.Errorf("reading every %s in %s: %w", w.Kind.Name, placeText(w.Place), err)
	}
	return sweep.Objects, nil
}

func (w WantPart) read(ctx context.Context, r Reader) (cty.Value, error) {
	if r == nil {
		return cty.NilVal, noReader(w.Connection)
	}
	value, err := r.Part(ctx, w.Ref, w.Part)
	if err != nil {
		name := w.Ref.Kind.JoinKey(w.Ref.Key)
		if name == "" {
			name = w.Ref.ID
		}
		return cty.NilVal, fmt.Errorf("reading %s of %s %s in %s: %w", w.Part.Attribute, w.Ref.Kind.Name, name, placeText(w.Ref.Place), err)
	}
	return value, nil
}

func noReader(connection string) error {
	return fmt.Errorf("there is no connection %q to read from", connection)
}

// placeText writes a place as people read it: "org …, group …".
func placeText(p schema.Place) string {
	if p == "" {
		return "the organization"
	}
	var steps []string
	for step := range strings.SplitSeq(string(p), ";") {
		name, _, _ := strings.Cut(step, "=")
		steps = append(steps, strings.TrimSuffix(name, "Id")+" "+p.Param(name))
	}
	return strings.Join(steps, ", ")
}

// all runs tasks and returns the error of the first one, in their order, that fails. A failure ends those that
// stand after it and lets those before it go on, which makes the answer independent of timing.
func all(ctx context.Context, tasks []func(context.Context) error, parallel int) error {
	if parallel <= 0 {
		parallel = 16
	}
	var (
		mu      sync.Mutex
		first   = len(tasks)
		failure error
		cancels = make([]context.CancelFunc, len(tasks))
		group   errgroup.Group
	)
	group.SetLimit(parallel)
	for i, task := range tasks {
		group.Go(func() error {
			mu.Lock()
			if i > first {
				mu.Unlock()
				return nil
			}
			ctx, cancel := context.WithCancel(ctx)
			cancels[i] = cancel
			mu.Unlock()
			defer cancel()
			err := task(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err == nil || i > first {
				return nil
			}
			first, failure = i, err
			for _, cancel := range cancels[i+1:] {
				if cancel != nil {
					cancel()
				}
			}
			return nil
		})
	}
	_ = group.Wait() // tasks report through failure
	if failure == nil {
		return ctx.Err()
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(failure, cause) {
		return errors.Join(cause, failure)
	}
	return failure
}
