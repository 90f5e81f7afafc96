package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"
)

// Catalog is a checked set of kinds. The zero value is empty.
type Catalog struct {
	kinds map[string]*Kind
	names []string
}

// NewCatalog fills in what kinds leave to convention (API names, limits), checks them against each other and
// returns the set. The error joins every mistake found; it is a programming error of the kinds' author.
func NewCatalog(kinds ...Kind) (*Catalog, error) {
	c := &Catalog{kinds: map[string]*Kind{}}
	var errs []error
	for _, k := range kinds {
		if _, ok := c.kinds[k.Name]; ok {
			errs = append(errs, fmt.Errorf("kind %s: declared twice", k.Name))
		}
		if k.Credential != nil && Find(k.Attributes, SecretFile) == nil { // they are there in a kind of another catalog
			k.Attributes = slices.Concat(k.Attributes, deliveries(k.Credential))
		}
		k.Attributes = complete(k.Attributes)
		if k.Identity.Pattern != "" {
			k.Identity.pattern, _ = regexp.Compile(k.Identity.Pattern) // a wrong pattern is reported by check
		}
		c.kinds[k.Name] = &k
		c.names = append(c.names, k.Name)
		k.ty = ObjectType(k.Attributes)
	}
	sort.Strings(c.names)
	for _, name := range c.names {
		for _, problem := range c.check(c.kinds[name]) {
			errs = append(errs, fmt.Errorf("kind %s: %s", name, problem))
		}
	}
	return c, errors.Join(errs...)
}

// Kind returns the kind of that name, or nil.
func (c *Catalog) Kind(name string) *Kind { return c.kinds[name] }

// Names returns the names of all kinds, sorted.
func (c *Catalog) Names() []string { return slices.Clone(c.names) }

// Children returns the kinds that live in the given one, sorted; with "" those of an organization.
func (c *Catalog) Children(parent string) []*Kind {
	var out []*Kind
	for _, name := range c.names {
		if k := c.kinds[name]; k.Parent == parent {
			out = append(out, k)
		}
	}
	return out
}

// Collections returns the kinds of which the given one can hold any number, sorted: those that can be exclusive in it.
// What it has one of from the start is none of them, since there is always one, nor is what was done at one time.
func (c *Catalog) Collections(parent string) []*Kind {
	return slices.DeleteFunc(c.Children(parent), func(k *Kind) bool { return k.Singleton || k.Once })
}

// complete derives the API names that are left out and remembers the types, on a copy.
func complete(attrs []Attribute) []Attribute {
	out := slices.Clone(attrs)
	for i := range out {
		a := &out[i]
		if a.API == "" {
			a.API = CamelCase(a.Name)
		}
		a.Forms = slices.Clone(a.Forms)
		for f := range a.Forms {
			a.Forms[f].re, _ = a.Forms[f].compile() // a wrong pattern is reported by check
		}
		if a.Nested != nil {
			a.Nested = complete(a.Nested)
		}
		a.ty = a.CtyType()
	}
	return out
}

// CamelCase turns a snake_case argument into the usual JSON name: region_name becomes regionName.
func CamelCase(name string) string {
	var b strings.Builder
	up := false
	for _, r := range name {
		if r == '_' {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}

// check returns what is inconsistent in a kind's description.
func (c *Catalog) check(k *Kind) []string {
	var out []string
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if k.Parent != "" && c.kinds[k.Parent] == nil {
		bad("its parent %q is no kind", k.Parent)
	}
	if k.Alias != "" && c.kinds[k.Alias] == nil {
		bad("its alias %q is no kind", k.Alias)
	}
	id := k.Identity
	if id.Binds == 0 && !k.Singleton {
		bad("Identity.Binds is not set")
	}
	if resets := k.Singleton && k.Endpoints.Delete != nil; resets != (k.Reset != "") {
		bad("Reset is for a singleton that can be deleted, and only for one")
	}
	names := append(slices.Clone(id.Key), id.ID, id.LabelIs)
	if k.Fan != nil {
		names = append(names, k.Fan.Key, k.Fan.Short)
	}
	if k.Settle != nil {
		names = append(names, k.Settle.Field)
	}
	for _, p := range k.Parts {
		names = append(names, p.Attribute)
		switch m, a := p.Members, Find(k.Attributes, p.Attribute); {
		case m == nil && (p.Read == nil || p.Write == nil):
			bad("part %s has no endpoint to read or to write", p.Attribute)
		case m == nil:
		case m.Add == nil || m.Remove == nil || p.Write != nil:
			bad("the members of %s need endpoints to add and to remove one, and are written by no other", p.Attribute)
		case a != nil && m.Text != nil && m.Text.In != "" && Find(a.Nested, m.Text.In) == nil:
			bad("the members of %s are in %q, which it does not have", p.Attribute, m.Text.In)
		case a != nil && (p.List(k).Nested == nil) != (m.Text != nil):
			bad("the members of %s must be objects, or plain texts with Text", p.Attribute)
		case m.Text != nil && (m.Text.Sent == "" || m.Text.IDs != nil && m.Text.Shown == ""):
			bad("the members of %s are texts in a field of bodies, and those with ids in one of answers too", p.Attribute)
		case a != nil:
			for param, fill := range m.Params {
				if slices.ContainsFunc(fill, func(name string) bool { return Find(a.Nested, name) == nil }) {
					bad("the members of %s fill {%s} from an attribute that they do not have", p.Attribute, param)
				}
			}
		}
	}
	if cr := k.Credential; cr != nil {
		names = append(names, cr.Public, cr.Provisional)
		if id.ID == "" || len(id.Key) > 0 || id.Binds != ByID {
			bad("a credential binds by an id and has no natural key")
		}
		holders := k.Attributes
		if cr.Rotation != nil {
			names = append(names, cr.Rotation.Secrets, cr.Rotation.Lasts)
			holders = checkRotates(k, cr.Rotation, bad)
		}
		if a := Find(holders, cr.Secret); a == nil || !a.OnceShown {
			bad("the secret %s of a credential must be shown once", cr.Secret)
		}
		if a := Find(k.Attributes, cr.Provisional); a != nil && !a.Required {
			bad("what a credential is called until its secret is delivered, %s, must be required", cr.Provisional)
		}
	}
	if g := k.Safeguard; g != nil {
		names = append(names, g.Version, g.Kept)
		for _, name := range g.Copies {
			of := c.kinds[name]
			if of == nil || of.Parent != k.Name || !of.Once || of.Settle == nil || Find(of.Attributes, g.Text) == nil || Find(of.Attributes, g.Taken) == nil {
				bad("it is copied as a %q, which is no kind that is made in it once", name)
			}
		}
	}
	if o := k.Overwrites; o != nil {
		names = append(names, o.Name, o.In)
		if to := c.kinds[o.Kind]; to == nil || len(to.Identity.Key) != 1 || to.Parent == "" {
			bad("it overwrites a %q, which is no kind with a name that lives in another", o.Kind)
		}
	}
	if e := k.Endpoints.Delete; e != nil && e.Body != "" && !json.Valid([]byte(e.Body)) {
		bad("what its deletion sends is no JSON")
	}
	for _, name := range names {
		if name != "" && Find(k.Attributes, name) == nil {
			bad("it speaks of an attribute %q that it does not have", name)
		}
	}
	if l := k.Last; l != nil && (FindPath(k.Attributes, l.Attribute) == nil || Find(k.Attributes, l.Among.Attribute) == nil) {
		bad("it keeps a last %s by attributes that it does not have", l.Value)
	}
	for _, path := range id.Similar {
		if FindPath(k.Attributes, path) == nil {
			bad("it knows a resemblance by an attribute %q that it does not have", path)
		}
	}
	if k.Settle != nil {
		for state := range k.Settle.Others {
			if !slices.Contains(k.Settle.Ready, state) {
				bad("in the state %s somebody else has to act, so it must be among those that are ready", state)
			}
		}
		for _, path := range k.Settle.Why {
			if FindPath(k.Attributes, path) == nil {
				bad("it tells why it failed by an attribute %q that it does not have", path)
			}
		}
	}
	for param, name := range id.Params {
		if Find(k.Attributes, name) == nil {
			bad("its path parameter %s speaks of an attribute %q that it does not have", param, name)
		}
	}
	if id.Pattern != "" && id.pattern == nil {
		_, err := regexp.Compile(id.Pattern)
		bad("Identity.Pattern: %v", err)
	}
	for _, r := range k.Risks {
		if r.InUse && k.Credential == nil {
			bad("a rule for %s speaks of the credential in use, which it cannot be", r.Risk)
		}
		if (r.Attribute == "") == (len(r.On) == 0) {
			bad("a rule for %s needs either On or Attribute", r.Risk)
		}
		if r.Attribute != "" && FindPath(k.Attributes, r.Attribute) == nil {
			bad("a rule for %s speaks of an attribute %q that it does not have", r.Risk, r.Attribute)
		}
	}
	if len(k.InParent) > 0 && c.kinds[k.Parent] != nil {
		checkConditions(c.kinds[k.Parent].Attributes, k.InParent, func(name string) {
			bad("it needs something of an attribute %q that its parent does not have", name)
		})
	}
	if per := k.per(); per != nil {
		if a := Find(k.Attributes, per.Attribute); a == nil || len(a.Enum) == 0 || !a.Immutable || !a.Required || per.Param == "" {
			bad("its list is read per value of %q, which must be a required attribute with an enumeration that never changes", per.Attribute)
		}
	}
	for _, name := range id.Optional {
		if !slices.Contains(id.Key, name) {
			bad("%q is an optional part of a key that it is no part of", name)
		}
	}
	for _, e := range k.AllEndpoints() {
		if e.Operation == "" || e.Method == "" || !strings.HasPrefix(e.Path, "/api/atlas/v2") || e.Version == "" || e.Role == "" {
			bad("endpoint %s %s lacks operation, method, path, version or role", e.Operation, e.Path)
		}
	}
	c.checkAdvice(k, bad)
	c.checkUpgrades(k, bad)
	checkAttributes(k.Attributes, "", bad)
	return out
}

// checkRotates returns the attributes of a secret of a credential that has several.
func checkRotates(k *Kind, r *Rotation, bad func(string, ...any)) []Attribute {
	list := Find(k.Attributes, r.Secrets)
	if list == nil {
		return nil
	}
	if id, expires := Find(list.Nested, r.ID), Find(list.Nested, r.Expires); list.Owner != Server || id == nil || expires == nil || expires.Type != TypeTime {
		bad("the secrets in %s need an id and a time", r.Secrets)
	}
	if lasts := Find(k.Attributes, r.Lasts); lasts != nil && (!lasts.Initial || !lasts.Required || lasts.Type != TypeInteger) {
		bad("%s must be a required number of hours that is taken once", r.Lasts)
	}
	if r.Mint == nil || r.Revoke == nil || r.Most < 2 || !slices.Contains(Params(r.Revoke.Path), r.Param) {
		bad("its secrets can be made and revoked, and two at least can be there at a time")
	}
	return list.Nested
}

func checkAttributes(attrs []Attribute, prefix string, bad func(string, ...any)) {
	seen := map[string]bool{}
	for i := range attrs {
		a := &attrs[i]
		path := prefix + a.Name
		switch {
		case a.Name == "" || seen[a.Name]:
			bad("attribute %q has no name or stands twice", path)
		case a.Type == 0:
			bad("attribute %s has no type", path)
		case a.Type == TypeObject && a.Nested == nil:
			bad("attribute %s is an object without attributes", path)
		case a.Type == TypeList && (a.Nested == nil) == (a.Of == 0):
			bad("attribute %s is a list and needs either Nested or Of", path)
		case a.Type == TypeMap && a.Of == 0:
			bad("attribute %s is a map and needs Of", path)
		case a.Masked && !a.WriteOnly:
			bad("attribute %s is masked and no secret", path)
		case a.Embedded && a.Type != TypeJSON:
			bad("attribute %s is embedded and no JSON document", path)
		case a.Answers != nil && a.Forms != nil:
			bad("attribute %s has forms, which are the fields of its answers too", path)
		case a.MinItems > 0 && a.Type != TypeList:
			bad("attribute %s has at least so many elements and is no list", path)
		case a.Required && a.Owner == Server:
			bad("attribute %s is required and the server's", path)
		case a.Unread && (prefix != "" || !a.Argument()):
			bad("attribute %s is not shown by Atlas, which is for arguments of the kind itself", path)
		}
		seen[a.Name] = true
		for _, key := range append(slices.Clone(a.Elem.Key), a.Elem.Tag) {
			if key != "" && Find(a.Nested, key) == nil {
				bad("attribute %s pairs by %q, which its elements lack", path, key)
			}
		}
		if n := a.Networks; n != nil && (prefix != "" || Find(a.Nested, n.Address) == nil || Find(a.Nested, n.Block) == nil) {
			bad("attribute %s names networks by %q and %q, which its elements lack", path, n.Address, n.Block)
		}
		for _, cond := range append(slices.Clone(a.AllowedWhen), a.RequiredWhen...) {
			if Find(attrs, cond.Attribute) == nil {
				bad("attribute %s depends on %q, which its siblings lack", path, cond.Attribute)
			}
			if cond.Network != nil || cond.Past || cond.Some != nil || cond.Every != nil {
				bad("attribute %s depends on more of %s than its values, which only advice can", path, cond.Attribute)
			}
		}
		for i := range a.Forms {
			if a.Forms[i].re == nil || a.Type != TypeString {
				bad("attribute %s: its form %s is no pattern of a text", path, a.Forms[i].API)
			}
		}
		if a.FromPlace != "" && a.Owner != Server {
			bad("attribute %s is filled from the place and must be the server's", path)
		}
		checkAttributes(a.Nested, path+".", bad)
	}
}

// FindPath returns the attribute at a dotted path without indices, or nil. Names may hold dots themselves (limits).
func FindPath(attrs []Attribute, path string) *Attribute {
	if a := Find(attrs, path); a != nil {
		return a
	}
	for i := range attrs {
		if rest, ok := strings.CutPrefix(path, attrs[i].Name+"."); ok {
			if a := FindPath(attrs[i].Nested, rest); a != nil {
				return a
			}
		}
	}
	return nil
}

// PathParam returns the attribute that fills a path parameter of one object's endpoints: the one that
// Identity.Params names, else the one whose API field is called like the parameter; nil where it belongs to the
// object's Place.
func (k *Kind) PathParam(param string) *Attribute {
	if name, ok := k.Identity.Params[param]; ok {
		return k.Attribute(name)
	}
	for i := range k.Attributes {
		if a := &k.Attributes[i]; a.API == param && a.Forms == nil && a.FromPlace == "" {
			return a
		}
	}
	return nil
}

// AllEndpoints returns every endpoint of the kind, its parts' included, in a fixed order.
func (k *Kind) AllEndpoints() []*Endpoint {
	all := []*Endpoint{k.Endpoints.List, k.Endpoints.Get, k.Endpoints.Create, k.Endpoints.Update, k.Endpoints.Delete, k.Endpoints.Find}
	all = append(all, k.Endpoints.Partial...)
	if k.Validate != nil {
		all = append(all, k.Validate.Endpoint)
	}
	for i := range k.Upgrades {
		all = append(all, k.Upgrades[i].Call)
	}
	for _, p := range k.Parts {
		all = append(all, p.Read)
		all = append(all, p.Endpoints()...)
		if m := p.Members; m != nil && m.Text != nil {
			all = append(all, m.Text.IDs)
		}
	}
	if k.Credential != nil && k.Credential.Rotation != nil {
		all = append(all, k.Credential.Rotation.Mint, k.Credential.Rotation.Revoke)
	}
	return slices.DeleteFunc(all, func(e *Endpoint) bool { return e == nil })
}

// Swept reports whether all objects of the kind in a place can be read: by a list, or of a singleton by itself.
func (k *Kind) Swept() bool {
	return k.Endpoints.List != nil || k.Singleton && k.Endpoints.Get != nil
}

// Endpoint returns the endpoint with the given operationId, or nil.
func (k *Kind) Endpoint(operation string) *Endpoint {
	for _, e := range k.AllEndpoints() {
		if e.Operation == operation {
			return e
		}
	}
	return nil
}

// Part returns the part that fills an attribute, or nil.
func (k *Kind) Part(attribute string) *Part {
	for i := range k.Parts {
		if k.Parts[i].Attribute == attribute {
			return &k.Parts[i]
		}
	}
	return nil
}

// Attribute returns the top-level attribute of that name, or nil.
func (k *Kind) Attribute(name string) *Attribute { return Find(k.Attributes, name) }

// HasSecrets reports whether any attribute, at any depth, is write-only.
func (k *Kind) HasSecrets() bool { return hasSecrets(k.Attributes) }

func hasSecrets(attrs []Attribute) bool {
	for i := range attrs {
		if attrs[i].HasSecrets() {
			return true
		}
	}
	return false
}

// HasSecrets reports whether the attribute, or one at any depth inside of it, is write-only.
func (a *Attribute) HasSecrets() bool { return a.WriteOnly || hasSecrets(a.Nested) }
