// Package access holds the roles that calls need against those that a credential holds. It is careful on both sides:
// Atlas documents the least role of each call, but not in full which roles include others, and has renamed and divided
// roles before.
package access

import (
	"slices"
	"strings"

	"mercator/provider/atlas"
)

// Verdict says whether a credential has what a call needs, the best first.
type Verdict int

const (
	// Has: it holds the role, or one that includes it.
	Has Verdict = iota
	// Unsure: it holds roles that may write, of which none is known to include the one that is needed.
	Unsure
	// Lacks: it holds nothing there, or nothing but roles that only read.
	Lacks
)

// Place is where a call is made. Without a project it is made in the organization.
type Place struct{ OrgID, GroupID string }

// Judge compares a role, as Atlas's documentation calls it ("Project Owner"), with what a credential holds.
func Judge(need string, at Place, held []atlas.Grant) Verdict {
	name := apiName(need)
	org, project := rolesAt(at, held)
	if holds(name, at, org, project) {
		return Has
	}
	writes := slices.ContainsFunc(org, writesIn(at)) || slices.ContainsFunc(project, writesIn(at))
	if writes {
		return Unsure
	}
	return Lacks
}

// rolesAt returns what is held in the organization and in the project of a place.
func rolesAt(at Place, held []atlas.Grant) (org, project []string) {
	for _, g := range held {
		switch {
		case g.GroupID != "" && g.GroupID == at.GroupID:
			project = append(project, g.Role)
		case g.GroupID == "" && (g.OrgID == "" || g.OrgID == at.OrgID):
			org = append(org, g.Role)
		}
	}
	return org, project
}

// holds reports whether roles include one. An owner may do everything in what it owns; every role in a project, and
// whoever reads the organization, reads the project; every role in an organization is a member's.
func holds(name string, at Place, org, project []string) bool {
	has := func(roles []string, names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(roles, n) })
	}
	switch {
	case has(org, name, orgOwner) || has(project, name):
		return true
	case strings.HasPrefix(name, "GROUP_") && has(project, groupOwner):
		return true
	case name == groupReadOnly:
		return len(project) > 0 || has(org, orgReadOnly, "ORG_STREAM_PROCESSING_ADMIN")
	case name == orgReadOnly:
		return has(org, "ORG_STREAM_PROCESSING_ADMIN")
	case name == orgMember:
		return len(org) > 0
	}
	return false
}

const (
	orgOwner      = "ORG_OWNER"
	orgReadOnly   = "ORG_READ_ONLY"
	orgMember     = "ORG_MEMBER"
	groupOwner    = "GROUP_OWNER"
	groupReadOnly = "GROUP_READ_ONLY"
)

// reading are roles that change nothing of what the API manages, but for bills.
var reading = []string{
	orgReadOnly, orgMember, "ORG_BILLING_READ_ONLY", "ORG_BILLING_ADMIN",
	groupReadOnly, "GROUP_OBSERVABILITY_VIEWER", "GROUP_DATA_ACCESS_READ_ONLY", "GROUP_CLUSTER_LOG_VIEWER",
}

// writesIn returns what reports whether a role may change something in a place: not one that only reads, nor one that
// makes projects, in a project that is there already.
func writesIn(at Place) func(string) bool {
	return func(role string) bool {
		return !slices.Contains(reading, role) && (role != "ORG_GROUP_CREATOR" || at.GroupID == "")
	}
}

// apiName returns what the API calls a role of the documentation: "Project Owner" is GROUP_OWNER.
func apiName(documented string) string {
	if documented == "Organization Billing Viewer" {
		return "ORG_BILLING_READ_ONLY"
	}
	name := strings.NewReplacer("Organization", "ORG", "Project", "GROUP", "/", "_", " ", "_").Replace(documented)
	return strings.ToUpper(name)
}

// Name returns what the documentation calls a role of the API: ORG_OWNER is "Organization Owner".
func Name(role string) string {
	if role == "ORG_BILLING_READ_ONLY" {
		return "Organization Billing Viewer"
	}
	words := strings.Split(role, "_")
	for i, w := range words {
		switch {
		case w == "ORG":
			words[i] = "Organization"
		case w == "GROUP":
			words[i] = "Project"
		case w != "":
			words[i] = w[:1] + strings.ToLower(w[1:])
		}
	}
	return strings.Join(words, " ")
}
