package sandbox

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

const accessPath = apiRoot + "/groups/{groupId}/accessList"

var accessRule = list(of(shape{
	"awsSecurityGroup": text, "cidrBlock": text, "ipAddress": text,
	"comment":         text,
	"deleteAfterDate": date,
	"groupId":         owned, "links": owned,
}))

var securityGroup = regexp.MustCompile(`^([0-9]+/)?sg-[0-9a-f]+$`)

var accessOperations = []*operation{
	{id: "listGroupAccessListEntries", method: "GET", path: accessPath, versions: since("2023-01-01"), limits: "accessList", serve: (*Server).listEntries},
	{id: "createGroupAccessListEntry", method: "POST", path: accessPath, versions: since("2023-01-01"), limits: "accessList", body: &accessRule, serve: (*Server).createEntries},
	{id: "getGroupAccessListEntry", method: "GET", path: accessPath + "/{entryValue}", versions: since("2023-01-01"), limits: "accessList", serve: (*Server).getEntry},
	{id: "deleteGroupAccessListEntry", method: "DELETE", path: accessPath + "/{entryValue}", versions: since("2023-01-01"), limits: "accessList", serve: (*Server).deleteEntry},
	{id: "getGroupAccessListStatus", method: "GET", path: accessPath + "/{entryValue}/status", versions: since("2023-01-01"), limits: "accessList", serve: (*Server).getEntryStatus},
}

// entryKey is what an entry is known by: its block in canonical form, or its security group.
func entryKey(doc object) string {
	if group := textOf(doc, "awsSecurityGroup"); group != "" {
		return group
	}
	return textOf(doc, "cidrBlock")
}

// canonicalBlock reads an address or a block; bits below the prefix are cut off. What Atlas does with
// such bits is not known.
func canonicalBlock(value string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(value); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(value)
	return prefix.Masked(), err == nil
}

func (s *Server) entryView(c *call, it *item) object {
	href := c.base + apiRoot + "/groups/" + c.project.id() + "/accessList/" + url.PathEscape(entryKey(it.Doc))
	return s.view(it.Doc, "", []any{self(href)})
}

func (s *Server) listEntries(c *call) *apiError {
	return servePage(c, c.project.of(AccessList), func(it *item) any { return s.entryView(c, it) })
}

// createEntries adds entries and answers with the first page of all of them. An entry that exists takes
// the new comment and expiry, unless the sandbox is told otherwise.
func (s *Server) createEntries(c *call) *apiError {
	if c.entry.repeated && s.opts.RefuseOverlaps {
		return failDetail(http.StatusConflict, "UNEXPECTED_ERROR", "This endpoint does not support concurrent POST requests.")
	}
	var entries []object
	for _, e := range c.input.([]any) {
		doc, err := s.readEntry(c, e.(object))
		if err != nil {
			return err
		}
		entries = append(entries, doc)
	}
	list := c.project.of(AccessList)
	fresh := map[string]bool{}
	for _, doc := range entries {
		if _, exists := list.get(entryKey(doc)); !exists {
			fresh[entryKey(doc)] = true
		}
	}
	if most := c.project.limit("atlas.project.security.networkAccess.entries"); list.len()+len(fresh) > most {
		return fail("ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED", most)
	}
	for _, doc := range entries {
		if key := entryKey(doc); fresh[key] || !s.opts.IgnoreRepeatedEntries {
			c.project.store(AccessList, key, &item{Doc: doc})
		}
	}
	c.status = http.StatusCreated
	return s.listEntries(c)
}

// readEntry checks one entry of a request and completes it.
func (s *Server) readEntry(c *call, in object) (object, *apiError) {
	ip, block, group := textOf(in, "ipAddress"), textOf(in, "cidrBlock"), textOf(in, "awsSecurityGroup")
	doc := object{"groupId": c.project.id()}
	switch {
	case ip == "" && block == "" && group == "":
		return nil, fail("MISSING_ATTRIBUTE", "ipAddress, cidrBlock or awsSecurityGroup")
	case group != "" && ip+block != "":
		return nil, fail("MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY")
	case group != "" && !securityGroup.MatchString(group):
		return nil, fail("INVALID_ATTRIBUTE", "awsSecurityGroup")
	case group != "":
		doc["awsSecurityGroup"] = group
	default:
		// A client may send back both forms of the same address, as answers show them.
		prefix, ok := canonicalBlock(block + ip)
		if ip != "" && block != "" {
			other, ok2 := canonicalBlock(ip)
			if prefix, ok = canonicalBlock(block); ok && ok2 && prefix != other {
				return nil, fail("MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY")
			}
			ok = ok && ok2
		}
		if !ok || ip != "" && strings.Contains(ip, "/") {
			return nil, fail("INVALID_IP_ADDRESS_OR_CIDR_NOTATION", block+ip)
		}
		doc["cidrBlock"] = prefix.String()
		if prefix.IsSingleIP() {
			doc["ipAddress"] = prefix.Addr().String()
		}
	}
	if comment := textOf(in, "comment"); utf8.RuneCountInString(comment) > 80 {
		return nil, fail("INVALID_NETWORK_PERMISSION_COMMENT", comment)
	} else if comment != "" {
		doc["comment"] = comment
	}
	if when := in["deleteAfterDate"]; when != nil {
		doc["deleteAfterDate"] = when
	}
	return doc, s.checkExpiry(doc)
}

func findEntry(c *call) (*item, *apiError) {
	value := c.params["entryValue"]
	key := value
	if prefix, ok := canonicalBlock(value); ok {
		key = prefix.String()
	}
	it, ok := c.project.of(AccessList).get(key)
	if !ok {
		return nil, fail("ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND", value, c.project.id())
	}
	return it, nil
}

func (s *Server) getEntry(c *call) *apiError {
	it, err := findEntry(c)
	if err == nil {
		c.out = s.entryView(c, it)
	}
	return err
}

func (s *Server) deleteEntry(c *call) *apiError {
	it, err := findEntry(c)
	if err != nil {
		return err
	}
	c.project.of(AccessList).remove(entryKey(it.Doc))
	c.status = http.StatusNoContent
	return nil
}

func (s *Server) getEntryStatus(c *call) *apiError {
	if _, err := findEntry(c); err != nil {
		return err
	}
	c.out = object{"STATUS": "ACTIVE"}
	return nil
}
