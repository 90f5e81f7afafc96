package schema

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kinds are data, so what the compiler does not see of them is checked when a catalog is made.

// selfCheck collects what is inconsistent in a kind's description.
type selfCheck struct {
	c   *Catalog
	k   *Kind
	out []string
}

func (s *selfCheck) bad(format string, args ...any) {
	s.out = append(s.out, fmt.Sprintf(format, args...))
}

// has makes sure that the kind has the attributes that something about it speaks of; "" is none.
func (s *selfCheck) has(names ...string) {
	for _, name := range names {
		if name != "" && s.k.Attribute(name) == nil {
			s.bad("it speaks of an attribute %q that it does not have", name)
		}
	}
}

// check returns what is inconsistent in a kind's description.
func (c *Catalog) check(k *Kind) []string {
	s := &selfCheck{c: c, k: k}
	s.family()
	s.identity()
	for i := range k.Parts {
		s.part(&k.Parts[i])
	}
	if k.Credential != nil {
		s.credential(k.Credential)
	}
	s.losses()
	if k.Settle != nil {
		s.settle(k.Settle)
	}
	for _, r := range k.Risks {
		s.risk(r)
	}
	s.endpoints()
	c.checkAdvice(k, s.bad)
	c.checkUpgrades(k, s.bad)
	checkAttributes(k.Attributes, "", s.bad)
	return s.out
}

// family checks what the kind says of other kinds and of its place among them.
func (s *selfCheck) family() {
	k := s.k
	if k.Parent != "" && s.c.kinds[k.Parent] == nil {
		s.bad("its parent %q is no kind", k.Parent)
	}
	if k.Alias != "" && s.c.kinds[k.Alias] == nil {
		s.bad("its alias %q is no kind", k.Alias)
	}
	if resets := k.Singleton && k.Endpoints.Delete != nil; resets != (k.Reset != "") {
		s.bad("Reset is for a singleton that can be deleted, and only for one")
	}
	if k.Fan != nil {
		s.has(k.Fan.Key, k.Fan.Short)
	}
	if len(k.InParent) > 0 && s.c.kinds[k.Parent] != nil {
		checkConditions(s.c.kinds[k.Parent].Attributes, k.InParent, func(name string) {
			s.bad("it needs something of an attribute %q that its parent does not have", name)
		})
	}
}

func (s *selfCheck) identity() {
	id := s.k.Identity
	if id.Binds == 0 && !s.k.Singleton {
		s.bad("Identity.Binds is not set")
	}
	s.has(id.Key...)
	s.has(id.ID, id.LabelIs)
	for _, path := range id.Similar {
		if FindPath(s.k.Attributes, path) == nil {
			s.bad("it knows a resemblance by an attribute %q that it does not have", path)
		}
	}
	for param, name := range id.Params {
		if s.k.Attribute(name) == nil {
			s.bad("its path parameter %s speaks of an attribute %q that it does not have", param, name)
		}
	}
	if id.Pattern != "" && id.pattern == nil {
		_, err := regexp.Compile(id.Pattern)
		s.bad("Identity.Pattern: %v", err)
	}
	for _, name := range id.Optional {
		if !slices.Contains(id.Key, name) {
			s.bad("%q is an optional part of a key that it is no part of", name)
		}
	}
}

func (s *selfCheck) part(p *Part) {
	s.has(p.Attribute)
	switch m, a := p.Members, s.k.Attribute(p.Attribute); {
	case m == nil && (p.Read == nil || p.Write == nil):
		s.bad("part %s has no endpoint to read or to write", p.Attribute)
	case m == nil:
	case m.Add == nil || m.Remove == nil || p.Write != nil:
		s.bad("the members of %s need endpoints to add and to remove one, and are written by no other", p.Attribute)
	case a == nil:
	case m.Text != nil && m.Text.In != "" && Find(a.Nested, m.Text.In) == nil:
		s.bad("the members of %s are in %q, which it does not have", p.Attribute, m.Text.In)
	case (p.List(s.k).Nested == nil) != (m.Text != nil):
		s.bad("the members of %s must be objects, or plain texts with Text", p.Attribute)
	case m.Text != nil && (m.Text.Sent == "" || m.Text.IDs != nil && m.Text.Shown == ""):
		s.bad("the members of %s are texts in a field of bodies, and those with ids in one of answers too", p.Attribute)
	default:
		for param, fill := range m.Params {
			if slices.ContainsFunc(fill, func(name string) bool { return Find(a.Nested, name) == nil }) {
				s.bad("the members of %s fill {%s} from an attribute that they do not have", p.Attribute, param)
			}
		}
	}
}

func (s *selfCheck) credential(cr *Credential) {
	id := s.k.Identity
	s.has(cr.Public, cr.Provisional)
	if id.ID == "" || len(id.Key) > 0 || id.Binds != ByID {
		s.bad("a credential binds by an id and has no natural key")
	}
	holders := s.k.Attributes
	if cr.Rotation != nil {
		s.has(cr.Rotation.Secrets, cr.Rotation.Lasts)
		holders = checkRotates(s.k, cr.Rotation, s.bad)
	}
	if a := Find(holders, cr.Secret); a == nil || !a.OnceShown {
		s.bad("the secret %s of a credential must be shown once", cr.Secret)
	}
	if a := s.k.Attribute(cr.Provisional); a != nil && !a.Required {
		s.bad("what a credential is called until its secret is delivered, %s, must be required", cr.Provisional)
	}
}

// losses checks what guards objects of the kind from being lost, and what they overwrite.
func (s *selfCheck) losses() {
	k := s.k
	if g := k.Safeguard; g != nil {
		s.has(g.Version, g.Kept)
		for _, name := range g.Copies {
			of := s.c.kinds[name]
			if of == nil || of.Parent != k.Name || !of.Once || of.Settle == nil || of.Attribute(g.Text) == nil || of.Attribute(g.Taken) == nil {
				s.bad("it is copied as a %q, which is no kind that is made in it once", name)
			}
		}
	}
	if o := k.Overwrites; o != nil {
		s.has(o.Name, o.In)
		if to := s.c.kinds[o.Kind]; to == nil || len(to.Identity.Key) != 1 || to.Parent == "" {
			s.bad("it overwrites a %q, which is no kind with a name that lives in another", o.Kind)
		}
	}
	if l := k.Last; l != nil && (FindPath(k.Attributes, l.Attribute) == nil || k.Attribute(l.Among.Attribute) == nil) {
		s.bad("it keeps a last %s by attributes that it does not have", l.Value)
	}
}

func (s *selfCheck) settle(st *Settle) {
	s.has(st.Field)
	for state := range st.Others {
		if !slices.Contains(st.Ready, state) {
			s.bad("in the state %s somebody else has to act, so it must be among those that are ready", state)
		}
	}
	for _, path := range st.Why {
		if FindPath(s.k.Attributes, path) == nil {
			s.bad("it tells why it failed by an attribute %q that it does not have", path)
		}
	}
}

func (s *selfCheck) risk(r RiskRule) {
	if r.InUse && s.k.Credential == nil {
		s.bad("a rule for %s speaks of the credential in use, which it cannot be", r.Risk)
	}
	if (r.Attribute == "") == (len(r.On) == 0) {
		s.bad("a rule for %s needs either On or Attribute", r.Risk)
	}
	if r.Attribute != "" && FindPath(s.k.Attributes, r.Attribute) == nil {
		s.bad("a rule for %s speaks of an attribute %q that it does not have", r.Risk, r.Attribute)
	}
}

func (s *selfCheck) endpoints() {
	if e := s.k.Endpoints.Delete; e != nil && e.Body != "" && !json.Valid([]byte(e.Body)) {
		s.bad("what its deletion sends is no JSON")
	}
	if per := s.k.per(); per != nil {
		if a := s.k.Attribute(per.Attribute); a == nil || len(a.Enum) == 0 || !a.Immutable || !a.Required || per.Param == "" {
			s.bad("its list is read per value of %q, which must be a required attribute with an enumeration that never changes", per.Attribute)
		}
	}
	for _, e := range s.k.AllEndpoints() {
		if e.Operation == "" || e.Method == "" || !strings.HasPrefix(e.Path, "/api/atlas/v2") || e.Version == "" || e.Role == "" {
			s.bad("endpoint %s %s lacks operation, method, path, version or role", e.Operation, e.Path)
		}
	}
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
