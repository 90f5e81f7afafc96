package apply_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/provider"
	"mercator/schema"
)

// world is an Atlas of toy kinds: a store of objects behind the Provider interface that fills in ids and handles,
// hides secrets, works in the background, and can be told to fail. It also is the journal's medium, so that one
// moment of death hits both.
type world struct {
	catalog *schema.Catalog
	clock   *clock

	mu      sync.Mutex
	objects map[string]*item // by id
	next    int
	inCall  map[string]string // serial kinds: place -> the call under way
	calls   []string          // every mutating call that was carried out, "create user ann"
	reads   int
	broken  []string // violations that the tests report

	// dieAt is the number of the mutating call at which everything stops: before it is carried out, or after but
	// unanswered. 0 is never.
	dieAt     int
	dieBefore bool
	count     int
	dead      bool

	// fault, when set, decides about each mutating call.
	fault func(n int, call string) fault
	// deaf takes upserts without doing anything, forgetful loses the secrets that are kept by a handle and those that it
	// would show masked.
	deaf, forgetful bool
	queries         []string // of deletions
	// fills gives notifications a value that nobody sent.
	fills bool
	// spoils lets every copy fail.
	spoils bool
	// silent answers the creation of a credential without its secret.
	silent bool
	// lingers is how many reads show what is upgraded at rest and as it was, when it is nearly done.
	lingers int
	// before runs before each mutating call, outside the lock.
	before func(n int, call string)
}

// fault is what becomes of a call: err is answered, and done says whether it is carried out all the same.
type fault struct {
	err  error
	done bool
}

type item struct {
	kind    *schema.Kind
	place   schema.Place
	id      string
	values  map[string]cty.Value
	secrets map[string]string // by handle
	ticks   int               // reads until it is at rest
	leaving bool
	becomes *schema.Kind // once it is at rest, with new values
	into    map[string]cty.Value
	first   string // the id that it was made with
}

func newWorld(catalog *schema.Catalog) *world {
	return &world{catalog: catalog, clock: &clock{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)},
		objects: map[string]*item{}, inCall: map[string]string{}}
}

// clock jumps ahead whenever somebody sleeps.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	elapsed time.Duration
	// onSleep runs at each sleep.
	onSleep func(elapsed time.Duration)
	// hold, when set, is asked before time passes, and returns when it may.
	hold func()
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.hold != nil {
		c.hold()
	}
	c.mu.Lock()
	c.now, c.elapsed = c.now.Add(d), c.elapsed+d
	elapsed, hook := c.elapsed, c.onSleep
	c.mu.Unlock()
	if hook != nil {
		hook(elapsed)
	}
	return ctx.Err()
}

var errDead = &provider.Error{Class: provider.Transient, Call: "a call", Err: errors.New("the process is gone")}

func refusal(class provider.Class) error {
	return &provider.Error{Class: class, Status: 400, Code: "REFUSED", Call: "POST /toy"}
}

func (w *world) List(_ context.Context, kind *schema.Kind, place schema.Place) (provider.Sweep, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return provider.Sweep{}, errDead
	}
	w.reads++
	var sweep provider.Sweep
	for _, id := range slices.Sorted(maps.Keys(w.objects)) {
		if it := w.objects[id]; it.kind.Name == kind.Name && it.place == place {
			sweep.Objects = append(sweep.Objects, w.show(it))
		}
	}
	return sweep, nil
}

func (w *world) Get(_ context.Context, ref provider.Ref) (schema.Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return schema.Object{}, errDead
	}
	w.reads++
	it := w.find(ref)
	if it == nil {
		return schema.Object{}, &provider.Error{Class: provider.NotFound, Status: 404, Call: "GET " + ref.Kind.Name}
	}
	w.tick(it)
	if w.objects[it.id] == nil {
		return schema.Object{}, &provider.Error{Class: provider.NotFound, Status: 404, Call: "GET " + ref.Kind.Name}
	}
	return w.show(it), nil
}

func (w *world) Part(_ context.Context, ref provider.Ref, part *schema.Part) (cty.Value, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	it := w.find(ref)
	if it == nil || w.dead {
		return cty.NilVal, errDead
	}
	if v, ok := it.values[part.Attribute]; ok {
		return v, nil
	}
	return cty.NullVal(ref.Kind.Attribute(part.Attribute).CtyType()), nil
}

// tick lets the background work of an object go on.
func (w *world) tick(it *item) {
	if it.kind.Settle == nil {
		return
	}
	if it.ticks > 0 {
		if it.ticks--; it.ticks == 0 {
			if it.leaving {
				delete(w.objects, it.id)
				return
			}
			it.values["state"] = cty.StringVal("IDLE")
			w.become(it)
			if it.kind.Name == "copy" {
				if w.spoils {
					it.values["state"] = cty.StringVal("BROKEN")
				}
				it.values["taken"] = cty.StringVal(w.clock.Now().Format(time.RFC3339))
			}
		}
	}
}

// become makes an object what its upgrade was asked to make of it: it keeps its name and gets another id.
func (w *world) become(it *item) {
	switch {
	case it.becomes == nil:
		return
	case w.lingers > 0:
		w.lingers--
		it.ticks = 1
		return
	}
	delete(w.objects, it.id)
	w.next++
	it.kind, it.becomes = it.becomes, nil
	it.id = fmt.Sprintf("%s%03d", it.kind.Name, w.next)
	it.into["id"], it.into["state"] = cty.StringVal(it.id), it.values["state"]
	it.values = it.into
	w.objects[it.id] = it
}

// upgrade begins to make of an object what the call asks for.
func (w *world) upgrade(call provider.Write, name string) (schema.Object, error) {
	from := w.catalog.Kind(call.Upgrade.From)
	it := w.find(provider.Ref{Kind: from, Place: call.Ref.Place, Key: call.Ref.Key})
	switch {
	case it == nil:
		return schema.Object{}, refusal(provider.NotFound)
	case it.ticks > 0:
		w.broken = append(w.broken, name+" while it is at work")
		return schema.Object{}, refusal(provider.Conflict)
	}
	w.calls = append(w.calls, name)
	it.becomes = call.Ref.Kind
	it.into = schema.NullObject(it.becomes.Attributes).AsValueMap()
	for attribute := range it.into {
		if v, ok := it.values[attribute]; ok {
			it.into[attribute] = v
		}
	}
	sent := call.Upgrade.Sent(call.Ref.Kind, call.Bodies[0])
	for _, attribute := range []string{"name", "walls"} {
		it.into[attribute], _ = sent.GetAttr(attribute).Unmark()
	}
	it.ticks, it.values["state"] = 3, cty.StringVal("BUSY")
	return schema.Object{}, nil
}

func (w *world) find(ref provider.Ref) *item {
	key := ref.Kind.JoinKey(ref.Key)
	for _, id := range slices.Sorted(maps.Keys(w.objects)) {
		it := w.objects[id]
		if it.kind.Name != ref.Kind.Name || it.place != ref.Place {
			continue
		}
		switch {
		case ref.Kind.Singleton:
			return it
		case ref.Kind.Identity.Binds != schema.ByKey && ref.ID != "":
			if it.id == ref.ID {
				return it
			}
		case key != "" && w.key(it) == key:
			return it
		}
	}
	return nil
}

func (w *world) key(it *item) string {
	key, _, _ := it.kind.NaturalKey(cty.ObjectVal(it.values))
	return key
}

// show returns an object as Atlas would: without its secrets.
func (w *world) show(it *item) schema.Object {
	values := maps.Clone(it.values)
	parts := map[string]bool{}
	var held []string
	for i := range it.kind.Attributes {
		a := &it.kind.Attributes[i]
		if a.Masked && !values[a.Name].IsNull() && !w.forgetful {
			held = append(held, a.Name)
		}
		if p := it.kind.Part(a.Name); a.WriteOnly || a.Unread || p != nil && p.Read != nil {
			values[a.Name] = cty.NullVal(a.CtyType())
		}
	}
	o := schema.Object{Kind: it.kind.Name, Place: it.place, Key: w.key(it), Value: cty.ObjectVal(values), Parts: parts, Held: held}
	if it.kind.Identity.ID != "" {
		o.ID = it.id
	}
	return o
}

func (w *world) Write(ctx context.Context, call provider.Write) (schema.Object, error) {
	if guard := provider.Guard(ctx); guard == nil {
		w.violation("a call without a guard")
	} else if err := guard(ctx); err != nil {
		return schema.Object{}, &provider.Error{Class: provider.Transient, Call: "a call", Err: err}
	}
	if _, err := call.Ref.Kind.Path(call.Endpoint.Path, call.Ref.Place, call.Ref.ID, call.Ref.Key); err != nil && call.Part == nil {
		w.violation(err.Error())
	}
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return schema.Object{}, errDead
	}
	w.count++
	n, name, before := w.count, w.name(call), w.before
	lane := call.Ref.Kind.Name + " in " + string(call.Ref.Place)
	if other := w.inCall[lane]; other != "" && call.Ref.Kind.Serial {
		w.broken = append(w.broken, fmt.Sprintf("%s overlaps %s", name, other))
	}
	w.inCall[lane] = name
	w.mu.Unlock()
	if before != nil {
		before(n, name)
	}
	for range 20 {
		runtime.Gosched() // so that calls overlap where they may
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inCall, lane)
	switch {
	case w.dieAt == n && w.dieBefore:
		w.dead = true
		return schema.Object{}, errDead
	case w.dieAt == n:
		_, _ = w.carryOut(call, name)
		w.dead = true
		return schema.Object{}, errDead
	}
	if w.fault != nil {
		if f := w.fault(n, name); f.err != nil {
			if f.done {
				_, _ = w.carryOut(call, name)
			}
			return schema.Object{}, f.err
		}
	}
	return w.carryOut(call, name)
}

func (w *world) violation(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, text)
}

// name says a call in words: "create user ann", "part engine e1".
func (w *world) name(call provider.Write) string {
	verb := "update"
	switch {
	case call.Part != nil && call.Part.Members != nil:
		return strings.ToLower(call.Endpoint.Method) + " " + who(call.Member) + " of " + call.Part.Attribute
	case call.Secret != "":
		return "revoke " + call.Secret
	case call.Ref.Kind.Credential != nil && call.Ref.Kind.Credential.Rotation != nil && call.Endpoint == call.Ref.Kind.Credential.Rotation.Mint:
		return "mint " + call.Ref.Kind.Name
	case call.Part != nil:
		verb = "part " + call.PartKey
	case call.Upgrade != nil:
		verb = "upgrade"
	case call.Endpoint == call.Ref.Kind.Endpoints.Create:
		verb = "create"
	case call.Endpoint == call.Ref.Kind.Endpoints.Delete:
		verb = "delete"
	}
	var names []string
	for _, v := range call.Bodies {
		key, _, _ := call.Ref.Kind.NaturalKey(v)
		names = append(names, key)
	}
	if len(call.Bodies) == 0 {
		names = append(names, call.Ref.Kind.JoinKey(call.Ref.Key))
	}
	return strings.TrimSpace(verb) + " " + strings.TrimSpace(call.Ref.Kind.Name+" "+strings.Join(names, ","))
}

func (w *world) carryOut(call provider.Write, name string) (schema.Object, error) {
	kind, e := call.Ref.Kind, call.Endpoint
	var touched []*item
	if call.Upgrade != nil {
		return w.upgrade(call, name)
	}
	switch {
	case call.Part != nil:
		it := w.find(call.Ref)
		if it == nil {
			return schema.Object{}, refusal(provider.NotFound)
		}
		if call.Part.Members != nil {
			if err := w.member(it, call); err != nil {
				return schema.Object{}, err
			}
			break
		}
		it.values[call.Part.Attribute] = call.Bodies[0].GetAttr(call.Part.Attribute)
	case kind.Credential != nil && kind.Credential.Rotation != nil && (e == kind.Credential.Rotation.Mint || e == kind.Credential.Rotation.Revoke):
		o, err := w.code(call)
		if err == nil {
			w.calls = append(w.calls, name)
		}
		return o, err
	case e == kind.Endpoints.Create || e.Upsert:
		for _, body := range call.Bodies {
			if key, known, _ := kind.NaturalKey(body); known && !e.Upsert && kind.Name != "entry" && w.find(provider.Ref{Kind: kind, Place: call.Ref.Place, Key: kind.KeyParts(key)}) != nil {
				return schema.Object{}, &provider.Error{Class: provider.Conflict, Status: 409, Code: "DUPLICATE", Call: "POST " + kind.Name}
			}
			if key, _, _ := kind.NaturalKey(body); strings.HasPrefix(key, "bad") {
				return schema.Object{}, refusal(provider.Invalid)
			}
		}
		for _, body := range call.Bodies {
			touched = append(touched, w.put(call, body, e == kind.Endpoints.Create))
		}
	case e == kind.Endpoints.Delete:
		it := w.find(call.Ref)
		if it == nil {
			return schema.Object{}, refusal(provider.NotFound)
		}
		w.remove(it)
		if len(call.Query) > 0 {
			w.queries = append(w.queries, call.Query.Encode())
		}
	default:
		it := w.find(call.Ref)
		if it == nil && !kind.Singleton {
			return schema.Object{}, refusal(provider.NotFound)
		}
		if it != nil && it.ticks > 0 {
			w.broken = append(w.broken, name+" while it is at work")
		}
		touched = append(touched, w.put(call, call.Bodies[0], it == nil))
	}
	w.calls = append(w.calls, name)
	if len(touched) != 1 || e.AnswersList {
		return schema.Object{}, nil
	}
	o := w.show(touched[0])
	if cr := kind.Credential; cr != nil && cr.Rotation != nil && e == kind.Endpoints.Create {
		return w.withCode(o, codesOf(touched[0])), nil
	} else if cr != nil && e == kind.Endpoints.Create && !w.silent {
		values := o.Value.AsValueMap()
		values[cr.Secret] = cty.StringVal(pinOf(o.ID)).Mark(schema.Sensitive)
		o.Value = cty.ObjectVal(values)
	}
	return o, nil
}

// who names an element of a list: by its field, or by itself.
func who(v cty.Value) string {
	if v.Type() == cty.String {
		return text(v)
	}
	return text(v.GetAttr("who"))
}

// member carries out a call about one element of a list. What is there cannot be added, nor changed or removed what
// is not.
func (w *world) member(it *item, call provider.Write) error {
	var list []cty.Value
	if old := it.values[call.Part.Attribute]; !old.IsNull() {
		list = old.AsValueSlice()
	}
	at := slices.IndexFunc(list, func(v cty.Value) bool { return who(v) == who(call.Member) })
	switch m := call.Part.Members; {
	case call.Endpoint == m.Add && at >= 0:
		return refusal(provider.Conflict)
	case call.Endpoint == m.Add:
		list = append(list, call.Member)
	case at < 0:
		return refusal(provider.NotFound)
	case call.Endpoint == m.Remove:
		list = slices.Delete(list, at, at+1)
	default:
		list[at] = call.Member
	}
	it.values[call.Part.Attribute] = cty.ListValEmpty(call.Member.Type())
	if len(list) > 0 {
		slices.Reverse(list) // their order has no meaning
		it.values[call.Part.Attribute] = cty.ListVal(list)
	}
	return nil
}

// put writes the sent attributes of a body into a new or an existing object.
func (w *world) put(call provider.Write, body cty.Value, create bool) *item {
	kind := call.Ref.Kind
	key, _, _ := kind.NaturalKey(body)
	it := w.find(call.Ref)
	if create || call.Endpoint.Upsert {
		it = w.find(provider.Ref{Kind: kind, Place: call.Ref.Place, Key: kind.KeyParts(key)})
	}
	if it != nil && w.deaf && call.Endpoint.Upsert {
		return it
	}
	if it == nil || create && key == "" && !kind.Singleton {
		w.next++
		it = &item{kind: kind, place: call.Ref.Place, id: fmt.Sprintf("%s%03d", kind.Name, w.next), values: schema.NullObject(kind.Attributes).AsValueMap(), secrets: map[string]string{}}
		w.objects[it.id], it.first = it, it.id
		if kind.Identity.ID != "" {
			it.values[kind.Identity.ID] = cty.StringVal(it.id)
		}
		if cr := kind.Credential; cr != nil {
			it.values[cr.Public] = cty.StringVal("no. " + it.id)
			if cr.Rotation != nil {
				w.addCode(it, body)
			}
		}
		if kind.Name == "room" {
			w.furnish(it)
		}
	}
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		v, _ := body.GetAttr(a.Name).UnmarkDeep()
		if slices.Contains(call.Attributes, a.Name) && a.Argument() {
			it.values[a.Name] = v
			if a.WriteOnly {
				it.secrets[a.Name] = text(v)
			}
		}
	}
	if kind.Name == "alarm" {
		w.handles(it)
	}
	if kind.Settle != nil {
		it.ticks, it.values["state"] = 3, cty.StringVal("BUSY")
		if create {
			it.values["state"] = cty.StringVal("CREATING")
		}
	}
	return it
}

func text(v cty.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.AsString()
}

// furnish makes what every new room comes with.
func (w *world) furnish(room *item) {
	kind := w.catalog.Kind("alarm")
	w.next++
	values := schema.NullObject(kind.Attributes).AsValueMap()
	values["event"], values["id"] = cty.StringVal("DEFAULT"), cty.StringVal("alarm"+strconv.Itoa(w.next))
	place, _ := room.kind.Inside(room.place, room.id, w.key(room))
	w.objects[text(values["id"])] = &item{kind: kind, place: place, id: text(values["id"]), values: values, secrets: map[string]string{}}
}

// handles gives every notification with a secret a new handle and takes the secret out of sight; one that is sent
// by its handle keeps its secret.
func (w *world) handles(it *item) {
	list := it.values["notifications"]
	if list.IsNull() || list.LengthInt() == 0 {
		return
	}
	els := list.AsValueSlice()
	kept := map[string]string{}
	for i, el := range els {
		values := el.AsValueMap()
		secret := text(values["token"])
		if secret != "" && !values["handle"].IsNull() {
			w.broken = append(w.broken, "a secret was sent beside the id of the old one")
		}
		if secret == "" && !w.forgetful {
			secret = it.secrets[text(values["handle"])]
		}
		values["token"], values["handle"] = cty.NullVal(cty.String), cty.NullVal(cty.String)
		if secret != "" {
			w.next++
			handle := "h" + strconv.Itoa(w.next)
			values["handle"] = cty.StringVal(handle)
			kept[handle] = secret
		}
		if w.fills {
			values["loud"] = cty.False
		}
		els[i] = cty.ObjectVal(values)
	}
	it.secrets, it.values["notifications"] = kept, cty.ListVal(els)
}

func (w *world) remove(it *item) {
	if it.kind.Settle != nil {
		it.leaving, it.ticks, it.values["state"] = true, 2, cty.StringVal("DELETING")
		return
	}
	for _, code := range codesOf(it) {
		w.broken = append(w.broken, "the code "+text(code.GetAttr("id"))+" outlives its badge")
	}
	delete(w.objects, it.id)
	place, err := it.kind.Inside(it.place, it.id, w.key(it))
	for id, other := range w.objects {
		if err == nil && other.place == place && place != it.place {
			delete(w.objects, id)
		}
	}
}

// journal is the medium of the state: what was flushed before the death of the world survives it, or, with eager,
// what was added.
type journal struct {
	world *world
	base  *state.State
	eager bool
	lost  bool

	mu      sync.Mutex
	pending []state.Record
	durable []state.Record
	// tearAt is how many records are durable when the machine dies while it writes; 0 is never.
	tearAt int
}

func (j *journal) Add(records ...state.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.gone() {
		return
	}
	j.pending = append(j.pending, records...)
	if j.eager {
		j.save()
	}
}

// save makes the pending records durable, one by one, until the machine dies.
func (j *journal) save() {
	for _, r := range j.pending {
		if j.tearAt > 0 && len(j.durable) == j.tearAt {
			j.world.mu.Lock()
			j.world.dead = true
			j.world.mu.Unlock()
			return
		}
		j.durable = append(j.durable, r)
	}
	j.pending = nil
}

func (j *journal) Flush(context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lost {
		return &state.LostError{Reason: "taken away"}
	}
	if j.gone() {
		return errors.New("the process is gone")
	}
	if j.save(); j.gone() {
		return errors.New("the process is gone")
	}
	return nil
}

func (j *journal) gone() bool {
	j.world.mu.Lock()
	defer j.world.mu.Unlock()
	return j.world.dead
}

// state is what the next run reads: encoded and decoded, so that nothing survives that a file would not hold.
func (j *journal) state() (*state.State, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	folded := state.Fold(j.base, j.durable)
	data, err := state.Encode(j.world.catalog, folded)
	if err != nil {
		return nil, err
	}
	return state.Decode(j.world.catalog, data)
}

// guard is a lease that can be lost.
type guard struct {
	mu   sync.Mutex
	lost bool
}

func (g *guard) Check(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lost {
		return &state.LostError{Reason: "taken away"}
	}
	return nil
}

// settleAll lets all background work go on.
func (w *world) settleAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(w.objects)) {
		w.tick(w.objects[id])
	}
}
