package schema

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Params returns the names of the {parameters} in an endpoint's path, in order.
func Params(template string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(template, "{")
		if !ok {
			return names
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names = append(names, name)
		template = after
	}
}

// Path fills an endpoint's path for one object, every value percent-encoded but for unreserved characters
// (RFC 3986, 2.3). key holds the values of attributes by attribute name, see [Kind.PathValues]. A parameter is taken from
// the place, else from the attribute that [Kind.PathParam] names. Where no attribute is named, a parameter whose
// name ends in "Id" is the object's id, any other one a key of one attribute, if the kind has such. A parameter
// without a value is an error.
func (k *Kind) Path(template string, place Place, id string, key map[string]string) (string, error) {
	params, err := k.pathParams(template, place, id, key)
	if err != nil {
		return "", err
	}
	for _, p := range params {
		template = strings.Replace(template, "{"+p.name+"}", escapePath(p.value), 1)
	}
	return template, nil
}

// Inside returns the place of what lives in an object of the kind: its own place and the path parameters by
// which the kind's endpoints address it. A singleton adds none.
func (k *Kind) Inside(place Place, id, key string) (Place, error) {
	template := ""
	for _, e := range []*Endpoint{k.Endpoints.Get, k.Endpoints.Update, k.Endpoints.Delete} {
		if e != nil && template == "" {
			template = e.Path
		}
	}
	params, err := k.pathParams(template, place, id, k.KeyParts(key))
	if err != nil {
		return "", err
	}
	for _, p := range params {
		if p.own {
			place = place.With(p.name, p.value)
		}
	}
	return place, nil
}

// per is how the kind's list is divided, nil where it is one.
func (k *Kind) per() *Per {
	if k.Endpoints.List == nil {
		return nil
	}
	return k.Endpoints.List.Per
}

// Spot returns where an object of the kind with the given value lives, inside the place that its parent gives: that
// place, or where the kind's list is divided the part of it that the value says, "" where that is not known.
func (k *Kind) Spot(place Place, v cty.Value) Place {
	per := k.per()
	if per == nil || place == "" {
		return place
	}
	text, ok := textOf(k.Effective(v, per.Attribute))
	if !ok {
		return ""
	}
	return place.With(per.Param, k.Attribute(per.Attribute).spelt(text))
}

// Spots returns every place in which objects of the kind can live, inside the place that their parent gives.
func (k *Kind) Spots(place Place) []Place {
	per := k.per()
	if per == nil || place == "" {
		return []Place{place}
	}
	var out []Place
	for _, value := range k.Attribute(per.Attribute).Enum {
		out = append(out, place.With(per.Param, value))
	}
	return out
}

// Around returns the place that the parent of the kind's objects gives them, of which place is a part.
func (k *Kind) Around(place Place) Place {
	if per := k.per(); per != nil && place.Param(per.Param) != "" {
		place, _ = place.Parent()
	}
	return place
}

// spelt returns a value of an enumeration in the spelling of the descriptor.
func (a *Attribute) spelt(text string) string {
	for _, value := range a.Enum {
		if strings.EqualFold(value, text) {
			return value
		}
	}
	return text
}

type pathParam struct {
	name, value string
	own         bool // it addresses the object itself, not its place
}

func (k *Kind) pathParams(template string, place Place, id string, key map[string]string) ([]pathParam, error) {
	names := Params(template)
	out := make([]pathParam, 0, len(names))
	for _, name := range names {
		p := pathParam{name: name, value: place.Param(name)}
		if p.value == "" {
			p.own, p.value = true, k.ownParam(name, id, key)
		}
		switch p.value {
		case "":
			return nil, fmt.Errorf("%s: nothing is known to fill {%s} of %s", k.Name, name, template)
		case ".", "..":
			return nil, fmt.Errorf("%s: %q cannot stand for {%s} in %s; such a name cannot be addressed", k.Name, p.value, name, template)
		}
		out = append(out, p)
	}
	return out, nil
}

func (k *Kind) ownParam(name, id string, key map[string]string) string {
	isID := k.Identity.ID != "" && (strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "ID"))
	switch a := k.PathParam(name); {
	case a != nil && a.Name == k.Identity.ID:
		return id
	case a != nil:
		return key[a.Name]
	case !isID && len(k.Identity.Key) == 1:
		return key[k.Identity.Key[0]]
	default:
		return id
	}
}

// escapePath percent-encodes everything but unreserved characters, which url.PathEscape does not.
func escapePath(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// KeyParts splits a natural key in canonical form into the values of the key's attributes, by attribute name.
// It is nil for an empty key.
func (k *Kind) KeyParts(key string) map[string]string {
	if key == "" {
		return nil
	}
	out := make(map[string]string, len(k.Identity.Key))
	for i, part := range strings.SplitN(key, "/", len(k.Identity.Key)) {
		text, err := url.PathUnescape(part)
		if err != nil {
			text = part
		}
		out[k.Identity.Key[i]] = text
	}
	return out
}

// PathValues returns the parts of a natural key and beside them, from a value of the object, those of its attributes
// that the paths of its endpoints name: what Path takes besides place and id.
func (k *Kind) PathValues(key string, value cty.Value) map[string]string {
	out := k.KeyParts(key)
	if value == cty.NilVal || value.IsNull() {
		return out
	}
	for _, e := range k.AllEndpoints() {
		for _, param := range Params(e.Path) {
			a := k.PathParam(param)
			if a == nil || a.Name == k.Identity.ID || slices.Contains(k.Identity.Key, a.Name) {
				continue
			}
			if text, ok := textOf(value.GetAttr(a.Name)); ok {
				if out == nil {
					out = map[string]string{}
				}
				out[a.Name] = text
			}
		}
	}
	return out
}

// KeyText writes a natural key in canonical form for people: its parts as Atlas shows them, joined by "/", without those
// that the object lacks.
func KeyText(key string) string {
	parts := slices.DeleteFunc(strings.Split(key, "/"), func(part string) bool { return part == "" })
	return keyReader.Replace(strings.Join(parts, "/"))
}

// Names reports whether a person who writes name can mean the object: its id, its natural key in any spelling, or
// the part of the key that a label stands for. No separator is looked for, so a name may hold any character.
func (k *Kind) Names(o Object, name string) bool {
	if name == "" {
		return false
	}
	parts := k.KeyParts(o.Key)
	if label, ok := parts[k.Identity.LabelIs]; name == o.ID || name == o.Key || name == KeyText(o.Key) || ok && name == label {
		return true
	}
	if len(parts) != 1 || k.Identity.Canonical == nil {
		return false
	}
	canonical, err := k.Identity.Canonical(name)
	return err == nil && canonical == parts[k.Identity.Key[0]]
}

var keyReader = strings.NewReplacer("%2F", "/", "%25", "%")

// JoinKey returns the natural key, in canonical form, whose attributes have the given values; "" where one is
// missing or is spelt in a way that the kind does not know.
func (k *Kind) JoinKey(parts map[string]string) string {
	texts := make([]string, 0, len(k.Identity.Key))
	for _, attr := range k.Identity.Key {
		text, ok := parts[attr]
		if !ok && !slices.Contains(k.Identity.Optional, attr) {
			return ""
		}
		text = k.Attribute(attr).spelt(text)
		if k.Identity.Canonical != nil {
			canonical, err := k.Identity.Canonical(text)
			if err != nil {
				return ""
			}
			text = canonical
		}
		texts = append(texts, keyEscaper.Replace(text))
	}
	return strings.Join(texts, "/")
}
