// Package kinds holds the kinds of Atlas resources that Mercator knows, one file per kind. Each is data: a
// composite literal handed to declare. Nothing else lists them, so a kind is added by adding its file. What data
// cannot say about a kind stands beside it in KIND_hooks.go.
package kinds

import "mercator/schema"

//go:generate go run mercator/cmd/mercator docs --out docs

// declared are the kinds in the order in which Go initializes the files.
var declared []schema.Kind

// declare puts a kind in the catalogue. Its result serves only to be assigned at package level.
func declare(k schema.Kind) struct{} {
	declared = append(declared, k)
	return struct{}{}
}

// Catalog returns a new catalogue of all kinds, filled in and checked. An error means that a description
// contradicts itself or another, which this package's tests rule out.
func Catalog() (*schema.Catalog, error) {
	return schema.NewCatalog(declared...)
}

// Dated versions of the API that several resources have: most of the older ones, and those about users.
const (
	version20230101 = "2023-01-01"
	version20250219 = "2025-02-19"
)

// Least roles of Atlas that may make a call.
const (
	orgMember             = "Organization Member"
	orgReadOnly           = "Organization Read Only"
	orgOwner              = "Organization Owner"
	orgProjectCreator     = "Organization Project Creator"
	projectReadOnly       = "Project Read Only"
	projectOwner          = "Project Owner"
	projectAccessManager  = "Project Access Manager"
	projectAlertsManager  = "Project Alerts Manager"
	projectClusterMaker   = "Project Cluster Creator"
	projectClusterMender  = "Project Cluster Manager"
	projectDatabaseAdmin  = "Project Database Access Admin"
	projectNetworkAdmin   = "Project Network Access Manager"
	projectDataReader     = "Project Data Access Read Only"
	projectSearchEditor   = "Project Search Index Editor"
	projectBackupManager  = "Project Backup Manager"
	projectBackupCreator  = "Project Backup Creator"
	projectBackupOperator = "Project Backup Recovery Operator"
)

// organization is the path of an organization, and of what lives in it beside projects.
const organization = "/api/atlas/v2/orgs/{orgId}"

// group is the path of a project, in which most kinds live.
const group = "/api/atlas/v2/groups/{groupId}"

// soon is when something temporary may expire: Atlas takes a date within the week, and one that has passed
// before the call is made is refused (R39).
var soon = schema.Horizon{Soonest: "5m", Latest: "168h"}
