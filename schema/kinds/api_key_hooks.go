package kinds

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// What data cannot say of an API key: that Atlas answers one list of roles for the organization and all projects, and
// that an address has one spelling.

// decodeAPIKey splits the roles of an answer, {"orgId", "roleName"} or {"groupId", "roleName"}, into the names of those
// in the organization and, by project, of those in projects.
func decodeAPIKey(answer map[string]any) map[string]any {
	all, _ := answer["roles"].([]any)
	projects, _ := answer["projects"].([]any)
	projects = slices.Clone(projects)
	roles := []any{}
	inProject := map[string]map[string]any{}
	for _, el := range all {
		role, assigned := el.(map[string]any)
		id, inOne := role["groupId"].(string)
		switch {
		case !assigned:
			roles = append(roles, el) // an answer in our form
		case !inOne:
			roles = append(roles, role["roleName"])
		case inProject[id] == nil:
			inProject[id] = map[string]any{"groupId": id, "roles": []any{role["roleName"]}}
			projects = append(projects, inProject[id])
		default:
			inProject[id]["roles"] = append(inProject[id]["roles"].([]any), role["roleName"])
		}
	}
	if projects == nil {
		projects = []any{}
	}
	out := maps.Clone(answer)
	out["roles"], out["projects"] = roles, projects
	return out
}

// normalizeAPIKey writes the addresses of an access list in the spelling in which Atlas answers them, each once, and
// refuses to assign a key to a project twice.
func normalizeAPIKey(desired cty.Value) (cty.Value, diag.List) {
	bare, marks := desired.Unmark()
	values := bare.AsValueMap()
	found := assignedTwice(values["projects"])
	list, listMarks := values["access_list"].Unmark()
	if !list.IsKnown() || list.IsNull() || list.LengthInt() == 0 {
		return desired, found
	}
	var entries []cty.Value
	for i, entry := range list.AsValueSlice() {
		canonical, err := canonicalAddress(entry)
		if err != nil {
			found.Add(diag.Errorf("bad_address", "The access list of the key has an entry that is no address", "%s.",
				diag.Sentence(err.Error())).About(fmt.Sprintf("access_list[%d]", i)))
		}
		if !slices.ContainsFunc(entries, canonical.RawEquals) {
			entries = append(entries, canonical)
		}
	}
	values["access_list"] = cty.ListVal(entries).WithMarks(listMarks)
	return cty.ObjectVal(values).WithMarks(marks), found
}

// assignedTwice finds projects that stand in a list of assignments again.
func assignedTwice(projects cty.Value) diag.List {
	var found diag.List
	list, _ := projects.Unmark()
	if !list.IsKnown() || list.IsNull() {
		return nil
	}
	seen := map[string]bool{}
	for i, el := range list.AsValueSlice() {
		el, _ = el.Unmark()
		if !el.IsKnown() || el.IsNull() {
			continue
		}
		id, known := text(el.GetAttr("project_id"))
		if known && seen[id] {
			found.Add(diag.Errorf("api_key_project_twice", "The key is assigned to a project twice",
				"The project %s has an element in projects already. Write all its roles in one.", id).About(fmt.Sprintf("projects[%d]", i)))
		}
		seen[id] = seen[id] || known
	}
	return found
}

// canonicalAddress rewrites one entry of an access list: a block of one address is that address.
func canonicalAddress(entry cty.Value) (cty.Value, error) {
	bare, marks := entry.Unmark()
	if !bare.IsKnown() || bare.IsNull() {
		return entry, nil
	}
	values := bare.AsValueMap()
	given, name := values["ip_address"], "ip_address"
	if !isSet(given) {
		given, name = values["cidr_block"], "cidr_block"
	}
	written, ok := text(given)
	if !ok || isSet(values["ip_address"]) && isSet(values["cidr_block"]) {
		return entry, nil // not known yet, or refused for saying both
	}
	canonical, err := canonicalNetwork(written)
	if err != nil {
		return entry, err
	}
	_, textMarks := given.Unmark()
	values[name] = cty.NullVal(cty.String)
	name = "ip_address"
	if strings.Contains(canonical, "/") {
		name = "cidr_block"
	}
	values[name] = cty.StringVal(canonical).WithMarks(textMarks)
	return cty.ObjectVal(values).WithMarks(marks), nil
}
