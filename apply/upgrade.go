package apply

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// grace is how long an object may look as if its upgrade were over and had done nothing: Atlas shows a finished state
// with the former size for a while.
const grace = 5 * time.Minute

// upgrade makes of the object what no update does. Its intent is durable before the call, so that whoever comes after
// a death knows to wait instead of asking for it again.
func (w *writing) upgrade(ctx context.Context, n int, call *schema.Call) error {
	u := w.kind.Upgrade(call.Operation)
	if u == nil {
		return badPlan(call)
	}
	from := w.run.in.Catalog.Kind(u.From)
	if err := w.unchanged(ctx, u, from); err != nil {
		return err
	}
	after, err := w.armUpdate(ctx, n, call, true, true)
	if err != nil {
		return err
	}
	body := provider.Write{Ref: w.ref(), Endpoint: u.Call, Bodies: []cty.Value{w.desired}, Attributes: call.Attributes, Upgrade: u}
	if _, err = w.run.write(ctx, w.step, body); err != nil && !w.begun(ctx, u, err) {
		w.run.failed(w.step, n, err)
		return err
	}
	w.applied, w.restless, w.upgraded = after.applied, after.restless, u
	w.run.finished(w.step, n, state.Record{Bind: w.bound()})
	if w.restless != "" {
		return nil
	}
	w.upgraded = nil
	return w.reread(ctx)
}

// unchanged makes sure that the object is still as the plan found it, and at rest (R27).
func (w *writing) unchanged(ctx context.Context, u *schema.Upgrade, from *schema.Kind) error {
	ref := refOf(from, w.place, w.object.ID, w.object.Key)
	o, err := w.run.read(ctx, w.step, ref)
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case provider.IsNotFound(err):
		return changedMeanwhile("It is not in Atlas any more.")
	case provider.ClassOf(err) == provider.Invalid:
		return changedMeanwhile("Atlas does not have it as a " + from.Name + " any more.")
	case err != nil:
		return err
	case !w.run.ready(from, o):
		return changedMeanwhile("Atlas is at work on it.")
	case !u.Fits(from, o.Value):
		return changedMeanwhile("It was upgraded.")
	case w.c.ID != "" && o.ID != w.c.ID:
		return changedMeanwhile("It was deleted and made anew under the id " + o.ID + ".")
	}
	o = asKind(o, from, w.kind)
	if names := changed(w.kind, w.c.Before, o.Value, w.desired, ownAttributes(w.kind)); len(names) > 0 {
		return changedMeanwhile("What changed: " + strings.Join(names, ", ") + ".")
	}
	w.took(o)
	return nil
}

// begun reports whether Atlas is at work on an upgrade whose answer was lost.
func (w *writing) begun(ctx context.Context, u *schema.Upgrade, cause error) bool {
	if class := provider.ClassOf(cause); class != provider.Uncertain && class != provider.Transient {
		return false
	}
	kind, o, err := w.run.lookUpgraded(context.WithoutCancel(ctx), w.step, u, w.ref())
	return err == nil && (!w.run.still(u, kind, o) || !w.run.ready(kind, o))
}

// still reports whether an object of the kind is what the upgrade is for.
func (r *run) still(u *schema.Upgrade, kind *schema.Kind, o schema.Object) bool {
	return kind.Name == u.From && u.Fits(kind, o.Value)
}

// lookUpgraded reads an object that is being upgraded, as what it becomes or, where Atlas does not have it as that
// yet, as what it was.
func (r *run) lookUpgraded(ctx context.Context, s *step, u *schema.Upgrade, ref provider.Ref) (*schema.Kind, schema.Object, error) {
	o, err := r.read(ctx, s, ref)
	if err == nil || u.From == ref.Kind.Name || !absent(err) {
		return ref.Kind, o, err
	}
	ref.Kind = r.in.Catalog.Kind(u.From)
	older, failed := r.read(ctx, s, ref)
	if failed != nil && absent(failed) { // it may have changed its kind between the two reads
		return ref.Kind, older, &provider.Error{Class: provider.NotFound, Call: "reading what is upgraded", Err: errors.Join(err, failed)}
	}
	return ref.Kind, older, failed
}

// absent reports whether Atlas does not have an object as one of the kind that was asked for.
func absent(err error) bool {
	return provider.IsNotFound(err) || provider.ClassOf(err) == provider.Invalid
}

// awaitUpgrade reads an object until Atlas has upgraded it, and returns it as last read.
func (r *run) awaitUpgrade(ctx context.Context, s *step, u *schema.Upgrade, ref provider.Ref, limit time.Duration) (schema.Object, error) {
	idle := time.Duration(-1) // since when it looks as if nothing had been done
	_, o, err := r.watch(ctx, s, ref.Kind, &watching{verb: schema.CallUpgrade, limit: limit,
		look: func() (*schema.Kind, schema.Object, error) { return r.lookUpgraded(ctx, s, u, ref) },
		over: func(kind *schema.Kind, o schema.Object) (bool, error) {
			state, now := stateOf(kind, o), r.in.Clock.Elapsed()
			over, err := arrived(kind, schema.CallUpgrade, o)
			switch {
			case err != nil || !over || !r.still(u, kind, o):
				idle = -1
				return over, err
			case idle < 0:
				idle = now
			case now-idle > grace:
				return false, diag.Errorf("upgrade_not_taken", "Atlas did not upgrade it",
					"Atlas accepted the upgrade, and for %s it has been %s and what it was before. Nothing was lost. Look at it in Atlas, then run it again.",
					durationText(grace), state)
			}
			return false, nil
		},
	})
	return o, err
}

// awaitOld goes on waiting for what an earlier run, or somebody else, asked of the change's object. One that is to be
// upgraded may come to rest as what it was.
func (r *run) awaitOld(ctx context.Context, s *step, verb schema.Verb) (schema.Object, error) {
	c, ref := s.change, r.oldRef(s)
	limit := limit(s.kind, verb, c.Timeouts)
	u := upgradeFrom(s.kind, cmp.Or(c.Was, c.Kind))
	switch {
	case u != nil && verb == schema.CallUpgrade:
		return r.awaitUpgrade(ctx, s, u, ref, limit)
	case u == nil || c.Was == "":
		return r.await(ctx, s, ref, verb, limit)
	}
	kind, o, err := r.watch(ctx, s, s.kind, &watching{verb: verb, limit: limit,
		look: func() (*schema.Kind, schema.Object, error) { return r.lookUpgraded(ctx, s, u, ref) },
		over: func(kind *schema.Kind, o schema.Object) (bool, error) {
			return arrived(kind, verb, o)
		},
	})
	if err == nil {
		o = asKind(o, kind, s.kind)
	}
	return o, err
}

// became refuses to call an object gone that is there as one of another kind: it was upgraded meanwhile.
func (r *run) became(ctx context.Context, s *step, ref provider.Ref) error {
	for _, peer := range r.in.Catalog.Peers(ref.Kind) {
		_, err := r.read(context.WithoutCancel(ctx), s, refOf(peer, ref.Place, "", ref.Kind.JoinKey(ref.Key)))
		switch {
		case err == nil:
			return changedMeanwhile("It is a " + peer.Name + " in Atlas now.")
		case !absent(err):
			return err
		}
	}
	return nil
}

func upgradeFrom(kind *schema.Kind, from string) *schema.Upgrade {
	i := slices.IndexFunc(kind.Upgrades, func(u schema.Upgrade) bool { return u.From == from })
	if i < 0 {
		return nil
	}
	return &kind.Upgrades[i]
}

// asKind returns an object of one kind as one of another that shares its names.
func asKind(o schema.Object, from, kind *schema.Kind) schema.Object {
	if from != kind {
		o.Kind, o.Value, o.Parts = kind.Name, schema.Carry(from.Attributes, kind.Attributes, o.Value), nil
	}
	return o
}

// carried returns a binding as one of the change's kind: the state may know the object as what it was.
func (r *run) carried(c *plan.Change, b *schema.Bound) *schema.Bound {
	kind := r.in.Catalog.Kind(c.Kind)
	if b == nil || b.Kind == c.Kind || kind == nil {
		return b
	}
	from := r.in.Catalog.Kind(b.Kind)
	if from == nil || from.Namespace() != kind.Namespace() {
		return b
	}
	return plan.Carried(b, from, kind)
}
