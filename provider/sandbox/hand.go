package sandbox

import (
	"fmt"
	"slices"
)

// keyOf returns what an object of a kind is known by within its project.
func keyOf(kind Kind, doc object) string {
	switch kind {
	case DatabaseUser:
		return userKey(doc)
	case CustomRole:
		return textOf(doc, "roleName")
	case AccessList:
		return entryKey(doc)
	case BackupCompliance:
		return thePolicy
	case Cluster, FlexCluster:
		return textOf(doc, "name")
	case ProjectTeam:
		return textOf(doc, "teamId")
	case Integration:
		return textOf(doc, "type")
	case SearchIndex:
		return searchKey(doc)
	case PrivateEndpoint:
		return privateEndpointKey(doc)
	case CloudRole:
		return cloudRoleID(doc)
	case ServiceAccount:
		return textOf(doc, "clientId")
	}
	return textOf(doc, "id")
}

// findProject returns a project by id, as it is now.
func (s *Server) findProject(id string) (*project, error) {
	p, ok := s.projects.get(id)
	if !ok {
		return nil, fmt.Errorf("there is no project with the id %q", id)
	}
	s.catchUp(p)
	return p, nil
}

// collection returns a kind's objects in a project.
func (s *Server) collection(kind Kind, groupID string) (*project, *index[*item], error) {
	if !slices.Contains(collected[:], kind) {
		return nil, nil, fmt.Errorf("a project has no list of %q; the kinds are %v", kind, collected)
	}
	p, err := s.findProject(groupID)
	if err != nil {
		return nil, nil, err
	}
	return p, p.of(kind), nil
}

// ProjectID returns the id of the project of a name, in any organization.
func (s *Server) ProjectID(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range s.projects.all() {
		if textOf(p.Doc, "name") == name {
			return id, true
		}
	}
	return "", false
}

// List returns copies of a kind's objects in a project, ordered by key; of projects, all (groupID is
// then ignored). A project that does not exist has none. Of what belongs to an organization, here and in the other
// methods for changes by hand, groupID is the id of the organization.
func (s *Server) List(kind Kind, groupID string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]any
	if kind == Project {
		for _, id := range sortedKeys(s.projects.values) {
			out = append(out, clone(s.projects.values[id].Doc))
		}
		return out
	}
	var x *index[*item]
	if isHeld(kind) {
		if s.org(groupID) == nil {
			return nil
		}
		if doc := s.holding(groupID).Singles[kind]; doc != nil {
			return []map[string]any{clone(doc)}
		}
		x = s.holding(groupID).of(kind)
	} else if _, of, err := s.collection(kind, groupID); err == nil {
		x = of
	} else {
		return nil
	}
	for _, key := range sortedKeys(x.values) {
		out = append(out, clone(x.values[key].Doc))
	}
	return out
}

// document returns the stored document that a kind, project and key name.
func (s *Server) document(kind Kind, groupID, key string) (object, error) {
	if isHeld(kind) {
		return s.heldDoc(kind, groupID, key)
	}
	p, err := s.findProject(groupID)
	if err != nil {
		return nil, err
	}
	switch kind {
	case Project:
		return p.Doc, nil
	case Settings:
		return p.Settings, nil
	}
	if doc, ok := p.Singles[kind]; ok {
		return doc, nil
	}
	from := kind
	if kind == ProcessArgs || kind == BackupSchedule {
		from = Cluster
	}
	_, x, err := s.collection(from, groupID)
	if err != nil {
		return nil, err
	}
	it, ok := x.get(key)
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no %s %q in project %s", kind, key, groupID)
	case kind == ProcessArgs:
		if it.Args == nil {
			it.Args = object{}
		}
		return it.Args, nil
	case kind == BackupSchedule && s.scheduleOf(p, it) == nil:
		return nil, fmt.Errorf("cluster %q has no backups and no schedule", key)
	case kind == BackupSchedule:
		return it.Schedule, nil
	}
	return it.Doc, nil
}

// Get returns a copy of an object. The key is the name of a cluster or role, "admin/NAME" of a user, the
// block or security group of an entry, CLUSTER/DATABASE/COLLECTION/NAME of a search index, SERVICE/ENDPOINT of a private endpoint, the type of an integration, the id of an alert configuration, container, API key, team (in a project too) or user, the client id of a service account; for a project, its
// settings and what it has one of it is "".
func (s *Server) Get(kind Kind, groupID, key string) (map[string]any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, err := s.document(kind, groupID, key)
	if err != nil {
		return nil, false
	}
	return clone(doc), true
}

// Put stores an object as it stands, the way an answer of Atlas shows it: nothing is checked and nothing
// filled in but an id and the project's. A backup says in clusterName what it is of. It replaces an object with the same key. It is how live data and
// recordings get in, and what a person in the UI would have made.
func (s *Server) Put(kind Kind, groupID string, raw map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc := clone(object(raw))
	delete(doc, "links")
	switch {
	case kind == Project:
		return s.putProject(doc)
	case isHeld(kind):
		return s.putHeld(kind, groupID, doc)
	}
	if kind == Settings || kind == ProcessArgs || kind == BackupSchedule {
		return fmt.Errorf("%s can't be put: it belongs to an object that exists; change it with Change", kind)
	}
	if single[kind] != nil {
		p, err := s.findProject(groupID)
		if err != nil {
			return err
		}
		p.Singles[kind] = doc
		return s.save(p)
	}
	p, x, err := s.collection(kind, groupID)
	if err != nil {
		return err
	}
	switch kind {
	case Cluster, FlexCluster, AlertConfig, Container, BackupSnapshot, Integration, RestoreJob, Peering, PrivateService:
		setDefault(doc, "id", s.newID())
	case SearchIndex:
		setDefault(doc, "indexID", s.newID())
	}
	switch kind {
	case Cluster, FlexCluster, AlertConfig, AccessList, DatabaseUser, Alert:
		doc["groupId"] = groupID
	}
	if kind == Alert {
		s.raise(doc, groupID, textOf(p.Doc, "orgId"))
	}
	if kind == CloudRole && cloudRoleID(doc) == "" {
		doc[map[bool]string{true: "_id", false: "roleId"}[doc["providerName"] == "AZURE"]] = s.newID()
	}
	key := keyOf(kind, doc)
	if key == "" || key == "/" {
		return fmt.Errorf("the %s has no key: %s", kind, canonical(doc))
	}
	it := &item{Doc: doc}
	if kind == BackupSnapshot || kind == RestoreJob {
		it.Of = sourceOf(p, doc)
	}
	if old, ok := x.get(key); ok {
		it.Args, it.Schedule = old.Args, old.Schedule
	}
	p.store(kind, key, it)
	s.resume(kind, it)
	return s.save(p)
}

// resume lets an object that was put in a busy state leave it.
func (s *Server) resume(kind Kind, it *item) {
	if w, ok := works[kind]; ok && it.Doc[w.state] != nil {
		s.toil(kind, it, textOf(it.Doc, w.state), s.opts.UpdateTime)
	}
	if kind != Cluster && kind != FlexCluster {
		return
	}
	switch state := textOf(it.Doc, "stateName"); state {
	case "":
		it.Doc["stateName"] = idle
	case creating:
		s.busy(it, state, s.opts.CreateTime)
	case updating, "REPAIRING":
		s.busy(it, state, s.opts.UpdateTime)
	case deleting:
		s.busy(it, state, s.opts.DeleteTime)
	}
}

func (s *Server) putProject(doc object) error {
	setDefault(doc, "id", s.newID())
	setDefault(doc, "orgId", s.orgs[0].ID)
	setDefault(doc, "created", stamp(s.now()))
	delete(doc, "clusterCount")
	id := textOf(doc, "id")
	switch {
	case !hexID.MatchString(id):
		return fmt.Errorf("project id %q: want 24 hexadecimal digits in lower case", id)
	case s.org(textOf(doc, "orgId")) == nil:
		return fmt.Errorf("project %s: the sandbox has no organization %q", id, textOf(doc, "orgId"))
	case textOf(doc, "name") == "":
		return fmt.Errorf("project %s: it has no name", id)
	}
	if old, ok := s.projects.get(id); ok {
		old.Doc = doc
		return s.save(old)
	}
	p := newProject(s.opts.Seed, doc)
	s.projects.put(id, p)
	return s.save(p)
}

func (s *Server) save(p *project) error {
	s.dirty[p.id()] = true
	return s.flush()
}

// Change merges fields into an object, as a person in the UI would; a nil value removes a field. Nothing
// is checked. A changed key moves the object.
func (s *Server) Change(kind Kind, groupID, key string, fields map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, err := s.document(kind, groupID, key)
	if err != nil {
		return err
	}
	for name, value := range fields {
		if value == nil && kind != ProcessArgs {
			delete(doc, name)
		} else {
			doc[name] = cloneAny(value)
		}
	}
	if isHeld(kind) {
		return s.saveHeld(groupID)
	}
	p, err := s.findProject(groupID)
	if err != nil {
		return err
	}
	if slices.Contains(collected[:], kind) {
		it, _ := p.of(kind).get(key)
		if it.Of != nil {
			it.Progress = nil // it stays as it was put
		}
		p.of(kind).remove(key)
		p.store(kind, keyOf(kind, doc), it)
		if doc["effectiveReplicationSpecs"] != nil {
			showEffective(doc)
		}
		it.Progress = nil
		s.resume(kind, it)
	}
	return s.save(p)
}

// ScaleCluster does what compute auto-scaling does: the electable and read-only nodes of every region get
// another size.
func (s *Server) ScaleCluster(groupID, name, size string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, err := s.document(Cluster, groupID, name)
	if err != nil {
		return err
	}
	for _, spec := range objectsOf(doc, "replicationSpecs") {
		for _, region := range objectsOf(spec, "regionConfigs") {
			for _, field := range []string{"electableSpecs", "readOnlySpecs"} {
				if hardware := objectOf(region, field); hardware != nil {
					hardware["instanceSize"] = size
				}
			}
		}
	}
	showEffective(doc)
	p, err := s.findProject(groupID)
	if err != nil {
		return err
	}
	return s.save(p)
}

// UpgradeTenant does what the upgrade of an M0 does: the cluster keeps its name and gets another id, machines
// of its own and a size.
func (s *Server) UpgradeTenant(groupID, name, size string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	doc, err := s.document(Cluster, groupID, name)
	if err != nil {
		return err
	}
	if !isTenant(doc) {
		return fmt.Errorf("cluster %q has machines of its own already", name)
	}
	region := objectsOf(objectsOf(doc, "replicationSpecs")[0], "regionConfigs")[0]
	upgraded, failed := s.dedicatedOf(doc, textOf(region, "backingProviderName"), textOf(region, "regionName"), size)
	if failed != nil {
		return failed
	}
	p, err := s.findProject(groupID)
	if err != nil {
		return err
	}
	it, _ := p.of(Cluster).get(name)
	s.finishUpgrade(p, it, upgraded)
	return s.save(p)
}

// Delete removes an object at once, without asking what depends on it. What a project has one of is reset.
func (s *Server) Delete(kind Kind, groupID, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.document(kind, groupID, key); err != nil {
		return err
	}
	if initial := heldOnce[kind]; initial != nil {
		s.holding(groupID).Singles[kind] = initial(s.org(groupID))
		return s.saveHeld(groupID)
	}
	if isHeld(kind) {
		s.holding(groupID).of(kind).remove(key)
		return s.saveHeld(groupID)
	}
	p, err := s.findProject(groupID)
	if err != nil {
		return err
	}
	switch {
	case kind == Project:
		s.projects.remove(groupID)
	case single[kind] != nil:
		p.Singles[kind] = single[kind]()
	case kind == Settings || kind == ProcessArgs || kind == BackupSchedule:
		return fmt.Errorf("%s can't be deleted", kind)
	case kind == Cluster || kind == FlexCluster:
		p.dropCluster(kind, key)
	case kind == PrivateService:
		p.dropPrivateService(key)
	default:
		p.of(kind).remove(key)
	}
	return s.save(p)
}
