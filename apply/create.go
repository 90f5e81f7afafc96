package apply

import (
	"context"
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

// siblings are the objects of one kind in one place, as far as creations without natural key need them: one
// listing serves all of a run's, and what the run makes is added (R26). Its lane keeps it to one step at a time.
type siblings struct {
	objects []schema.Object // as listed at first
	seen    map[string]bool // their ids, and those that were made since
	taken   map[string]bool // ids that belong to an address
}

// listing returns the siblings of the object to be created, read at the first call.
func (w *writing) listing(ctx context.Context) (*siblings, error) {
	name := laneName{connection: w.c.Connection, kind: w.kind.Name, place: w.place}
	w.run.mu.Lock()
	known := w.run.siblings[name]
	w.run.mu.Unlock()
	if known != nil {
		return known, nil
	}
	sweep, err := w.step.prov.List(ctx, w.kind, w.place)
	if err != nil {
		return nil, err
	}
	s := w.run.siblingsAmong(w.kind, sweep.Objects)
	w.run.mu.Lock()
	w.run.siblings[name] = s
	w.run.mu.Unlock()
	return s, nil
}

// siblingsAmong returns siblings of which all are seen, and those taken that the state or the plan knows.
func (r *run) siblingsAmong(kind *schema.Kind, objects []schema.Object) *siblings {
	s := &siblings{objects: objects, seen: map[string]bool{}, taken: map[string]bool{}}
	for _, o := range objects {
		s.seen[o.ID] = true
	}
	for _, b := range r.in.State.Resources {
		s.taken[b.ID] = s.taken[b.ID] || b.Kind == kind.Name
	}
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		s.taken[c.ID] = s.taken[c.ID] || c.Kind == kind.Name
	}
	return s
}

func (s *siblings) ids() []string {
	ids := make([]string, 0, len(s.seen))
	for id := range s.seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// same returns the objects that hold the given content and belong to no address. Of those that were not seen
// before, what was sent must be there: what Atlas filled in besides does not count. With old, of all that Atlas
// made by itself, nothing else may be there either.
func (s *siblings) same(kind *schema.Kind, content cty.Value, objects []schema.Object, old bool) []schema.Object {
	var found []schema.Object
	for _, o := range objects {
		if s.taken[o.ID] || s.seen[o.ID] && !old {
			continue
		}
		if plan.MadeFrom(kind, content, o.Value) && (!old || plan.SameContent(kind, content, o.Value)) {
			found = append(found, o)
		}
	}
	return found
}

// creation is the making of one object.
type creation struct {
	n        int // the number of its intent
	endpoint *schema.Endpoint
	call     *schema.Call
	siblings *siblings // where they matter, else nil
	key      string
}

// tries bounds how often a creation whose answer was lost is sent.
const tries = 3

// create makes the object, or takes over what Atlas made by itself (R24).
func (w *writing) create(ctx context.Context, n int, call *schema.Call) error {
	c, err := w.prepare(ctx, n, call)
	if err != nil {
		return err
	}
	if w.takeOver(c) {
		return nil
	}
	for try := 1; ; try++ {
		if err := w.armCreate(ctx, c); err != nil {
			return err
		}
		o, err := w.run.write(ctx, w.step, provider.Write{Ref: refOf(w.kind, w.place, "", c.key), Endpoint: c.endpoint,
			Bodies: w.bodies(c), Attributes: call.Attributes})
		if err == nil {
			return w.created(ctx, c, o)
		}
		again, failure := w.notCreated(ctx, c, err)
		if again && try < tries {
			continue
		}
		if failure != nil && !w.sent {
			w.run.failed(w.step, n, err, w.restore...)
		}
		return failure
	}
}

// prepare reads what a creation must know of its siblings.
func (w *writing) prepare(ctx context.Context, n int, call *schema.Call) (*creation, error) {
	e, err := endpoint(w.kind, call)
	if err != nil {
		return nil, err
	}
	c := &creation{n: n, endpoint: e, call: call}
	key, known, err := w.kind.NaturalKey(w.desired)
	switch {
	case err != nil:
		return nil, diag.Internalf("Its name is not valid", "%v.", err)
	case !known && len(w.kind.Identity.Key) > 0:
		return nil, diag.Errorf("unknown_value", "Its name is not known", "The name depends on what Atlas does not tell.")
	}
	c.key = key
	if w.kind.Credential != nil {
		if err := w.deliverable(); err != nil {
			return nil, err
		}
	}
	if needsListing(w.kind) {
		c.siblings, err = w.listing(ctx)
	}
	if deposes(w.c) {
		w.restore = w.run.depose(w.c)
	}
	return c, err
}

// takeOver takes an object that Atlas made by itself in a parent that this run made, and that is exactly what is
// asked for (R24). A secret cannot be compared, so a resource with one is made.
func (w *writing) takeOver(c *creation) bool {
	w.run.mu.Lock()
	_, madeNow := w.run.inside[w.c.Parent]
	w.run.mu.Unlock()
	parent := w.run.changes[w.c.Parent]
	if !w.kind.Siblings || c.siblings == nil || !madeNow || parent == nil ||
		parent.Action != plan.Create && parent.Action != plan.Replace || hasSecrets(w.kind.Attributes, w.desired) {
		return false
	}
	found := c.siblings.same(w.kind, w.desired, c.siblings.objects, true)
	if len(found) == 0 {
		return false
	}
	w.bind(c, found[0])
	return true
}

// armCreate says in the journal what is about to be made, and what was there before.
func (w *writing) armCreate(ctx context.Context, c *creation) error {
	return w.run.arm(ctx, w.step, c.n, true, func(i *state.Intent) {
		i.Place, i.Key = w.place, c.key
		content := w.content(c)
		i.Content, i.Secrets = content.value, content.secrets
		bound := w.run.remembered(w.c)
		bound.Place, bound.ID, bound.Key = w.place, "", c.key
		applied := w.all.over(w.applied, w.lasting(c))
		bound.Applied, bound.Secrets, bound.Waiting = applied.value, applied.secrets, w.waitsAfter(schema.CallCreate)
		i.Bind = &bound
		if c.siblings != nil {
			i.Seen = c.siblings.ids()
		}
	})
}

// content is what a creation sends, which is what shows afterwards that an object is the one that it made: what a later
// call sends is not there yet.
func (w *writing) content(c *creation) kept {
	content := w.all.over(kept{value: schema.NullObject(w.kind.Attributes)}, c.call.Attributes)
	content.value = w.provisional(c, content.value)
	return content
}

// waitsAfter is what the object is busy with once a call of the verb is answered, "" if the kind never is.
func (w *writing) waitsAfter(v schema.Verb) string {
	switch {
	case w.kind.Credential != nil && v == schema.CallCreate:
		return schema.Undelivered
	case w.kind.Settle == nil:
		return ""
	}
	return string(v)
}

// created binds the object that a creation was answered with, read back where the answer does not hold it.
func (w *writing) created(ctx context.Context, c *creation, o schema.Object) error {
	if !answered(o) {
		var err error
		if o, err = w.lookUp(ctx, c); err != nil {
			return err // the intent stays: it was made, and the next run finds it
		}
	}
	if w.kind.Credential != nil {
		return w.deliver(ctx, c, o)
	}
	w.bind(c, o)
	if c.endpoint.Upsert {
		return w.verify(ctx, c.call.Attributes)
	}
	return w.tookSecrets(w.desired)
}

// answered reports whether a call was answered with an object.
func answered(o schema.Object) bool { return o.Value != cty.NilVal && !o.Value.IsNull() }

// bind records the new object before anything else happens to it.
func (w *writing) bind(c *creation, o schema.Object) {
	w.took(o)
	if o.Key == "" {
		w.object.Key, w.step.key = c.key, c.key
	}
	if c.siblings != nil {
		c.siblings.seen[o.ID], c.siblings.taken[o.ID] = true, true
	}
	w.restless = w.waitsAfter(schema.CallCreate)
	w.applied = w.all.over(w.applied, w.lasting(c))
	w.run.finished(w.step, c.n, state.Record{Bind: w.bound()})
	w.run.learn(w.c, w.object)
}

// notCreated looks into a creation that failed: whether it was carried out after all, then err is nil, whether to
// try again, or why it failed for good.
func (w *writing) notCreated(ctx context.Context, c *creation, cause error) (again bool, err error) {
	class := provider.ClassOf(cause)
	if class == provider.Uncertain {
		w.sent = true
	}
	if class != provider.Uncertain && class != provider.Conflict {
		return false, cause
	}
	o, err := w.lookUp(ctx, c)
	switch {
	case err == nil && w.sent && w.kind.Credential != nil: // its secret was in the answer that was lost
		if err := w.revoke(context.WithoutCancel(ctx), o); err != nil {
			return false, err // the intent stays, and the next run revokes it
		}
		return true, cause
	case err == nil && w.sent:
		w.bind(c, o)
		return false, nil
	case err == nil:
		return false, diag.Errorf("exists_meanwhile", "It exists meanwhile",
			"The plan saw nothing of that name, and now Atlas has it (%s). Somebody else made it, so it was not touched. "+
				"Plan again to take it over.", identity(o)).On(string(w.c.Address))
	case provider.IsNotFound(err) && class == provider.Uncertain:
		return true, cause
	case provider.IsNotFound(err):
		return false, cause
	default:
		return false, err
	}
}

func identity(o schema.Object) string {
	if o.ID != "" {
		return "id " + o.ID
	}
	return "key " + o.Key
}

// lookUp finds the object that a creation made: by its natural key, or among what was not there before by its
// content. Several candidates are an error that names them (R26). Nothing but time says of an object without a key
// that it was not made: until the limit of a call is over the request may still be on its way.
func (w *writing) lookUp(ctx context.Context, c *creation) (schema.Object, error) {
	if c.siblings == nil || len(w.kind.Identity.Key) > 0 {
		return w.run.readBack(ctx, w.step, refOf(w.kind, w.place, "", c.key), nil)
	}
	ctx = context.WithoutCancel(ctx)
	pause, waited := lookPause, time.Duration(0)
	for {
		sweep, err := w.step.prov.List(ctx, w.kind, w.place)
		if err != nil {
			return schema.Object{}, err
		}
		switch found := c.siblings.same(w.kind, w.content(c).value, sweep.Objects, false); {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			var names []string
			for _, o := range found {
				names = append(names, identity(o))
			}
			slices.Sort(names)
			return schema.Object{}, diag.Errorf("ambiguous", "Several new objects look like the one that was made",
				"Somebody else made the same at the same time: %s. Remove the other in Atlas and bind the right one:\n\nmercator state bind '%s' ID",
				strings.Join(names, ", "), w.c.Address)
		case waited >= state.CallLimit:
			return schema.Object{}, &provider.Error{Class: provider.NotFound, Call: "reading every " + w.kind.Name}
		}
		if err := w.run.in.Clock.Sleep(ctx, pause); err != nil {
			return schema.Object{}, err
		}
		waited += pause
		pause *= 2
	}
}
