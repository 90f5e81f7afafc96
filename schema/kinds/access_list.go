package kinds

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// An entry of a project's IP access list. The API has no update: a POST of an entry that exists is said to change
// its comment and expiry, so that is what an update is, read back because it is not documented (R15).
var _ = declare(schema.Kind{
	Name:   "access_list",
	Parent: "project",
	Doc:    "Addresses from which the project's databases can be reached. Each entry is planned and applied by itself.",

	Identity: schema.Identity{
		Binds: schema.ByKey, Key: []string{"entry"}, Canonical: canonicalEntry,
		Params: map[string]string{"entryValue": "entry"},
	},
	Fan: &schema.Fan{Argument: "entries", Key: "entry", Short: "comment"},
	Attributes: []schema.Attribute{
		{Name: "entry", Type: schema.TypeString, Required: true, Immutable: true,
			// The order is that of reading: Atlas answers a single address as ipAddress and as cidrBlock.
			Forms: []schema.Form{
				{API: "ipAddress", Pattern: `[0-9a-fA-F:.]+`},
				{API: "cidrBlock", Pattern: `[0-9a-fA-F:.]+/[0-9]+`},
				{API: "awsSecurityGroup", Pattern: `([0-9]+/)?sg-[0-9a-f]+`},
			},
			Doc: "An IP address, a CIDR block, or the id of an AWS security group of a peered network."},
		{Name: "comment", Type: schema.TypeString, MaxLen: 80, Default: cty.StringVal(""),
			Doc: "What the entry is for. It is changed in place."},
		{Name: "delete_after_date", Type: schema.TypeTime, Within: &soon,
			Doc: "When Atlas removes the entry by itself, within a week from now. Entries for security groups cannot have one."},
	},
	Ignored: []string{".groupId", ".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupAccessListEntries", Method: "GET", Path: group + "/accessList",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupAccessListEntry", Method: "GET", Path: group + "/accessList/{entryValue}",
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupAccessListEntry", Method: "POST", Path: group + "/accessList",
			Version: version20230101, Role: projectNetworkAdmin, Batch: 100, AnswersList: true},
		Update: &schema.Endpoint{Operation: "createGroupAccessListEntry", Method: "POST", Path: group + "/accessList",
			Version: version20230101, Role: projectNetworkAdmin, Batch: 100, AnswersList: true, Upsert: true, Replaces: true},
		Delete: &schema.Endpoint{Operation: "deleteGroupAccessListEntry", Method: "DELETE", Path: group + "/accessList/{entryValue}",
			Version: version20230101, Role: projectNetworkAdmin},
	},
	Serial:      true,
	CreateFirst: true,

	Risks: []schema.RiskRule{
		{Risk: schema.OpensNetwork, On: []schema.Event{schema.OnCreate}},
	},
	Advice: []schema.Advice{
		{Code: "open_to_the_world", Summary: "lets the whole internet in",
			When: []schema.Condition{{Attribute: "entry", Network: &schema.Prefixes{IPv4: [2]int{0, 7}, IPv6: [2]int{0, 15}}}},
			Why:  "A password is then all that stands between a stranger and the data, and such addresses are tried day and night.",
			Mend: "List the networks that need access, let temporary needs expire with delete_after_date, and reach Atlas from a cloud through a private endpoint or a peering."},
		{Code: "wide_network", Summary: "lets a very large network in",
			When: []schema.Condition{{Attribute: "entry", Network: &schema.Prefixes{IPv4: [2]int{8, 15}, IPv6: [2]int{16, 47}}}},
			Why:  "More than 65,536 addresses of IPv4, or more than one site of IPv6, mostly belong to a provider and to all of its customers.",
			Mend: "Write the addresses that you use: a fixed egress address, a NAT gateway, the office's network."},
	},
})

var securityGroup = regexp.MustCompile(`^([0-9]+/)?sg-[0-9a-f]+$`)

// canonicalEntry returns the one spelling of an entry: an address without /32 or /128, a block without host bits,
// IPv6 as RFC 5952 writes it, a security group in lower case.
func canonicalEntry(text string) (string, error) {
	text = strings.TrimSpace(text)
	if group := strings.ToLower(text); securityGroup.MatchString(group) {
		return group, nil
	}
	canonical, err := schema.CanonicalNetwork(text)
	if err != nil && !strings.Contains(text, "/") {
		return "", fmt.Errorf("%q is no IP address, CIDR block or AWS security group; write it like 203.0.113.7, 10.20.0.0/16, 2001:db8::/32 or sg-0123456789abcdef0", text)
	}
	return canonical, err
}
