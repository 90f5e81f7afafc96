package access

import (
	"testing"

	"mercator/provider/atlas"
	"mercator/schema/kinds"
)

const (
	org     = "5a0db0000000000000000001"
	shop    = "5a0db0000000000000000002"
	another = "5a0db0000000000000000003"
)

func in(group string, roles ...string) []atlas.Grant {
	var out []atlas.Grant
	for _, r := range roles {
		g := atlas.Grant{GroupID: group, Role: r}
		if group == "" {
			g.OrgID = org
		}
		out = append(out, g)
	}
	return out
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		need string
		at   Place
		held []atlas.Grant
		want Verdict
	}{
		{"Project Owner", Place{org, shop}, in("", "ORG_OWNER"), Has},
		{"Organization Owner", Place{org, ""}, in("", "ORG_OWNER"), Has},
		{"Project Cluster Manager", Place{org, shop}, in(shop, "GROUP_OWNER"), Has},
		{"Project Cluster Manager", Place{org, shop}, in(shop, "GROUP_CLUSTER_MANAGER"), Has},
		{"Project Cluster Manager", Place{org, shop}, in(another, "GROUP_CLUSTER_MANAGER", "GROUP_OWNER"), Lacks},
		{"Project Cluster Creator", Place{org, shop}, in(shop, "GROUP_CLUSTER_MANAGER"), Unsure},
		{"Project Owner", Place{org, shop}, in(shop, "GROUP_A_ROLE_OF_TOMORROW"), Unsure},
		{"Project Network Access Manager", Place{org, shop}, append(in("", "ORG_MEMBER"), in(shop, "GROUP_READ_ONLY")...), Lacks},
		{"Project Owner", Place{org, shop}, in("", "ORG_READ_ONLY"), Lacks},
		{"Project Owner", Place{org, shop}, in("", "ORG_GROUP_CREATOR"), Lacks},
		{"Organization Project Creator", Place{org, ""}, in("", "ORG_GROUP_CREATOR"), Has},
		{"Organization Owner", Place{org, ""}, in("", "ORG_GROUP_CREATOR"), Unsure},
		{"Organization Project Creator", Place{org, ""}, in("", "ORG_MEMBER"), Lacks},
		{"Organization Owner", Place{org, ""}, in(shop, "GROUP_OWNER"), Lacks},
		{"Project Read Only", Place{org, shop}, in("", "ORG_READ_ONLY"), Has},
		{"Project Read Only", Place{org, shop}, in(shop, "GROUP_BACKUP_MANAGER"), Has},
		{"Project Read Only", Place{org, shop}, in("", "ORG_MEMBER"), Lacks},
		{"Organization Member", Place{org, ""}, in("", "ORG_BILLING_ADMIN"), Has},
		{"Project Owner", Place{org, shop}, []atlas.Grant{{OrgID: another, Role: "ORG_OWNER"}}, Lacks},
	} {
		if got := Judge(c.need, c.at, c.held); got != c.want {
			t.Errorf("%s with %v: %d, want %d", c.need, c.held, got, c.want)
		}
	}
}

// TestRolesOfKinds makes sure that every role that a kind names has a name in the API, there and back.
func TestRolesOfKinds(t *testing.T) {
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range catalog.Names() {
		for _, e := range catalog.Kind(name).AllEndpoints() {
			api := apiName(e.Role)
			if back := Name(api); back != e.Role {
				t.Errorf("%s %s needs %q, which is %s, which is %q", name, e.Operation, e.Role, api, back)
			}
		}
	}
}
