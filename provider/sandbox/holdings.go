package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// held are the kinds of which an organization has any number, beside its projects. By hand they are named by the id
// of the organization in place of a project's.
var held = [...]Kind{APIKey, ServiceAccount, Team, OrgUser}

// holding is what an organization has beside its projects. Like a project it is a unit of persistence.
type holding struct {
	ID      string                 `json:"id"`
	Kinds   map[Kind]*index[*item] `json:"kinds"`
	Singles map[Kind]object        `json:"singles"`
}

// heldOnce are the kinds of which an organization has exactly one, with what it is from the start.
var heldOnce = map[Kind]func(*Org) object{
	Organization: func(org *Org) object { return object{"name": org.Name, "skipDefaultAlertsSettings": false} },
	OrgSettings:  func(*Org) object { return defaultOrgSettings() },
}

func (h *holding) of(kind Kind) *index[*item] { return h.Kinds[kind] }

// fill completes a holding that is new or read from a file.
func (h *holding) fill(seed uint64, org *Org) {
	if h.Kinds == nil {
		h.Kinds = map[Kind]*index[*item]{}
	}
	for _, kind := range held {
		if h.Kinds[kind] == nil {
			h.Kinds[kind] = &index[*item]{}
		}
		h.Kinds[kind].reseed(hash64(seed, string(kind)))
	}
	if h.Singles == nil {
		h.Singles = map[Kind]object{}
	}
	for kind, initial := range heldOnce {
		if h.Singles[kind] == nil {
			h.Singles[kind] = initial(org)
		}
	}
}

// holding returns what an organization has: its owner, until something is put there.
func (s *Server) holding(orgID string) *holding {
	h := s.holdings[orgID]
	if h == nil {
		h = &holding{ID: orgID}
		h.fill(s.opts.Seed, s.org(orgID))
		owner := ownerOf(orgID)
		h.of(OrgUser).put(textOf(owner, "id"), &item{Doc: owner})
		s.holdings[orgID] = h
	}
	return h
}

// touch takes note that what the caller's organization has is changed.
func (s *Server) touch(c *call) *holding {
	s.dirtyOrgs[c.who.org.ID] = true
	return s.holding(c.who.org.ID)
}

func (f *folder) org(id string) string { return filepath.Join(f.dir, "orgs", id+".json") }

// loadHoldings reads what the organizations of this sandbox had.
func (s *Server) loadHoldings(f *folder) error {
	if err := os.MkdirAll(filepath.Join(f.dir, "orgs"), 0o700); err != nil {
		return err
	}
	for _, org := range s.orgs {
		raw, err := os.ReadFile(f.org(org.ID))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		h := &holding{}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(h); err != nil || h.ID != org.ID {
			return errors.Join(fmt.Errorf("%s is not what an organization of a sandbox has; remove it", f.org(org.ID)), err)
		}
		h.fill(s.opts.Seed, org)
		s.holdings[org.ID] = h
	}
	return nil
}

// flushHoldings writes what has changed.
func (s *Server) flushHoldings() error {
	var problems []error
	for id := range s.dirtyOrgs {
		delete(s.dirtyOrgs, id)
		if s.files == nil {
			continue
		}
		raw, err := json.Marshal(s.holding(id))
		if err == nil {
			err = replaceFile(s.files.org(id), raw)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func isHeld(kind Kind) bool { return slices.Contains(held[:], kind) || heldOnce[kind] != nil }

// heldDoc returns the document of an object of an organization, by key where there are several.
func (s *Server) heldDoc(kind Kind, orgID, key string) (object, error) {
	if s.org(orgID) == nil {
		return nil, fmt.Errorf("the sandbox has no organization %q", orgID)
	}
	if heldOnce[kind] != nil {
		return s.holding(orgID).Singles[kind], nil
	}
	it, ok := s.holding(orgID).of(kind).get(key)
	if !ok {
		return nil, fmt.Errorf("there is no %s %q in organization %s", kind, key, orgID)
	}
	return it.Doc, nil
}

// putHeld is Put for what an organization has; "" is the first one.
func (s *Server) putHeld(kind Kind, orgID string, doc object) error {
	if orgID == "" {
		orgID = s.orgs[0].ID
	}
	if s.org(orgID) == nil {
		return fmt.Errorf("the sandbox has no organization %q", orgID)
	}
	if heldOnce[kind] != nil {
		s.holding(orgID).Singles[kind] = doc
		return s.saveHeld(orgID)
	}
	if kind == ServiceAccount {
		setDefault(doc, "clientId", "mdb_sa_id_"+s.newID())
	} else {
		setDefault(doc, "id", s.newID())
	}
	key, x := keyOf(kind, doc), s.holding(orgID).of(kind)
	it := &item{}
	if old, ok := x.get(key); ok {
		*it = *old
	}
	it.Doc = doc
	switch kind {
	case APIKey:
		seal(it)
	case ServiceAccount:
		sealSecrets(it)
	}
	x.put(key, it)
	return s.saveHeld(orgID)
}

func (s *Server) saveHeld(orgID string) error {
	s.dirtyOrgs[orgID] = true
	return s.flush()
}
