package kinds

import (
	"maps"
	"slices"
)

// What data cannot say of an API key: that Atlas answers one list of roles for the organization and all projects.

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
