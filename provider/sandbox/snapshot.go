package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// volatile are the fields that differ between two runs that did the same.
var volatile = map[string]bool{"id": true, "indexID": true, "groupId": true, "orgId": true, "created": true, "createDate": true, "updated": true,
	"links": true, "notifierId": true, "connectionStrings": true, "mongoDBVersion": true, "zoneId": true, "vnetName": true,
	"azureSubscriptionId": true, "effectiveReplicationSpecs": true, "effectiveElectableSpecs": true, "effectiveReadOnlySpecs": true,
	"effectiveAnalyticsSpecs": true, "createdAt": true, "expiresAt": true, "mongodVersion": true, "storageSizeBytes": true, "snapshotIds": true, "snapshotId": true,
	"targetGroupId": true, "targetDeploymentItemName": true, "timestamp": true, "finishedAt": true,
	"serviceId": true, "endpointServiceName": true, "privateLinkServiceName": true, "privateLinkServiceResourceId": true, "privateEndpointConnectionName": true, "serviceAttachmentNames": true}

// unordered are the lists in which order has no meaning.
var unordered = map[string]bool{"roles": true, "scopes": true, "labels": true, "tags": true, "actions": true, "resources": true,
	"inheritedRoles": true, "notifications": true, "matchers": true, "policyItems": true, "copySettings": true, "addresses": true,
	"roleNames": true, "teams": true}

// Snapshot is everything in the sandbox by "organization/project/kind/key", without what differs between
// two runs that did the same (ids, dates, links) and with lists in a fixed order, so that two snapshots
// can be compared. Alert configurations, API keys, service accounts and backups, which have no key, are numbered by content;
// two alike are two.
// Settings and singletons are among it; process arguments where they were set, and backup schedules where they were
// looked at.
func (s *Server) Snapshot() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]any{}
	for id, h := range s.holdings {
		var keys []any
		for _, it := range h.of(APIKey).all() {
			keys = append(keys, s.keySummary(it))
		}
		numbered(out, id+"/"+string(APIKey), keys)
		for kind, doc := range h.Singles {
			out[id+"/"+string(kind)+"/"] = stable("", doc)
		}
		var accounts []any
		for _, it := range h.of(ServiceAccount).all() {
			accounts = append(accounts, s.accountSummary(it))
		}
		numbered(out, id+"/"+string(ServiceAccount), accounts)
		for _, it := range h.of(Team).all() {
			out[id+"/"+string(Team)+"/"+textOf(it.Doc, "name")] = object{"name": it.Doc["name"]}
		}
		for _, it := range h.of(OrgUser).all() {
			out[id+"/"+string(OrgUser)+"/"+textOf(it.Doc, "username")] = s.userSummary(h, it)
		}
	}
	for _, p := range s.projects.all() {
		s.catchUp(p)
		prefix := textOf(p.Doc, "orgId") + "/" + textOf(p.Doc, "name") + "/"
		out[prefix+string(Project)] = stable("", p.Doc)
		out[prefix+string(Settings)] = stable("", p.Settings)
		for kind, doc := range p.Singles {
			out[prefix+string(kind)] = stable("", doc)
		}
		if len(p.Limits) > 0 {
			out[prefix+"limits"] = maps.Clone(p.Limits)
		}
		for _, kind := range collected {
			var keyless []any
			for key, it := range p.of(kind).all() {
				doc := stable("", it.Doc)
				if kind == ProjectTeam {
					team, _ := s.holding(textOf(p.Doc, "orgId")).of(Team).get(key)
					key, doc = textOf(team.Doc, "name"), object{"roleNames": stable("roleNames", it.Doc["roleNames"])}
				}
				if kind == AlertConfig || kind == Container || kind == Alert || kind == Peering || kind == PrivateService || kind == PrivateEndpoint || it.Of != nil {
					keyless = append(keyless, doc)
					continue
				}
				out[prefix+string(kind)+"/"+key] = doc
				if len(it.Args) > 0 {
					out[prefix+string(ProcessArgs)+"/"+key] = stable("", it.Args)
				}
				if it.Schedule != nil {
					out[prefix+string(BackupSchedule)+"/"+key] = stable("", it.Schedule)
				}
			}
			numbered(out, prefix+string(kind), keyless)
		}
	}
	return out
}

// numbered enters documents that have no key, numbered by content.
func numbered(out map[string]any, prefix string, docs []any) {
	texts := make([]string, len(docs))
	for i, doc := range docs {
		texts[i] = canonical(stable("", doc))
	}
	slices.Sort(texts)
	for i, text := range texts {
		var doc any
		_ = json.Unmarshal([]byte(text), &doc) // it was marshalled a moment ago
		out[fmt.Sprintf("%s/%03d", prefix, i)] = doc
	}
}

// stable copies a value without volatile fields and with unordered lists sorted. Numbers become float64,
// so that 10 read from a file and 10 from a request are equal.
func stable(name string, value any) any {
	switch v := value.(type) {
	case object:
		out := object{}
		for field, e := range v {
			if !volatile[field] {
				out[field] = stable(field, e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = stable("", e)
		}
		if unordered[name] {
			slices.SortFunc(out, func(a, b any) int {
				if canonical(a) < canonical(b) {
					return -1
				}
				return 1
			})
		}
		return out
	case json.Number:
		f, _ := v.Float64()
		return f
	case int:
		return float64(v)
	case int64:
		return float64(v)
	}
	return value
}
