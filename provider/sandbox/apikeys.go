package sandbox

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	keysPath      = apiRoot + "/orgs/{orgId}/apiKeys"
	groupKeysPath = apiRoot + "/groups/{groupId}/apiKeys"
	keyAccessPath = keysPath + "/{apiUserId}/accessList"
)

var (
	keyRule       = of(shape{"desc": text.between(0, 250), "roles": list(text)})
	assignRule    = list(of(shape{"roles": list(text), "userId": owned}))
	keyAccessRule = list(of(shape{"cidrBlock": text, "ipAddress": text}))
)

var keyOperations = []*operation{
	{id: "listOrgApiKeys", method: "GET", path: keysPath, versions: since("2023-01-01"), limits: "org", serve: (*Server).listKeys},
	{id: "createOrgApiKey", method: "POST", path: keysPath, versions: since("2023-01-01"), limits: "org", body: &keyRule, serve: (*Server).createKey},
	{id: "getOrgApiKey", method: "GET", path: keysPath + "/{apiUserId}", versions: since("2023-01-01"), limits: "org", serve: (*Server).getKey},
	{id: "updateOrgApiKey", method: "PATCH", path: keysPath + "/{apiUserId}", versions: since("2023-01-01"), limits: "org", body: &keyRule, serve: (*Server).updateKey},
	{id: "deleteOrgApiKey", method: "DELETE", path: keysPath + "/{apiUserId}", versions: since("2023-01-01"), limits: "org", serve: (*Server).deleteKey},

	{id: "listOrgApiKeyAccessListEntries", method: "GET", path: keyAccessPath, versions: since("2023-01-01"), limits: "org", serve: (*Server).listKeyEntries},
	{id: "createOrgApiKeyAccessListEntry", method: "POST", path: keyAccessPath, versions: since("2023-01-01"), limits: "org", body: &keyAccessRule, serve: (*Server).createKeyEntries},
	{id: "getOrgApiKeyAccessListEntry", method: "GET", path: keyAccessPath + "/{ipAddress}", versions: since("2023-01-01"), limits: "org", serve: (*Server).getKeyEntry},
	{id: "deleteOrgApiKeyAccessListEntry", method: "DELETE", path: keyAccessPath + "/{ipAddress}", versions: since("2023-01-01"), limits: "org", serve: (*Server).deleteKeyEntry},

	{id: "listGroupApiKeys", method: "GET", path: groupKeysPath, versions: since("2023-01-01"), limits: "groups", serve: (*Server).listGroupKeys},
	{id: "createGroupApiKey", method: "POST", path: groupKeysPath, versions: since("2023-01-01"), limits: "groups", body: &keyRule, serve: (*Server).createGroupKey},
	{id: "addGroupApiKey", method: "POST", path: groupKeysPath + "/{apiUserId}", versions: since("2023-01-01"), limits: "groups", body: &assignRule, serve: (*Server).addGroupKey},
	{id: "updateGroupApiKeyRoles", method: "PATCH", path: groupKeysPath + "/{apiUserId}", versions: since("2023-01-01"), limits: "groups", body: &keyRule, serve: (*Server).updateGroupKey},
	{id: "removeGroupApiKey", method: "DELETE", path: groupKeysPath + "/{apiUserId}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).removeGroupKey},
}

// A key's roles are one list, each in the organization ("orgId") or in a project ("groupId").

// rolesOutside returns a key's roles but those in one place, named by its id.
func rolesOutside(doc object, place, id string) []any {
	return slices.DeleteFunc(slices.Clone(listOf(doc, "roles")), func(r any) bool { return textOf(r.(object), place) == id })
}

// rolesIn makes roles of their names.
func rolesIn(place, id string, names []any) []any {
	out := []any{}
	for _, name := range names {
		role := object{place: id, "roleName": name}
		if !slices.ContainsFunc(out, func(r any) bool { return textOf(r.(object), "roleName") == name }) {
			out = append(out, role)
		}
	}
	return out
}

// checkRoles checks that roles are there and belong to an organization or to a project, which their names tell. The
// names themselves are left to grow.
func checkRoles(place, id string, names []any) *apiError {
	if len(names) == 0 {
		return fail("MISSING_API_KEY_ROLES")
	}
	prefix, code := "ORG_", "INVALID_ROLE_FOR_ORG"
	if place == "groupId" {
		prefix, code = "GROUP_", "INVALID_ROLE_FOR_GROUP"
	}
	for _, name := range names {
		if !strings.HasPrefix(name.(string), prefix) {
			return fail(code, name, id)
		}
	}
	return nil
}

// keyView is a key as answers show it, without roles in projects that are gone.
func (s *Server) keyView(c *call, it *item) object {
	id := textOf(it.Doc, "id")
	doc := s.view(it.Doc, id, []any{self(c.base + apiRoot + "/orgs/" + c.who.org.ID + "/apiKeys/" + id)})
	doc["roles"] = s.shuffled(s.liveRoles(it.Doc), id, "roles")
	return doc
}

func (s *Server) liveRoles(doc object) []any {
	return slices.DeleteFunc(slices.Clone(listOf(doc, "roles")), func(r any) bool {
		id := textOf(r.(object), "groupId")
		_, there := s.projects.get(id)
		return id != "" && !there
	})
}

func (s *Server) listKeys(c *call) *apiError {
	return servePage(c, s.holding(c.who.org.ID).of(APIKey), func(it *item) any { return s.keyView(c, it) })
}

// listGroupKeys lists the keys that have a role in a project.
func (s *Server) listGroupKeys(c *call) *apiError {
	assigned := &index[*item]{seed: hash64(s.opts.Seed, c.project.id())}
	for id, it := range s.holding(c.who.org.ID).of(APIKey).all() {
		if len(rolesOutside(it.Doc, "groupId", c.project.id())) < len(listOf(it.Doc, "roles")) {
			assigned.put(id, it)
		}
	}
	return servePage(c, assigned, func(it *item) any { return s.keyView(c, it) })
}

func (s *Server) createKey(c *call) *apiError {
	return s.mint(c, "orgId", c.who.org.ID, rolesIn("orgId", c.who.org.ID, listOf(c.in(), "roles")))
}

// createGroupKey makes a key of the organization that is assigned to a project; what it is in the organization is
// added.
func (s *Server) createGroupKey(c *call) *apiError {
	roles := rolesIn("groupId", c.project.id(), listOf(c.in(), "roles"))
	return s.mint(c, "groupId", c.project.id(), append(roles, object{"orgId": c.who.org.ID, "roleName": "ORG_MEMBER"}))
}

// mint makes a key. Its private key is in this answer and no other.
func (s *Server) mint(c *call, place, id string, roles []any) *apiError {
	if textOf(c.in(), "desc") == "" {
		return fail("API_KEY_REQUIRES_DESCRIPTION")
	}
	if err := checkRoles(place, id, listOf(c.in(), "roles")); err != nil {
		return err
	}
	keyID, private := s.newID(), newPrivateKey()
	it := &item{Doc: object{"id": keyID, "desc": textOf(c.in(), "desc"), "publicKey": publicKey(keyID), "privateKey": private, "roles": roles}}
	seal(it)
	s.touch(c).of(APIKey).put(keyID, it)
	out := s.keyView(c, it)
	out["privateKey"] = private
	c.out = out
	return nil
}

// publicKey makes the eight letters of a public key.
func publicKey(id string) string {
	h, out := hash64(3, id), make([]byte, 8)
	for i := range out {
		out[i] = 'a' + byte(h%26)
		h /= 26
	}
	return string(out)
}

func newPrivateKey() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// seal keeps of a key's private key what Digest needs and what answers show: its last twelve digits.
func seal(it *item) {
	private := textOf(it.Doc, "privateKey")
	if len(private) != 36 || strings.HasPrefix(private, "*") {
		return
	}
	it.Digest = digestOf(textOf(it.Doc, "publicKey"), digestRealm, private)
	it.Doc["privateKey"] = "********-****-****-" + private[24:]
}

// findKey returns the key of the path; of an unknown one the API says 400.
func (s *Server) findKey(c *call) (*item, *apiError) {
	it, ok := s.holding(c.who.org.ID).of(APIKey).get(c.params["apiUserId"])
	if !ok {
		return nil, fail("API_KEY_NOT_FOUND", c.params["apiUserId"])
	}
	return it, nil
}

func (s *Server) getKey(c *call) *apiError {
	it, err := s.findKey(c)
	if err == nil {
		c.out = s.keyView(c, it)
	}
	return err
}

func (s *Server) updateKey(c *call) *apiError { return s.changeKey(c, "orgId", c.who.org.ID) }

// updateGroupKey sets the roles of a key in a project, whether it was assigned to it or not.
func (s *Server) updateGroupKey(c *call) *apiError {
	return s.changeKey(c, "groupId", c.project.id())
}

// changeKey sets what the body names: the description, and the roles in one place.
func (s *Server) changeKey(c *call, place, id string) *apiError {
	it, err := s.findKey(c)
	if err != nil {
		return err
	}
	desc, renamed := c.in()["desc"].(string)
	names, granted := c.in()["roles"].([]any)
	if renamed && desc == "" {
		return fail("API_KEY_REQUIRES_DESCRIPTION")
	}
	if granted {
		if err := checkRoles(place, id, names); err != nil {
			return err
		}
		it.Doc["roles"] = append(rolesOutside(it.Doc, place, id), rolesIn(place, id, names)...)
	}
	if renamed {
		it.Doc["desc"] = desc
	}
	s.touch(c)
	c.out = s.keyView(c, it)
	return nil
}

func (s *Server) deleteKey(c *call) *apiError {
	if _, err := s.findKey(c); err != nil {
		return err
	}
	s.touch(c).of(APIKey).remove(c.params["apiUserId"])
	c.status = http.StatusNoContent
	return nil
}

// addGroupKey assigns a key to a project; roles that it has there stay.
func (s *Server) addGroupKey(c *call) *apiError {
	it, err := s.findKey(c)
	if err != nil {
		return err
	}
	group, names := c.project.id(), []any{}
	for _, grant := range objectsOf(object{"all": c.input}, "all") {
		names = append(names, listOf(grant, "roles")...)
	}
	if err := checkRoles("groupId", group, names); err != nil {
		return err
	}
	for _, r := range objectsOf(it.Doc, "roles") {
		if textOf(r, "groupId") == group {
			names = append(names, r["roleName"])
		}
	}
	it.Doc["roles"] = append(rolesOutside(it.Doc, "groupId", group), rolesIn("groupId", group, names)...)
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

// removeGroupKey takes a key out of a project. What happens to one that is not assigned to it was not recorded.
func (s *Server) removeGroupKey(c *call) *apiError {
	it, err := s.findKey(c)
	if err != nil {
		return err
	}
	left := rolesOutside(it.Doc, "groupId", c.project.id())
	if len(left) == len(listOf(it.Doc, "roles")) {
		return fail("API_KEY_NOT_FOUND", c.params["apiUserId"])
	}
	it.Doc["roles"] = left
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

// The addresses from which a key is accepted. They are kept and shown; a sandbox accepts a key from everywhere.

func (s *Server) keyEntryView(c *call, keyID string, entry object) object {
	value := textOf(entry, "ipAddress")
	if value == "" {
		value = textOf(entry, "cidrBlock")
	}
	href := c.base + apiRoot + "/orgs/" + c.who.org.ID + "/apiKeys/" + keyID + "/accessList/" + url.PathEscape(value)
	return s.view(entry, "", []any{self(href)})
}

func (s *Server) listKeyEntries(c *call) *apiError {
	it, err := s.findKey(c)
	if err != nil {
		return err
	}
	p, err := readPage(c.req.URL.Query())
	if err != nil {
		return err
	}
	var results []any
	first, last := p.bounds(len(it.Entries))
	for _, entry := range it.Entries[first:last] {
		results = append(results, s.keyEntryView(c, c.params["apiUserId"], entry))
	}
	c.out = p.envelope(c.path(), results, len(it.Entries), 0)
	return nil
}

// createKeyEntries adds addresses and answers with the first page of all; those that are there stay as they are.
func (s *Server) createKeyEntries(c *call) *apiError {
	it, err := s.findKey(c)
	if err != nil {
		return err
	}
	entries, err := withEntries(c, it.Entries, object{"count": 0, "created": stamp(s.now())})
	if err != nil {
		return err
	}
	it.Entries = entries
	s.touch(c)
	return s.listKeyEntries(c)
}

// withEntries returns a list of addresses with those of the body that it lacks, which begin with the given fields.
func withEntries(c *call, entries []object, fields object) ([]object, *apiError) {
	entries = slices.Clone(entries)
	for _, in := range objectsOf(object{"all": c.input}, "all") {
		ip, block := textOf(in, "ipAddress"), textOf(in, "cidrBlock")
		prefix, ok := canonicalBlock(ip + block)
		switch {
		case ip == "" && block == "":
			return nil, fail("MISSING_ATTRIBUTE", "ipAddress or cidrBlock")
		case ip != "" && block != "": // code not recorded
			return nil, fail("MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY")
		case !ok || strings.Contains(ip, "/"):
			return nil, fail("INVALID_IP_ADDRESS_OR_CIDR_NOTATION", ip+block)
		}
		entry := clone(fields)
		entry["cidrBlock"] = prefix.String()
		if prefix.IsSingleIP() {
			entry["ipAddress"] = prefix.Addr().String()
		}
		if entryAt(entries, prefix.String()) < 0 {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// entryAt returns the place of an address or block in a key's list, -1 if it is not there.
func entryAt(entries []object, value string) int {
	prefix, _ := canonicalBlock(value)
	return slices.IndexFunc(entries, func(e object) bool { return textOf(e, "cidrBlock") == prefix.String() })
}

// findKeyEntry returns the key and the entry of the path. The error of an unknown one was not recorded.
func (s *Server) findKeyEntry(c *call) (*item, int, *apiError) {
	it, err := s.findKey(c)
	if err != nil {
		return nil, 0, err
	}
	at := entryAt(it.Entries, c.params["ipAddress"])
	if at < 0 {
		return nil, 0, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, at, nil
}

func (s *Server) getKeyEntry(c *call) *apiError {
	it, at, err := s.findKeyEntry(c)
	if err == nil {
		c.out = s.keyEntryView(c, c.params["apiUserId"], it.Entries[at])
	}
	return err
}

func (s *Server) deleteKeyEntry(c *call) *apiError {
	it, at, err := s.findKeyEntry(c)
	if err != nil {
		return err
	}
	it.Entries = slices.Delete(slices.Clone(it.Entries), at, at+1)
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

// keySummary is a key as a snapshot shows it: projects by their names, and addresses without when they came.
func (s *Server) keySummary(it *item) object {
	roles, addresses := []any{}, []any{}
	for _, r := range s.liveRoles(it.Doc) {
		role := r.(object)
		name := textOf(role, "roleName")
		if p, ok := s.projects.get(textOf(role, "groupId")); ok {
			name = textOf(p.Doc, "name") + "/" + name
		}
		roles = append(roles, name)
	}
	for _, entry := range it.Entries {
		addresses = append(addresses, entry["cidrBlock"])
	}
	return object{"desc": it.Doc["desc"], "roles": roles, "addresses": addresses}
}
