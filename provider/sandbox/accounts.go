package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Service accounts are known from the specification and the documentation alone; none was recorded. An account is the
// organization's and may be assigned to projects. It has at most two secrets, the expired ones included, and making one
// shortens the life of the others to a week.

const (
	accountsPath      = apiRoot + "/orgs/{orgId}/serviceAccounts"
	groupAccountsPath = apiRoot + "/groups/{groupId}/serviceAccounts"
	oneAccount        = "/{clientId}"

	mostSecrets   = 2
	secretOverlap = 7 * 24 * time.Hour
)

const accountText = `^[\p{L}\p{N}\-_.,' ]*$`

var (
	secretHours   = integer.between(8, 8760)
	accountFields = shape{"name": text.between(1, 64).like(accountText), "description": text.between(1, 250).like(accountText), "roles": list(text)}

	accountRule       = of(accountFields)
	newAccountRule    = of(shape{"name": accountFields["name"].need(), "description": accountFields["description"].need(), "roles": list(text).between(1, 0).need(), "secretExpiresAfterHours": secretHours.need()})
	accountSecretRule = of(shape{"secretExpiresAfterHours": secretHours.need()})
	accountInviteRule = of(shape{"roles": list(text).between(1, 0).need()})
	accountAccessRule = list(of(shape{"cidrBlock": text, "ipAddress": text, "createdAt": owned, "lastUsedAddress": owned, "lastUsedAt": owned, "requestCount": owned})).between(0, 200)
)

var accountOperations = []*operation{
	{id: "listOrgServiceAccounts", method: "GET", path: accountsPath, versions: since("2024-08-05"), limits: "org", serve: (*Server).listAccounts},
	{id: "createOrgServiceAccount", method: "POST", path: accountsPath, versions: since("2024-08-05"), limits: "org", body: &newAccountRule, serve: (*Server).createAccount},
	{id: "getOrgServiceAccount", method: "GET", path: accountsPath + oneAccount, versions: since("2024-08-05"), limits: "org", serve: (*Server).getAccount},
	{id: "updateOrgServiceAccount", method: "PATCH", path: accountsPath + oneAccount, versions: since("2024-08-05"), limits: "org", body: &accountRule, serve: (*Server).updateAccount},
	{id: "deleteOrgServiceAccount", method: "DELETE", path: accountsPath + oneAccount, versions: since("2024-08-05"), limits: "org", serve: (*Server).deleteAccount},
	{id: "getOrgServiceAccountGroups", method: "GET", path: accountsPath + oneAccount + "/groups", versions: since("2024-08-05"), limits: "org", serve: (*Server).listAccountGroups},
	{id: "createOrgServiceAccountSecret", method: "POST", path: accountsPath + oneAccount + "/secrets", versions: since("2024-08-05"), limits: "org", body: &accountSecretRule, serve: (*Server).createSecret},
	{id: "deleteOrgServiceAccountSecret", method: "DELETE", path: accountsPath + oneAccount + "/secrets/{secretId}", versions: since("2024-08-05"), limits: "org", serve: (*Server).deleteSecret},
	{id: "listOrgServiceAccountAccessList", method: "GET", path: accountsPath + oneAccount + "/accessList", versions: since("2024-08-05"), limits: "org", serve: (*Server).listAccountEntries},
	{id: "createOrgServiceAccountAccessList", method: "POST", path: accountsPath + oneAccount + "/accessList", versions: since("2024-08-05"), limits: "org", body: &accountAccessRule, serve: (*Server).createAccountEntries},
	{id: "deleteOrgServiceAccountAccessListEntry", method: "DELETE", path: accountsPath + oneAccount + "/accessList/{ipAddress}", versions: since("2024-08-05"), limits: "org", serve: (*Server).deleteAccountEntry},

	{id: "listGroupServiceAccounts", method: "GET", path: groupAccountsPath, versions: since("2024-08-05"), limits: "groups", serve: (*Server).listGroupAccounts},
	{id: "createGroupServiceAccount", method: "POST", path: groupAccountsPath, versions: since("2024-08-05"), limits: "groups", body: &newAccountRule, serve: (*Server).createAccount},
	{id: "getGroupServiceAccount", method: "GET", path: groupAccountsPath + oneAccount, versions: since("2024-08-05"), limits: "groups", serve: (*Server).getAccount},
	{id: "updateGroupServiceAccount", method: "PATCH", path: groupAccountsPath + oneAccount, versions: since("2024-08-05"), limits: "groups", body: &accountRule, serve: (*Server).updateAccount},
	{id: "deleteGroupServiceAccount", method: "DELETE", path: groupAccountsPath + oneAccount, versions: since("2024-08-05"), limits: "groups", serve: (*Server).deleteAccount},
	{id: "inviteGroupServiceAccount", method: "POST", path: groupAccountsPath + oneAccount + ":invite", versions: since("2024-08-05"), limits: "groups", body: &accountInviteRule, serve: (*Server).inviteAccount},
	{id: "createGroupServiceAccountSecret", method: "POST", path: groupAccountsPath + oneAccount + "/secrets", versions: since("2024-08-05"), limits: "groups", body: &accountSecretRule, serve: (*Server).createSecret},
	{id: "deleteGroupServiceAccountSecret", method: "DELETE", path: groupAccountsPath + oneAccount + "/secrets/{secretId}", versions: since("2024-08-05"), limits: "groups", serve: (*Server).deleteSecret},
	{id: "listGroupServiceAccountAccessList", method: "GET", path: groupAccountsPath + oneAccount + "/accessList", versions: since("2024-08-05"), limits: "groups", serve: (*Server).listAccountEntries},
	{id: "createGroupServiceAccountAccessList", method: "POST", path: groupAccountsPath + oneAccount + "/accessList", versions: since("2024-08-05"), limits: "groups", body: &accountAccessRule, serve: (*Server).createAccountEntries},
	{id: "deleteGroupServiceAccountAccessListEntry", method: "DELETE", path: groupAccountsPath + oneAccount + "/accessList/{ipAddress}", versions: since("2024-08-05"), limits: "groups", serve: (*Server).deleteAccountEntry},
}

// An account's document has the roles in the organization, and under "projects" those in projects.

// assignment returns what an account may do in a project, nil where it is not assigned to it.
func assignment(doc object, group string) object {
	for _, in := range objectsOf(doc, "projects") {
		if textOf(in, "groupId") == group {
			return in
		}
	}
	return nil
}

// assign sets an account's roles in a project; without any it is no longer assigned.
func assign(doc object, group string, roles []any) {
	left := slices.DeleteFunc(slices.Clone(listOf(doc, "projects")), func(in any) bool { return textOf(in.(object), "groupId") == group })
	if roles != nil {
		left = append(left, object{"groupId": group, "roles": roles})
	}
	doc["projects"] = left
}

// accountView is an account as answers show it: in the organization, or in the project of the path.
func (s *Server) accountView(c *call, it *item) object {
	id := textOf(it.Doc, "clientId")
	doc := s.view(it.Doc, id, nil, "secrets")
	delete(doc, "projects")
	roles := listOf(it.Doc, "roles")
	if c.project != nil {
		roles = listOf(assignment(it.Doc, c.project.id()), "roles")
	}
	doc["roles"] = s.shuffled(roles, id, "roles")
	return doc
}

func (s *Server) listAccounts(c *call) *apiError {
	return servePage(c, s.holding(c.who.org.ID).of(ServiceAccount), func(it *item) any { return s.accountView(c, it) }, "includeSystemManaged")
}

func (s *Server) listGroupAccounts(c *call) *apiError {
	assigned := &index[*item]{seed: hash64(s.opts.Seed, c.project.id())}
	for id, it := range s.holding(c.who.org.ID).of(ServiceAccount).all() {
		if assignment(it.Doc, c.project.id()) != nil {
			assigned.put(id, it)
		}
	}
	return servePage(c, assigned, func(it *item) any { return s.accountView(c, it) }, "includeSystemManaged")
}

// checkAccountRoles checks that roles belong to where they are given, which their names tell.
func checkAccountRoles(c *call, names []any) *apiError {
	if c.project != nil {
		return checkRoles("groupId", c.project.id(), names)
	}
	return checkRoles("orgId", c.who.org.ID, names)
}

// createAccount makes an account of the organization, or for one project, which also makes it a member of the
// organization. Its first secret is in this answer and no other.
func (s *Server) createAccount(c *call) *apiError {
	names := listOf(c.in(), "roles")
	if err := checkAccountRoles(c, names); err != nil {
		return err
	}
	it := &item{Doc: object{"clientId": "mdb_sa_id_" + s.newID(), "createdAt": stamp(s.now()), "name": c.in()["name"],
		"description": c.in()["description"], "roles": names, "projects": []any{}, "secrets": []any{}}}
	if c.project != nil {
		it.Doc["roles"] = []any{"ORG_MEMBER"}
		assign(it.Doc, c.project.id(), names)
	}
	shown := s.addSecret(c, it)
	s.touch(c).of(ServiceAccount).put(textOf(it.Doc, "clientId"), it)
	out := s.accountView(c, it)
	out["secrets"] = []any{shown}
	c.out, c.status = out, http.StatusCreated
	return nil
}

// addSecret gives an account a secret and returns it as the one answer shows it. The account keeps what checks it.
func (s *Server) addSecret(c *call, it *item) object {
	hours := intOf(c.in(), "secretExpiresAfterHours")
	now := s.now()
	for _, other := range objectsOf(it.Doc, "secrets") {
		if at, err := time.Parse(time.RFC3339, textOf(other, "expiresAt")); err == nil && at.After(now.Add(secretOverlap)) {
			other["expiresAt"] = stamp(now.Add(secretOverlap))
		}
	}
	secret := "mdb_sa_sk_" + rand.Text() + rand.Text()
	kept := object{"id": s.newID(), "createdAt": stamp(now), "expiresAt": stamp(now.Add(time.Duration(hours) * time.Hour)), "secret": secret}
	shown := clone(kept)
	it.Doc["secrets"] = append(listOf(it.Doc, "secrets"), kept)
	sealSecrets(it)
	return shown
}

// sealSecrets keeps of an account's secrets what checks them and what answers show: their last four characters.
func sealSecrets(it *item) {
	for _, kept := range objectsOf(it.Doc, "secrets") {
		secret := textOf(kept, "secret")
		if secret == "" {
			continue
		}
		if it.Hashes == nil {
			it.Hashes = map[string]string{}
		}
		it.Hashes[textOf(kept, "id")] = secretHash(secret)
		kept["maskedSecretValue"] = "mdb_sa_sk_..." + secret[max(0, len(secret)-4):]
		delete(kept, "secret")
	}
}

func secretHash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// findAccount returns the account of the path; in a project it must be assigned to that. The code of the error was not
// recorded.
func (s *Server) findAccount(c *call) (*item, *apiError) {
	it, ok := s.holding(c.who.org.ID).of(ServiceAccount).get(c.params["clientId"])
	if !ok || c.project != nil && assignment(it.Doc, c.project.id()) == nil {
		return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, nil
}

func (s *Server) getAccount(c *call) *apiError {
	if given, ok := s.givenAccount(c); ok {
		c.out = givenAccountView(given)
		return nil
	}
	it, err := s.findAccount(c)
	if err == nil {
		c.out = s.accountView(c, it)
	}
	return err
}

// updateAccount sets what the body names: the texts, and the roles in the organization or in the project of the path.
func (s *Server) updateAccount(c *call) *apiError {
	it, err := s.findAccount(c)
	if err != nil {
		return err
	}
	names, granted := c.in()["roles"].([]any)
	if granted {
		if err := checkAccountRoles(c, names); err != nil {
			return err
		}
	}
	switch {
	case granted && c.project != nil:
		assign(it.Doc, c.project.id(), names)
	case granted:
		it.Doc["roles"] = names
	}
	for _, field := range []string{"name", "description"} {
		if value, ok := c.in()[field]; ok {
			it.Doc[field] = value
		}
	}
	s.touch(c)
	c.out = s.accountView(c, it)
	return nil
}

// deleteAccount deletes an account, or takes it out of a project: it stays in the organization then, and its secrets
// stay good.
func (s *Server) deleteAccount(c *call) *apiError {
	it, err := s.findAccount(c)
	if err != nil {
		return err
	}
	if c.project != nil {
		assign(it.Doc, c.project.id(), nil)
	} else {
		s.holding(c.who.org.ID).of(ServiceAccount).remove(c.params["clientId"])
	}
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

// inviteAccount assigns an account of the organization to a project. What happens to one that is assigned already is not
// known: here it gets the roles.
func (s *Server) inviteAccount(c *call) *apiError {
	it, ok := s.holding(c.who.org.ID).of(ServiceAccount).get(c.params["clientId"])
	if !ok {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	names := listOf(c.in(), "roles")
	if err := checkAccountRoles(c, names); err != nil {
		return err
	}
	assign(it.Doc, c.project.id(), names)
	s.touch(c)
	c.out = s.accountView(c, it)
	return nil
}

// liveAssignments are an account's assignments to projects that are still there.
func (s *Server) liveAssignments(doc object) []any {
	return slices.DeleteFunc(slices.Clone(listOf(doc, "projects")), func(in any) bool {
		_, there := s.projects.get(textOf(in.(object), "groupId"))
		return !there
	})
}

func (s *Server) listAccountGroups(c *call) *apiError {
	var all []any
	if given, ok := s.givenAccount(c); ok {
		all = s.givenGroups(given)
	} else {
		it, err := s.findAccount(c)
		if err != nil {
			return err
		}
		all = s.liveAssignments(it.Doc)
	}
	p, err := readPage(c.req.URL.Query())
	if err != nil {
		return err
	}
	first, last := p.bounds(len(all))
	c.out = p.envelope(c.path(), all[first:last], len(all), 0)
	return nil
}

// createSecret makes another secret, which is in this answer and no other. The code of the error for a third one was not
// recorded.
func (s *Server) createSecret(c *call) *apiError {
	it, err := s.findAccount(c)
	if err != nil {
		return err
	}
	if len(listOf(it.Doc, "secrets")) >= mostSecrets {
		return invalid("secrets", fmt.Sprintf("can be at most %d", mostSecrets))
	}
	c.out, c.status = s.addSecret(c, it), http.StatusCreated
	s.touch(c)
	return nil
}

func (s *Server) deleteSecret(c *call) *apiError {
	it, err := s.findAccount(c)
	if err != nil {
		return err
	}
	id := c.params["secretId"]
	left := slices.DeleteFunc(slices.Clone(listOf(it.Doc, "secrets")), func(kept any) bool { return textOf(kept.(object), "id") == id })
	if len(left) == len(listOf(it.Doc, "secrets")) {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	it.Doc["secrets"] = left
	delete(it.Hashes, id)
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

// findClient returns whose service account it is that was made here, by a living secret of which the hash passes.
func (s *Server) findClient(clientID string, match func(hash string) bool) (identity, bool) {
	for _, org := range s.orgs {
		it, ok := s.holding(org.ID).of(ServiceAccount).get(clientID)
		if !ok {
			continue
		}
		for _, kept := range objectsOf(it.Doc, "secrets") {
			hash := it.Hashes[textOf(kept, "id")]
			ends, err := time.Parse(time.RFC3339, textOf(kept, "expiresAt"))
			if err != nil || !ends.After(s.now()) || hash == "" || !match(hash) {
				continue
			}
			var roles []string
			for _, name := range listOf(it.Doc, "roles") {
				roles = append(roles, name.(string))
			}
			return identity{org: org, credential: &Credential{ClientID: clientID, ClientSecret: hash, Roles: roles, ProjectRoles: s.projectRoles(it.Doc)}}, true
		}
	}
	return identity{}, false
}

// projectRoles are an account's roles in projects, by their names.
func (s *Server) projectRoles(doc object) map[string][]string {
	out := map[string][]string{}
	for _, in := range s.liveAssignments(doc) {
		p, _ := s.projects.get(textOf(in.(object), "groupId"))
		for _, name := range listOf(in.(object), "roles") {
			out[textOf(p.Doc, "name")] = append(out[textOf(p.Doc, "name")], name.(string))
		}
	}
	return out
}

// The addresses from which an account is accepted. As with API keys they are kept and shown, and an account is accepted
// from everywhere. Whether a project has a list of its own is not known; here there is one per account.

func (s *Server) listAccountEntries(c *call) *apiError {
	it, err := s.findAccount(c)
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
		results = append(results, entry)
	}
	c.out = p.envelope(c.path(), results, len(it.Entries), 0)
	return nil
}

func (s *Server) createAccountEntries(c *call) *apiError {
	it, err := s.findAccount(c)
	if err != nil {
		return err
	}
	entries, err := withEntries(c, it.Entries, object{"requestCount": 0, "createdAt": stamp(s.now())})
	if err != nil {
		return err
	}
	it.Entries = entries
	s.touch(c)
	return s.listAccountEntries(c)
}

func (s *Server) deleteAccountEntry(c *call) *apiError {
	it, err := s.findAccount(c)
	if err != nil {
		return err
	}
	at := entryAt(it.Entries, c.params["ipAddress"])
	if at < 0 {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	it.Entries = slices.Delete(slices.Clone(it.Entries), at, at+1)
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

// accountSummary is an account as a snapshot shows it: projects by their names, and of secrets their number.
func (s *Server) accountSummary(it *item) object {
	roles, addresses := slices.Clone(listOf(it.Doc, "roles")), []any{}
	for _, in := range s.liveAssignments(it.Doc) {
		p, _ := s.projects.get(textOf(in.(object), "groupId"))
		for _, name := range listOf(in.(object), "roles") {
			roles = append(roles, strings.Join([]string{textOf(p.Doc, "name"), name.(string)}, "/"))
		}
	}
	for _, entry := range it.Entries {
		addresses = append(addresses, entry["cidrBlock"])
	}
	return object{"name": it.Doc["name"], "description": it.Doc["description"], "roles": roles, "addresses": addresses,
		"secrets": len(listOf(it.Doc, "secrets"))}
}
