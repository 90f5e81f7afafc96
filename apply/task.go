package apply

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// perform carries out a step, or a batch of creations, and gives each a status.
func (r *run) perform(ctx context.Context, group []*step) {
	for _, s := range group {
		s.started = r.in.Clock.Elapsed()
		if s.busy() {
			r.emit(s.event(r, EventStart))
		}
	}
	errs := make([]error, len(group))
	if len(group) > 1 {
		errs = r.createMany(ctx, group)
	} else {
		errs[0] = r.one(ctx, group[0])
	}
	for i, s := range group {
		r.conclude(ctx, s, errs[i])
	}
}

// busy reports whether the step has anything to do that is worth telling.
func (s *step) busy() bool {
	return s.phase == waitPhase || len(s.calls()) > 0 || s.phase == plan.Remove && len(s.change.Removal) > 0
}

func (r *run) one(ctx context.Context, s *step) error {
	switch s.phase {
	case waitPhase:
		return r.resume(ctx, s)
	case plan.Remove:
		return r.remove(ctx, s)
	default:
		if len(s.change.Calls) == 0 {
			return nil // it was recorded at the beginning
		}
		w, err := r.newWriting(ctx, s)
		if err != nil {
			return err
		}
		return w.calls(ctx, 0)
	}
}

// conclude turns what became of a step into its status and tells it.
func (r *run) conclude(ctx context.Context, s *step, err error) {
	s.elapsed = r.in.Clock.Elapsed() - s.started
	var lost *state.LostError
	switch {
	case err == nil:
		s.status = Done
		if s.busy() {
			r.emit(s.event(r, EventComplete))
		}
		return
	case errors.Is(err, errInterrupted) || errors.As(err, &lost) || r.halted() != nil && errors.Is(err, r.halted()):
		s.status = Interrupted
		r.mu.Lock()
		r.interrupted = r.interrupted || ctx.Err() != nil
		r.mu.Unlock()
	default:
		s.status = Failed
	}
	d := provider.Diagnostic(err).On(string(s.change.Address))
	if d.Range.IsZero() {
		d = d.At(s.change.Range)
	}
	if s.status == Interrupted {
		return
	}
	s.diags.Add(d)
	e := s.event(r, EventErrored)
	e.Diagnostic = &d
	r.emit(e)
}

// writing is a creation or update under way.
type writing struct {
	run  *run
	step *step
	c    *plan.Change
	kind *schema.Kind

	place schema.Place
	// desired is in clear and marked; all is what the state will keep of it, applied what it keeps so far.
	desired      cty.Value
	all, applied kept
	// object is as last read or answered, and there says that it exists.
	object schema.Object
	there  bool
	// sent says that the answer to an earlier try of the creation was lost.
	sent bool
	// restless is "create", "update" or "upgrade" while Atlas may be at work on what was sent, and upgraded says which
	// upgrade that is.
	restless string
	upgraded *schema.Upgrade
	// secret is the id of the secret that was delivered, and stale are those of the ones to be revoked.
	secret string
	stale  []string
	// restore undoes what made room for a creation, should Atlas refuse it.
	restore []state.Record
}

// newWriting resolves what is to be sent.
func (r *run) newWriting(ctx context.Context, s *step) (*writing, error) {
	c := s.change
	w := &writing{run: r, step: s, c: c, kind: s.kind, secret: c.Secret, stale: c.Stale}
	var diags diag.List
	if w.desired, diags = r.resolve(ctx, c); diags.HasErrors() {
		errs := diags.Errors()
		s.diags.Add(errs[1:]...)
		return nil, errs[0]
	}
	if w.place = r.placeOf(s, w.desired); w.place == "" {
		return nil, diag.Internalf("It is not known where to make it", "Its parent has no id yet.")
	}
	w.all = r.keep(c, w.desired)
	w.applied = kept{value: schema.NullObject(s.kind.Attributes)}
	if c.Action != plan.Create && c.Action != plan.Replace {
		w.object = schema.Object{Kind: c.Kind, Place: w.place, ID: c.ID, Key: c.Key, Value: c.Before}
		w.there = true
		if prior := r.prior(c); prior != nil {
			w.applied = kept{prior.Applied, prior.Secrets}
		}
	}
	w.applied = w.all.over(w.applied, unsent(s.kind))
	return w, nil
}

// unsent are the arguments that no creation or update sends: they are applied by being recorded.
func unsent(kind *schema.Kind) []string {
	var names []string
	for i := range kind.Attributes {
		if a := &kind.Attributes[i]; a.Virtual || a.DestroyTime || a.Initial {
			names = append(names, a.Name)
		}
	}
	return names
}

// calls makes the change's calls, from number first on, and records what is then remembered.
func (w *writing) calls(ctx context.Context, first int) error {
	n := first // the number of the call among those that have an intent
	for i := first; i < len(w.c.Calls); i++ {
		call := &w.c.Calls[i]
		if err := w.atRest(ctx); err != nil {
			return err
		}
		var err error
		switch call.Verb {
		case schema.CallWait:
			continue
		case schema.CallCreate:
			err = w.create(ctx, n, call)
		case schema.CallUpdate:
			err = w.update(ctx, n, call)
		case schema.CallUpgrade:
			err = w.upgrade(ctx, n, call)
		case schema.CallPart:
			err = w.part(ctx, n, call)
		case schema.CallCopy:
			err = w.run.copyOf(ctx, w.step, n, call, w.ref())
		case schema.CallMint:
			err = w.mint(ctx, n, call)
		case schema.CallRevoke:
			err = w.revokeSecret(ctx, n, call)
		default:
			err = badPlan(call)
		}
		if err != nil {
			return err
		}
		n++
	}
	if err := w.atRest(ctx); err != nil {
		return err
	}
	w.applied = w.all
	w.run.add(state.Record{Bind: w.bound()})
	w.run.learn(w.c, w.object)
	return nil
}

func badPlan(call *schema.Call) error {
	return diag.Internalf("The plan does not fit this version", "It asks for the call %q %s, which the kind does not have.",
		call.Verb, call.Operation)
}

// endpoint returns the endpoint of a call. One operation may stand for creation and update alike.
func endpoint(kind *schema.Kind, call *schema.Call) (*schema.Endpoint, error) {
	var candidates []*schema.Endpoint
	switch call.Verb {
	case schema.CallCreate:
		candidates = []*schema.Endpoint{kind.Endpoints.Create}
	case schema.CallDelete:
		candidates = []*schema.Endpoint{kind.Endpoints.Delete}
	case schema.CallUpdate:
		candidates = append([]*schema.Endpoint{kind.Endpoints.Update}, kind.Endpoints.Partial...)
	case schema.CallMint, schema.CallRevoke:
		if kind.Credential != nil && kind.Credential.Rotation != nil {
			candidates = []*schema.Endpoint{kind.Credential.Rotation.Mint, kind.Credential.Rotation.Revoke}
		}
	}
	for _, e := range candidates {
		if e != nil && e.Operation == call.Operation {
			return e, nil
		}
	}
	return nil, badPlan(call)
}

// bound returns what is to be remembered now.
func (w *writing) bound() *schema.Bound {
	b := w.run.remembered(w.c)
	b.Place, b.ID, b.Key = w.place, w.object.ID, w.object.Key
	b.Applied, b.Secrets, b.Waiting = w.applied.value, w.applied.secrets, w.restless
	b.Secret, b.Stale = w.secret, w.stale
	return &b
}

// took notes the object that Atlas answered with.
func (w *writing) took(o schema.Object) {
	o.Kind, o.Place = w.kind.Name, w.place
	for name := range w.object.Parts {
		if !o.Parts[name] {
			o = o.WithPart(name, w.object.Value.GetAttr(name))
		}
	}
	w.object, w.there = o, true
	w.step.id, w.step.key = o.ID, o.Key
}

// ref names the object.
func (w *writing) ref() provider.Ref {
	ref := refOf(w.kind, w.place, w.object.ID, w.object.Key)
	ref.Key = w.kind.PathValues(w.object.Key, w.object.Value)
	return ref
}

func refOf(kind *schema.Kind, place schema.Place, id, key string) provider.Ref {
	return provider.Ref{Kind: kind, Place: place, ID: id, Key: kind.KeyParts(key)}
}

// read reads one object, from the list where the kind has no other way. One that is not there is NotFound.
func (r *run) read(ctx context.Context, s *step, ref provider.Ref) (schema.Object, error) {
	if ref.Kind.Endpoints.Get != nil {
		return s.prov.Get(ctx, ref)
	}
	sweep, err := s.prov.List(ctx, ref.Kind, ref.Place)
	if err != nil {
		return schema.Object{}, err
	}
	key := ref.Kind.JoinKey(ref.Key)
	for _, o := range sweep.Objects {
		if ref.Kind.Singleton || ref.ID != "" && o.ID == ref.ID || ref.ID == "" && key != "" && o.Key == key {
			return o, nil
		}
	}
	return schema.Object{}, &provider.Error{Class: provider.NotFound, Call: "reading every " + ref.Kind.Name}
}

// readBack reads an object that was just written, whatever happens to the run. What Atlas does not show yet is
// asked for again, a few times.
func (r *run) readBack(ctx context.Context, s *step, ref provider.Ref, good func(schema.Object) bool) (schema.Object, error) {
	ctx = context.WithoutCancel(ctx)
	pause := lookPause
	for try := 1; ; try++ {
		o, err := r.read(ctx, s, ref)
		if err == nil && (good == nil || good(o)) || try == looks || err != nil && !provider.IsNotFound(err) {
			return o, err
		}
		if err := r.in.Clock.Sleep(ctx, pause); err != nil {
			return o, err
		}
		pause *= 2
	}
}

// How often, and with which first pause, a write that does not show yet is looked for.
const (
	looks     = 3
	lookPause = time.Second
)

// query returns the query parameters of a call, whose values are those of arguments.
func query(e *schema.Endpoint, value func(attribute string) cty.Value) (url.Values, error) {
	if len(e.Query) == 0 {
		return nil, nil
	}
	out := url.Values{}
	for parameter, attribute := range e.Query {
		v, _ := value(attribute).Unmark()
		if v.IsNull() || !v.IsKnown() {
			continue
		}
		text, err := convert.Convert(v, cty.String)
		if err != nil {
			return nil, fmt.Errorf("the argument %s cannot be sent as a parameter: %w", attribute, err)
		}
		out.Set(parameter, text.AsString())
	}
	return out, nil
}
