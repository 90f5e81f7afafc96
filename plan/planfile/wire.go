package planfile

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// The file holds the plan's own structs: whatever they have is saved without being named here. Only what holds
// values is shadowed by a field of the same name, which encoding/json prefers to the embedded one.

// head is the file's outermost object.
type head struct {
	Magic    string          `json:"format"`
	Version  int             `json:"version"`
	Mercator string          `json:"mercator"`
	Digest   string          `json:"digest"`
	Content  json.RawMessage `json:"content"`
}

type content struct {
	Source       Source
	Types        []json.RawMessage
	Plan         wirePlan
	Fingerprints map[schema.Address]Fingerprint
}

type wirePlan struct {
	plan.Plan
	Changes []wireChange
	Drift   []wireDrift
	Outputs []wireOutput
}

type wireChange struct {
	plan.Change
	Before, After, Desired *value
	Diffs                  []wireDiff
}

type wireDiff struct {
	plan.Diff
	Old, New *value
}

type wireDrift struct {
	plan.Drift
	Diffs []wireDiff
}

type wireOutput struct {
	plan.OutputChange
	Before, After *value
}

func encodeContent(f *File) ([]byte, error) {
	var t types
	w := wirePlan{Plan: *f.Plan}
	var err error
	if w.Changes, err = each(f.Plan.Changes, t.change); err != nil {
		return nil, err
	}
	if w.Drift, err = each(f.Plan.Drift, t.drift); err != nil {
		return nil, err
	}
	if w.Outputs, err = each(f.Plan.Outputs, t.output); err != nil {
		return nil, err
	}
	table, err := t.marshal()
	if err != nil {
		return nil, err
	}
	return json.Marshal(content{f.Source, table, w, f.Fingerprints})
}

func decodeContent(text []byte, f *File) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var c content
	if err := d.Decode(&c); err != nil {
		return err
	}
	var t types
	if err := t.unmarshal(c.Types); err != nil {
		return err
	}
	p := c.Plan.Plan
	var err error
	if p.Changes, err = each(c.Plan.Changes, t.readChange); err != nil {
		return err
	}
	if p.Drift, err = each(c.Plan.Drift, t.readDrift); err != nil {
		return err
	}
	if p.Outputs, err = each(c.Plan.Outputs, t.readOutput); err != nil {
		return err
	}
	f.Source, f.Fingerprints, f.Plan = c.Source, c.Fingerprints, &p
	return check(&p)
}

// check refuses what could lead astray whoever walks the plan: tasks that point nowhere.
func check(p *plan.Plan) error {
	for i, task := range p.Tasks {
		if task.Change < 0 || task.Change >= len(p.Changes) {
			return fmt.Errorf("task %d belongs to change %d of %d", i, task.Change, len(p.Changes))
		}
		for _, need := range task.Needs {
			if need < 0 || need >= len(p.Tasks) {
				return fmt.Errorf("task %d needs task %d of %d", i, need, len(p.Tasks))
			}
		}
	}
	return nil
}

// each converts a slice; nil stays nil.
func each[A, B any](in []A, convert func(*A) (B, error)) ([]B, error) {
	if in == nil {
		return nil, nil
	}
	out := make([]B, len(in))
	for i := range in {
		var err error
		if out[i], err = convert(&in[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// errs keeps the first error of a row of conversions.
type errs struct{ first error }

func (e *errs) note(err error) {
	if e.first == nil {
		e.first = err
	}
}

func (t *types) change(c *plan.Change) (wireChange, error) {
	var e errs
	w := wireChange{Change: *c}
	w.Hashes = nil // they could be guessed at, and the apply has those of the state
	w.Before, w.After, w.Desired = t.put(c.Before, &e), t.put(c.After, &e), t.put(c.Desired, &e)
	diffs, err := each(c.Diffs, t.diff)
	e.note(err)
	w.Diffs = diffs
	if e.first != nil {
		return w, fmt.Errorf("%s: %w", c.Address, e.first)
	}
	return w, nil
}

func (t *types) put(v cty.Value, e *errs) *value {
	out, err := t.encode(v, false)
	e.note(err)
	return out
}

func (t *types) diff(d *plan.Diff) (wireDiff, error) {
	var e errs
	w := wireDiff{Diff: *d}
	if !d.Sensitive {
		w.Old, w.New = t.put(d.Old, &e), t.put(d.New, &e)
	}
	return w, e.first
}

func (t *types) drift(d *plan.Drift) (wireDrift, error) {
	diffs, err := each(d.Diffs, t.diff)
	return wireDrift{*d, diffs}, err
}

func (t *types) output(o *plan.OutputChange) (wireOutput, error) {
	before, err := t.encode(o.Before, o.Sensitive)
	if err != nil {
		return wireOutput{}, fmt.Errorf("output %s: %w", o.Name, err)
	}
	after, err := t.encode(o.After, o.Sensitive)
	if err != nil {
		return wireOutput{}, fmt.Errorf("output %s: %w", o.Name, err)
	}
	return wireOutput{*o, before, after}, nil
}

func (t *types) get(v *value, e *errs) cty.Value {
	out, err := t.decode(v)
	e.note(err)
	return out
}

func (t *types) readChange(w *wireChange) (plan.Change, error) {
	var e errs
	c := w.Change
	c.Before, c.After, c.Desired = t.get(w.Before, &e), t.get(w.After, &e), t.get(w.Desired, &e)
	diffs, err := each(w.Diffs, t.readDiff)
	e.note(err)
	c.Diffs = diffs
	if e.first != nil {
		return c, fmt.Errorf("%s: %w", c.Address, e.first)
	}
	return c, nil
}

func (t *types) readDiff(w *wireDiff) (plan.Diff, error) {
	var e errs
	d := w.Diff
	d.Old, d.New = t.get(w.Old, &e), t.get(w.New, &e)
	return d, e.first
}

func (t *types) readDrift(w *wireDrift) (plan.Drift, error) {
	d := w.Drift
	var err error
	d.Diffs, err = each(w.Diffs, t.readDiff)
	return d, err
}

func (t *types) readOutput(w *wireOutput) (plan.OutputChange, error) {
	var e errs
	o := w.OutputChange
	o.Before, o.After = t.get(w.Before, &e), t.get(w.After, &e)
	return o, e.first
}
