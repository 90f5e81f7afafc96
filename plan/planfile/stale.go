package planfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// Fingerprint is what a change rests on (R27).
type Fingerprint struct {
	// Identity names the live object by place, id and key; "" says that there was none.
	Identity string
	// Live is a digest of what Mercator manages of the live object, as Atlas treats values as equal.
	Live string
	// Asked is a digest of what the files asked for, without secrets.
	Asked string
}

// Print returns the fingerprint of a change of the kind.
//
// What is managed of a live object are the arguments that the files set. Where the plan found no difference, a
// live argument is as good as the one asked for, however Atlas spells it, and counts as that: so an auto-scaled
// size, another order, or a value that a server fills in never changes a fingerprint. Where it found one, the
// live value counts. Secrets never count, being taken afresh by every apply. Of an object that is deleted or
// forgotten every argument counts, since nobody asks for any: what somebody changed in it meanwhile may be the
// reason to keep it.
func Print(kind *schema.Kind, c *plan.Change) (Fingerprint, error) {
	f := Fingerprint{}
	if c.ID != "" || c.Key != "" {
		f.Identity = strings.Join([]string{c.Connection, string(c.Place), c.ID, c.Key}, " ")
	}
	asked, err := encodeJSON(orNull(c.Desired))
	if err != nil {
		return f, err
	}
	f.Asked = Digest(asked)
	var live any
	if desired, _ := orNull(c.Desired).Unmark(); desired.IsKnown() && desired.IsNull() {
		live, err = argumentsOf(kind.Attributes, orNull(c.Before))
	} else {
		live, err = differences(kind, c.Diffs)
	}
	if err != nil {
		return f, err
	}
	text, err := json.Marshal([]any{f.Identity, live})
	f.Live = Digest(text)
	return f, err
}

// position is where an element stands in a list. Atlas answers in any order, so it is no part of a fingerprint.
var position = regexp.MustCompile(`\[[0-9]+\]`)

// differences returns the live side of all differences as JSON, in a fixed order.
func differences(kind *schema.Kind, diffs []plan.Diff) ([]json.RawMessage, error) {
	out := []json.RawMessage{}
	for i := range diffs {
		d := &diffs[i]
		if d.Sensitive {
			continue
		}
		old, err := oldSide(schema.FindPath(kind.Attributes, plain(d.Path)), orNull(d.Old))
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal([]any{position.ReplaceAllString(d.Path, "[]"), d.Label, d.Op, old})
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	slices.SortFunc(out, func(x, y json.RawMessage) int { return bytes.Compare(x, y) })
	return out, nil
}

// oldSide returns the live side of one difference: an element or an object without what Atlas owns in it.
func oldSide(a *schema.Attribute, v cty.Value) (any, error) {
	switch {
	case a != nil && a.Nested != nil && v.Type().IsObjectType():
		return argumentsOf(a.Nested, v)
	case a != nil && a.Type == schema.TypeList && v.Type().IsListType():
		return argumentOf(a, v)
	}
	text, err := encodeJSON(v)
	return json.RawMessage(text), err
}

func orNull(v cty.Value) cty.Value {
	if v == cty.NilVal {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return v
}

// argumentsOf returns what a file could set of a live object, as JSON, with the elements of lists whose order has
// no meaning in a fixed one.
func argumentsOf(attrs []schema.Attribute, v cty.Value) (any, error) {
	v, marks := v.Unmark()
	if len(marks) > 0 || !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() {
		return nil, nil
	}
	out := map[string]any{}
	for i := range attrs {
		a := &attrs[i]
		if !a.Argument() || secret(a) || a.DestroyTime || a.Virtual || a.Initial || !v.Type().HasAttribute(a.Name) {
			continue
		}
		j, err := argumentOf(a, v.GetAttr(a.Name))
		if err != nil {
			return nil, err
		}
		if j != nil {
			out[a.Name] = j
		}
	}
	return out, nil
}

func argumentOf(a *schema.Attribute, v cty.Value) (any, error) {
	raw, _ := v.Unmark()
	switch {
	case !raw.IsKnown() || raw.IsNull() || v.IsMarked():
		return nil, nil
	case a.Type == schema.TypeObject:
		return argumentsOf(a.Nested, raw)
	case a.Type != schema.TypeList:
		text, err := encodeJSON(raw)
		return json.RawMessage(text), err
	}
	elements := []json.RawMessage{}
	for it := raw.ElementIterator(); it.Next(); {
		_, el := it.Element()
		text, err := elementOf(a, el)
		if err != nil {
			return nil, err
		}
		elements = append(elements, text)
	}
	if !a.Elem.Ordered {
		slices.SortFunc(elements, func(x, y json.RawMessage) int { return bytes.Compare(x, y) })
	}
	return elements, nil
}

func elementOf(a *schema.Attribute, v cty.Value) ([]byte, error) {
	if a.Nested == nil {
		return encodeJSON(v)
	}
	j, err := argumentsOf(a.Nested, v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(j)
}

// Stale returns why a saved plan must not be applied any more, in words, one reason each; none if it may. fresh
// is the plan of the same configuration as it would be made now, with the saved plan's time and flags, source and
// lineage what they are now.
func Stale(saved *File, fresh *plan.Plan, source Source, lineage string, catalog *schema.Catalog) []string {
	var reasons []string
	if was := saved.Plan.Lineage; was != lineage {
		switch "" {
		case was:
			reasons = append(reasons, "the state was begun after the plan was made")
		case lineage:
			reasons = append(reasons, "the state that the plan was made on is not there any more")
		default:
			reasons = append(reasons, fmt.Sprintf("the plan was made on another state (lineage %s, not %s)", was, lineage))
		}
	}
	reasons = append(reasons, compareDigests("the file ", saved.Source.Files, source.Files, "changed")...)
	reasons = append(reasons, compareDigests("the variable ", saved.Source.Variables, source.Variables, "has another value")...)
	reasons = append(reasons, connections(saved.Plan.Connections, fresh.Connections)...)
	reasons = append(reasons, objects(saved, fresh, catalog)...)
	for _, d := range fresh.Diagnostics.Errors() {
		reasons = append(reasons, "the plan would have an error now: "+d.Error())
	}
	return reasons
}

func compareDigests(noun string, was, is map[string]string, changed string) []string {
	var out []string
	for _, name := range union(was, is) {
		old, had := was[name]
		now, has := is[name]
		switch {
		case !had:
			out = append(out, noun+name+" is new")
		case !has:
			out = append(out, noun+name+" is gone")
		case old != now:
			out = append(out, noun+name+" "+changed)
		}
	}
	return out
}

// union returns the keys of both maps, sorted.
func union[K ~string, A, B any](a map[K]A, b map[K]B) []K {
	all := map[K]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func connections(was, is map[string]plan.Connection) []string {
	var out []string
	for _, name := range union(was, is) {
		if was[name] != is[name] {
			out = append(out, strings.TrimSpace("the connection "+name)+" leads to another organization, or takes other credentials")
		}
	}
	return out
}

// objects compares address by address what the two plans rest on.
func objects(saved *File, fresh *plan.Plan, catalog *schema.Catalog) []string {
	was, is := byAddress(saved.Plan), byAddress(fresh)
	var out []string
	for _, address := range union(was, is) {
		reason := ""
		switch old, now := was[address], is[address]; {
		case old == nil:
			reason = "is in the plan now and was not"
		case now == nil:
			reason = "was in the plan and is not any more"
		default:
			reason = differs(saved.Fingerprints[address], old, now, catalog.Kind(now.Kind))
		}
		if reason != "" {
			out = append(out, string(address)+" "+reason)
		}
	}
	return out
}

func byAddress(p *plan.Plan) map[schema.Address]*plan.Change {
	out := make(map[schema.Address]*plan.Change, len(p.Changes))
	for i := range p.Changes {
		out[p.Changes[i].Address] = &p.Changes[i]
	}
	return out
}

// differs says how a change's ground differs from what it was, "" if it does not.
func differs(was Fingerprint, old, now *plan.Change, kind *schema.Kind) string {
	if kind == nil {
		return "is of a kind that this version does not have"
	}
	is, err := Print(kind, now)
	switch {
	case err != nil:
		return "cannot be compared: " + err.Error()
	case was.Identity == "" && is.Identity != "":
		return "appeared in Atlas"
	case was.Identity != "" && is.Identity == "":
		return "vanished from Atlas"
	case was.Identity != is.Identity:
		return "is another object in Atlas now"
	case was.Asked != is.Asked:
		return "is asked for with other arguments" + paths(now)
	case was.Live != is.Live:
		return "changed in Atlas" + paths(now)
	case old.Action != now.Action:
		return fmt.Sprintf("would be planned as %s now, not as %s", now.Action, old.Action)
	}
	return ""
}

// paths names the arguments that differ now.
func paths(c *plan.Change) string {
	const few = 3
	var names []string
	for i := range c.Diffs {
		names = append(names, c.Diffs[i].Path)
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > few:
		names = append(names[:few], "...")
	}
	return " (now to be changed: " + strings.Join(names, ", ") + ")"
}
