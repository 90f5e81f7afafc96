package atlas

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"mercator/provider"
)

// meaning is what a status or an error code means to the engine and to people.
type meaning struct {
	class  provider.Class
	fate   fate
	remedy string // {role}, {0} and {ip} are filled in
	// deleting says that a deletion answered so has what it wants.
	deleting bool
	// parent says that not the object but what it lives in is missing.
	parent bool
}

// byStatus holds the statuses; others are Unknown below 500.
var byStatus = map[int]meaning{
	http.StatusBadRequest:       {class: provider.Invalid, remedy: "correct the argument that the message names"},
	http.StatusUnauthorized:     {class: provider.Denied, remedy: "check that the credentials are valid and belong to this organization or project; the call needs the role {role}"},
	http.StatusPaymentRequired:  {class: provider.Denied, remedy: "add a payment method to the organization (Billing), or use a free tier"},
	http.StatusForbidden:        {class: provider.Denied, remedy: "the credential needs the role {role}, and this machine's address must be on its API access list"},
	http.StatusNotFound:         {class: provider.NotFound},
	http.StatusMethodNotAllowed: {class: provider.Invalid, remedy: "Atlas does not offer this call here; look for a newer Mercator"},
	http.StatusNotAcceptable:    {class: provider.Invalid, remedy: "Atlas does not know the API version that this Mercator asks for; look for a newer Mercator"},
	http.StatusRequestTimeout:   {class: provider.Transient, fate: lost, remedy: "run it again"},
	http.StatusConflict:         {class: provider.Conflict, remedy: "something else stands in the way; look at the message, then run it again"},
	http.StatusGone:             {class: provider.Invalid, remedy: "Atlas has removed the API version that this Mercator asks for; install a newer Mercator"},
	http.StatusTooManyRequests:  {class: provider.Throttled, fate: throttled, remedy: "wait a minute and run it again, or lower --parallelism"},
}

// byCode holds the codes that mean something else than their status says, or have a better remedy. The statuses
// beside some are those that Atlas sends although others would be expected.
var byCode = map[string]meaning{
	// Not there, although the status is 400; or there is more to say.
	"API_KEY_NOT_FOUND":                      {class: provider.NotFound},
	"GROUP_NOT_FOUND":                        {class: provider.NotFound, parent: true},
	"ORG_NOT_FOUND":                          {class: provider.NotFound, parent: true, remedy: "check org_id or MONGODB_ATLAS_ORG_ID, and that the credential belongs to that organization"},
	"CLUSTER_NOT_FOUND":                      {class: provider.NotFound, parent: true},
	"TEAM_NOT_FOUND":                         {class: provider.NotFound},
	"BACKUP_CONFIG_NOT_FOUND":                {class: provider.NotFound, remedy: "the cluster's backups are off: set backup_enabled = true on it"},
	"INVALID_GROUP_ID":                       {class: provider.Invalid, remedy: "a project id has 24 hexadecimal digits"},
	"INVALID_ORG_ID":                         {class: provider.Invalid, remedy: "an organization id has 24 hexadecimal digits; check org_id or MONGODB_ATLAS_ORG_ID"},
	"INVALID_PATH_PARAMETER":                 {class: provider.Invalid, remedy: "correct the name or id that the message names"},
	"INVALID_POLICY_ITEM_ID":                 {class: provider.Conflict, remedy: "the schedule was changed meanwhile; run it again"},
	"INVALID_POLICY_ID":                      {class: provider.Conflict, remedy: "the schedule was changed meanwhile; run it again"},
	"CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT": {class: provider.Conflict, remedy: "remove the team from its projects first"},

	// There already, or something stands in the way.
	"DUPLICATE_CLUSTER_NAME":                {class: provider.Conflict, remedy: "a cluster of that name is there; plan again, which adopts it, or choose another name"},
	"DUPLICATE_CLUSTER_NAME_PREFIX":         {class: provider.Conflict, remedy: "choose a name that differs from the project's other clusters in its first characters"},
	"GROUP_ALREADY_EXISTS":                  {class: provider.Conflict, remedy: "a project of that name is there; plan again, which adopts it, or choose another name"},
	"USER_ALREADY_EXISTS":                   {class: provider.Conflict, remedy: "that user is there; plan again, which adopts it"},
	"ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS": {class: provider.Conflict, remedy: "that role is there; plan again, which adopts it"},
	"INTEGRATION_ALREADY_CONFIGURED":        {class: provider.Conflict, remedy: "that integration is there; plan again, which adopts it"},
	"TEAM_NAME_NOT_AVAILABLE":               {class: provider.Conflict, remedy: "a team of that name is there; plan again, or choose another name"},
	"ATLAS_FTS_DUPLICATE_INDEX":             {class: provider.Conflict, remedy: "an index of that name is there; plan again, which adopts it, or choose another name"},
	"ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS":     {class: provider.Conflict, remedy: "take the role from those users first"},
	"ATLAS_CUSTOM_ROLE_IN_USE_BY_ROLES":     {class: provider.Conflict, remedy: "take the role from the roles that inherit it first"},
	"CONTAINERS_IN_USE":                     {class: provider.Conflict, remedy: "the network container is in use by clusters or peering connections"},
	"CLUSTER_ALREADY_REQUESTED_DELETION":    {class: provider.Conflict, deleting: true, remedy: "the cluster is being deleted; wait until it is gone"},
	"PEER_ALREADY_REQUESTED_DELETION":       {class: provider.Conflict, deleting: true, remedy: "the peering connection is being deleted; wait until it is gone"},
	"PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION": {
		class: provider.Conflict, remedy: "a service of that provider and region is there; plan again, which adopts it"},
	"CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED": {
		class: provider.Conflict, remedy: "set termination_protection_enabled = false and apply it before the deletion"},
	"CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS":                  {class: provider.Conflict, remedy: "delete the project's clusters first and wait until they are gone"},
	"CANNOT_CLOSE_GROUP_ACTIVE_STREAMS_RESOURCE":                {class: provider.Conflict, remedy: "delete the project's stream processing workspaces first"},
	"CANNOT_CLOSE_GROUP_ACTIVE_PEERING_CONNECTIONS":             {class: provider.Conflict, remedy: "delete the project's peering connections first"},
	"CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_PRIVATE_ENDPOINT_SERVICES": {class: provider.Conflict, remedy: "delete the project's private endpoint services first"},
	"CANNOT_CLOSE_GROUP_ACTIVE_BACKUP_COMPLIANCE_POLICY":        {class: provider.Conflict, remedy: "a backup compliance policy keeps the project's snapshots; only MongoDB's support can lift it"},
	"CANNOT_UPDATE_PAUSED_CLUSTER":                              {class: provider.Conflict, remedy: "set paused = false, which resumes the cluster before it is changed"},
	"CANNOT_PAUSE_RECENTLY_RESUMED_CLUSTER":                     {class: provider.Conflict, remedy: "a resumed cluster must run for a while before it can be paused again; run it later"},
	"CANNOT_PAUSE_CLUSTER_WITH_PENDING_CHANGES":                 {class: provider.Conflict, remedy: "wait until the cluster's changes are done and run it again"},
	"OUT_OF_CAPACITY":    {class: provider.Conflict, remedy: "the region has no room for that instance size now; choose another region or size, or run it later"},
	"REGION_UNAVAILABLE": {class: provider.Conflict, remedy: "choose another region"},

	// Not allowed.
	"IP_ADDRESS_NOT_ON_ACCESS_LIST":            {class: provider.Denied, remedy: "add {ip} to the API access list of the credential: Organization settings, Applications, its service account or API key, API access list"},
	"ORG_REQUIRES_ACCESS_LIST":                 {class: provider.Denied, remedy: "the organization demands an API access list: add this machine's address to that of the credential (Organization settings, Applications)"},
	"NOT_IN_GROUP":                             {class: provider.Denied, remedy: "invite the credential to the project with the role {role}, or check the project's id"},
	"USER_CANNOT_ACCESS_GROUP":                 {class: provider.Denied, remedy: "invite the credential to the project with the role {role}"},
	"USER_CANNOT_ACCESS_ORG":                   {class: provider.Denied, remedy: "use a credential of this organization with the role {role}"},
	"NOT_ORG_GROUP_CREATOR":                    {class: provider.Denied, remedy: "give the credential the role Organization Project Creator"},
	"USER_UNAUTHORIZED":                        {class: provider.Denied, remedy: "give the credential the role {role}"},
	"NO_PAYMENT_INFORMATION_FOUND":             {class: provider.Denied, remedy: "add a payment method to the organization (Billing), or use a free tier"},
	"FEATURE_UNSUPPORTED":                      {class: provider.Denied, remedy: "the organization's plan does not include this; remove the argument, or change the plan"},
	"GROUP_USERS_LIMIT_EXCEEDED":               {class: provider.Denied, remedy: "delete users that are not needed, or ask MongoDB's support to raise the limit"},
	"ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED": {class: provider.Denied, remedy: "join entries to larger blocks, or ask MongoDB's support to raise the limit"},

	// Refused as sent.
	"INVALID_ATTRIBUTE":            {class: provider.Invalid, remedy: "correct or remove {0}"},
	"MISSING_ATTRIBUTE":            {class: provider.Invalid, remedy: "set {0}"},
	"MISSING_ATTRIBUTES":           {class: provider.Invalid, remedy: "set {0}"},
	"ATTRIBUTE_READ_ONLY":          {class: provider.Invalid, remedy: "remove {0}: Atlas alone sets it"},
	"INVALID_ENUM_VALUE":           {class: provider.Invalid, remedy: "replace the value {0}; the documentation of the argument names those that Atlas knows"},
	"VALIDATION_ERROR":             {class: provider.Invalid, remedy: "correct what the message names"},
	"WEAK_PASSWORD":                {class: provider.Invalid, remedy: "choose a longer password that is in no list of common ones"},
	"ATLAS_INVALID_ROLE":           {class: provider.Invalid, remedy: "check the role's name and database; a custom role must exist first"},
	"EXPIRATION_DATE_IN_PAST":      {class: provider.Invalid, remedy: "choose a time ahead, at most a week"},
	"EXPIRATION_DATE_EXCEEDS_MAX":  {class: provider.Invalid, remedy: "choose a time at most a week ahead"},
	"INVALID_VERSION_DATE":         {class: provider.Invalid, remedy: "Atlas does not know the API version that this Mercator asks for; look for a newer Mercator"},
	"VERSION_GONE":                 {class: provider.Invalid, remedy: "Atlas has removed the API version that this Mercator asks for; install a newer Mercator"},
	"ASYMMETRIC_SHARD_UNSUPPORTED": {class: provider.Invalid, remedy: "the cluster's shards differ, which this version of the API cannot show; look for a newer Mercator"},

	// For a while.
	"WRITES_NOT_ALLOWED_DURING_APP_UPGRADES": {class: provider.Transient, fate: undone, remedy: "Atlas is being upgraded and takes no changes; run it again in some minutes"},

	// The token endpoint's own (RFC 6749, 5.2).
	"invalid_client": {class: provider.Denied, remedy: "check MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET; a secret ends at the date that the service account shows"},
}

// meaningOf returns what an answer means: by its code where the table has it, else by its status.
func meaningOf(status int, code string) meaning {
	if m, ok := byCode[code]; ok && status < 500 && status != http.StatusTooManyRequests {
		return m
	}
	if m, ok := byStatus[status]; ok {
		return m
	}
	if status >= 500 {
		return meaning{class: provider.Transient, fate: lost, remedy: "Atlas has trouble; see status.mongodb.com, then run it again"}
	}
	return meaning{class: provider.Unknown}
}

// advice fills in the remedy.
func (m meaning) advice(r *request, said apiError) string {
	first := "what the message names"
	if len(said.parameters) > 0 {
		first = fmt.Sprint(said.parameters[0])
	}
	return strings.NewReplacer(
		"{role}", or(r.endpoint.Role, "that Atlas documents for it"), "{0}", first, "{ip}", addressIn(said),
	).Replace(m.remedy)
}

// addressIn returns the IP address that an error speaks of.
func addressIn(said apiError) string {
	words := strings.Fields(said.detail)
	if len(said.parameters) > 0 {
		words = append([]string{fmt.Sprint(said.parameters[0])}, words...)
	}
	for _, word := range words {
		if ip := net.ParseIP(strings.Trim(word, `",;()`)); ip != nil {
			return ip.String()
		}
	}
	return "this machine's address"
}
