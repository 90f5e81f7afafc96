package state

import (
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"mercator/schema"
)

// The JSON forms of what a state and a journal hold. Field names are part of format version 1: an addition
// needs a new version, since a reader refuses fields that it does not know.

type stateJSON struct {
	Version     int                          `json:"version"`
	Lineage     string                       `json:"lineage,omitempty"`
	Serial      uint64                       `json:"serial"`
	Connections map[string]Connection        `json:"connections,omitempty"`
	Resources   map[schema.Address]boundJSON `json:"resources,omitempty"`
	Outputs     map[string]outputJSON        `json:"outputs,omitempty"`
	Intents     []intentJSON                 `json:"intents,omitempty"`
}

type boundJSON struct {
	// Address is left out where the object stands under its address.
	Address      schema.Address    `json:"address,omitempty"`
	Kind         string            `json:"kind"`
	Connection   string            `json:"connection,omitempty"`
	Place        schema.Place      `json:"place,omitempty"`
	ID           string            `json:"id,omitempty"`
	Key          string            `json:"key,omitempty"`
	Adopted      bool              `json:"adopted,omitempty"`
	Waiting      string            `json:"waiting,omitempty"`
	Secret       string            `json:"secret,omitempty"`
	Stale        []string          `json:"stale,omitempty"`
	Applied      map[string]any    `json:"applied,omitzero"`
	Secrets      map[string]string `json:"secrets,omitempty"`
	Dependencies []schema.Address  `json:"dependencies,omitempty"`
	Lifecycle    lifecycleJSON     `json:"lifecycle,omitzero"`
	Timeouts     timeoutsJSON      `json:"timeouts,omitzero"`
	Undone       map[string]int    `json:"undone,omitempty"`
}

type lifecycleJSON struct {
	PreventDestroy bool     `json:"prevent_destroy,omitempty"`
	Abandon        bool     `json:"abandon,omitempty"`
	IgnoreChanges  []string `json:"ignore_changes,omitempty"`
	SnapshotBefore []string `json:"snapshot_before,omitempty"`
}

// IsZero reports whether a lifecycle says nothing, so that it is left out.
func (l lifecycleJSON) IsZero() bool {
	return !l.PreventDestroy && !l.Abandon && len(l.IgnoreChanges) == 0 && len(l.SnapshotBefore) == 0
}

type timeoutsJSON struct {
	Create duration `json:"create,omitempty"`
	Update duration `json:"update,omitempty"`
	Delete duration `json:"delete,omitempty"`
}

// duration is written as people write it: "1h30m0s".
type duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

type outputJSON struct {
	Type      json.RawMessage `json:"type,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
}

type intentJSON struct {
	ID         string            `json:"id"`
	Address    schema.Address    `json:"address"`
	Kind       string            `json:"kind"`
	Connection string            `json:"connection,omitempty"`
	Verb       schema.Verb       `json:"verb"`
	Armed      bool              `json:"armed,omitempty"`
	Place      schema.Place      `json:"place,omitempty"`
	ObjectID   string            `json:"object_id,omitempty"`
	Key        string            `json:"key,omitempty"`
	Content    map[string]any    `json:"content,omitzero"`
	Secrets    map[string]string `json:"secrets,omitempty"`
	Seen       []string          `json:"seen,omitempty"`
	Bind       *boundJSON        `json:"bind,omitempty"`
}

// codec turns what depends on kinds into JSON and back.
type codec struct{ catalog *schema.Catalog }

func (c codec) kind(name string) (*schema.Kind, error) {
	if k := c.catalog.Kind(name); k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("this Mercator has no kind %q; use the version that wrote it, or a later one", name)
}

func (c codec) boundOut(b *schema.Bound) (boundJSON, error) {
	applied, err := c.valueOut(b.Kind, b.Applied)
	if err != nil {
		return boundJSON{}, fmt.Errorf("%s: %w", b.Address, err)
	}
	return boundJSON{
		Address: b.Address, Kind: b.Kind, Connection: b.Connection, Place: b.Place, ID: b.ID, Key: b.Key,
		Adopted: b.Adopted, Waiting: b.Waiting, Secret: b.Secret, Stale: b.Stale, Applied: applied, Secrets: b.Secrets,
		Dependencies: b.Dependencies, Lifecycle: lifecycleJSON(b.Lifecycle), Undone: b.Undone,
		Timeouts: timeoutsJSON{duration(b.Timeouts.Create), duration(b.Timeouts.Update), duration(b.Timeouts.Delete)},
	}, nil
}

func (c codec) boundIn(address schema.Address, j boundJSON) (*schema.Bound, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	applied, err := c.valueIn(j.Kind, j.Applied)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return &schema.Bound{
		Address: address, Kind: j.Kind, Connection: j.Connection, Place: j.Place, ID: j.ID, Key: j.Key,
		Adopted: j.Adopted, Waiting: j.Waiting, Secret: j.Secret, Stale: j.Stale, Applied: applied, Secrets: j.Secrets,
		Dependencies: j.Dependencies, Lifecycle: schema.Lifecycle(j.Lifecycle), Undone: j.Undone,
		Timeouts: schema.Timeouts{Create: time.Duration(j.Timeouts.Create), Update: time.Duration(j.Timeouts.Update),
			Delete: time.Duration(j.Timeouts.Delete)},
	}, nil
}

func checkAddress(a schema.Address) error {
	parsed, err := schema.ParseAddress(string(a))
	if err == nil && parsed != a {
		err = fmt.Errorf("the address %q is spelt %q", a, parsed)
	}
	return err
}

func (c codec) intentOut(i *Intent) (intentJSON, error) {
	content, err := c.valueOut(i.Kind, i.Content)
	if err != nil {
		return intentJSON{}, fmt.Errorf("the intent for %s: %w", i.Address, err)
	}
	j := intentJSON{
		ID: i.ID, Address: i.Address, Kind: i.Kind, Connection: i.Connection, Verb: i.Verb, Armed: i.Armed,
		Place: i.Place, ObjectID: i.ObjectID, Key: i.Key, Content: content, Secrets: i.Secrets, Seen: i.Seen,
	}
	if i.Bind != nil {
		bind, err := c.boundOut(i.Bind)
		if err != nil {
			return intentJSON{}, fmt.Errorf("the intent for %s: %w", i.Address, err)
		}
		j.Bind = &bind
	}
	return j, nil
}

func (c codec) intentIn(j *intentJSON) (Intent, error) {
	if err := checkAddress(j.Address); err != nil {
		return Intent{}, fmt.Errorf("an intent: %w", err)
	}
	content, err := c.valueIn(j.Kind, j.Content)
	if err != nil {
		return Intent{}, fmt.Errorf("the intent for %s: %w", j.Address, err)
	}
	i := Intent{
		ID: j.ID, Address: j.Address, Kind: j.Kind, Connection: j.Connection, Verb: j.Verb, Armed: j.Armed,
		Place: j.Place, ObjectID: j.ObjectID, Key: j.Key, Content: content, Secrets: j.Secrets, Seen: j.Seen,
	}
	if j.Bind != nil {
		if i.Bind, err = c.boundIn(j.Bind.Address, *j.Bind); err != nil {
			return Intent{}, fmt.Errorf("the intent for %s: %w", j.Address, err)
		}
	}
	return i, nil
}

func (c codec) intentsOut(intents []Intent) ([]intentJSON, error) {
	out := make([]intentJSON, len(intents))
	for n := range intents {
		var err error
		if out[n], err = c.intentOut(&intents[n]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c codec) intentsIn(js []intentJSON) ([]Intent, error) {
	out := make([]Intent, len(js))
	for n := range js {
		var err error
		if out[n], err = c.intentIn(&js[n]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// valueOut returns the JSON of a value of the kind's type, nil for a null one. What schema.Encode refuses, and a
// write-only argument that is not null, is an error: no secret gets into a file by a forgotten mark.
func (c codec) valueOut(kind string, v cty.Value) (map[string]any, error) {
	k, err := c.kind(kind)
	if err != nil {
		return nil, err
	}
	if v == cty.NilVal || (!v.IsMarked() && v.IsNull()) {
		return nil, nil
	}
	if !v.Type().Equals(k.Type()) {
		return nil, fmt.Errorf("its value is not of the type of kind %s", kind)
	}
	j, err := schema.Encode(k.Attributes, v, schema.ByName)
	if err != nil {
		return nil, err
	}
	return j, inspect(k.Attributes, v, nil)
}

func (c codec) valueIn(kind string, j map[string]any) (cty.Value, error) {
	k, err := c.kind(kind)
	if err != nil {
		return cty.NilVal, err
	}
	if j == nil {
		return cty.NullVal(k.Type()), nil
	}
	// Arguments that a kind no longer has are left out: nobody can manage them any more.
	v, _ := k.Decode(j, schema.ByName)
	return v, inspect(k.Attributes, v, nil)
}

// inspect looks for what must not be in a file: a write-only argument, and a number of absurd size, which would
// be written out digit by digit.
func inspect(attrs []schema.Attribute, v cty.Value, at cty.Path) error {
	for i := range attrs {
		a := &attrs[i]
		if isText := a.CtyType() == cty.String || a.Type == schema.TypePairs; isText && !a.WriteOnly && !a.OnceShown {
			continue
		}
		field := v.GetAttr(a.Name)
		if field.IsNull() {
			continue
		}
		path := append(at, cty.GetAttrStep{Name: a.Name}) //nolint:gocritic // each use is done before the next
		switch {
		case a.WriteOnly || a.OnceShown:
			return fmt.Errorf("%s is write-only and must not be stored", schema.PathString(path))
		case a.Type == schema.TypeNumber || a.Type == schema.TypeInteger:
			if !reasonable(field.AsBigFloat()) {
				return fmt.Errorf("the number %s is out of range", schema.PathString(path))
			}
		case a.Type == schema.TypeObject:
			if err := inspect(a.Nested, field, path); err != nil {
				return err
			}
		case a.Type == schema.TypeList || a.Type == schema.TypeMap:
			if err := inspectElements(a, field, path); err != nil {
				return err
			}
		}
	}
	return nil
}

func inspectElements(a *schema.Attribute, v cty.Value, at cty.Path) error {
	if a.Nested == nil && a.Of != schema.TypeNumber && a.Of != schema.TypeInteger {
		return nil
	}
	for it := v.ElementIterator(); it.Next(); {
		key, el := it.Element()
		if el.IsNull() {
			continue
		}
		path := append(at, cty.IndexStep{Key: key})
		if a.Nested == nil {
			if !reasonable(el.AsBigFloat()) {
				return fmt.Errorf("the number %s is out of range", schema.PathString(path))
			}
		} else if err := inspect(a.Nested, el, path); err != nil {
			return err
		}
	}
	return nil
}

// reasonable reports whether a number is one that a float64 can come near to, as all of JSON's in practice.
func reasonable(f *big.Float) bool {
	exp := f.MantExp(nil)
	return !f.IsInf() && exp <= 1024 && exp >= -1100
}

func outputOut(o Output) (outputJSON, error) {
	if o.Sensitive {
		return outputJSON{Sensitive: true}, nil
	}
	v := o.Value
	if v == cty.NilVal {
		v = cty.NullVal(cty.DynamicPseudoType)
	}
	if v.ContainsMarked() {
		return outputJSON{}, fmt.Errorf("its value is sensitive and must not be written; declare it sensitive")
	}
	if !v.IsWhollyKnown() {
		return outputJSON{}, fmt.Errorf("its value is not known yet")
	}
	ty, err := ctyjson.MarshalType(v.Type())
	if err != nil {
		return outputJSON{}, err
	}
	value, err := ctyjson.Marshal(v, v.Type())
	return outputJSON{Type: ty, Value: value}, err
}

func outputIn(j outputJSON) (o Output, err error) {
	if j.Sensitive {
		return Output{Value: cty.NullVal(cty.DynamicPseudoType), Sensitive: true}, nil
	}
	// cty panics on some type and value pairs that it would never write itself.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("its value does not have its type: %v", r)
		}
	}()
	ty, err := ctyjson.UnmarshalType(j.Type)
	if err != nil {
		return Output{}, fmt.Errorf("its type is damaged: %w", err)
	}
	v, err := ctyjson.Unmarshal(j.Value, ty)
	if err != nil {
		return Output{}, fmt.Errorf("its value is damaged: %w", err)
	}
	err = cty.Walk(v, func(p cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.Number && v.IsKnown() && !v.IsNull() && !reasonable(v.AsBigFloat()) {
			return false, fmt.Errorf("the number at %q is out of range", schema.PathString(p))
		}
		return true, nil
	})
	return Output{Value: v}, err
}
