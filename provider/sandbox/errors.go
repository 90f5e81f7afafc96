package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// errorKind is the HTTP status and the detail of one of the API's error codes; %s takes the
// parameters in order.
type errorKind struct {
	status int
	detail string
}

// errorKinds holds the API's own error codes. Codes, statuses and texts are the recorded or documented
// ones; a code without an entry here can't be answered.
var errorKinds = map[string]errorKind{
	"UNEXPECTED_ERROR":       {500, "Unexpected error."},
	"RESOURCE_NOT_FOUND":     {404, "Cannot find resource %s."},
	"INVALID_VERSION_DATE":   {406, "Invalid accept header or version date."},
	"VERSION_GONE":           {410, "Version %s of %s is no longer available."},
	"INVALID_PATH_PARAMETER": {400, "Invalid path parameter %s specified."},

	"RATE_LIMITED":              {429, "Resource %s is limited to %v requests every %v minutes."},
	"RATE_LIMITED_TOKEN_BUCKET": {429, "Rate limit exceeded for %s. Please retry after %v seconds. Request capacity: %v. Refill rate: %v per %v seconds."},

	"MALFORMED_JSON":          {400, "Received JSON is malformed."},
	"INVALID_JSON":            {400, "Received JSON does not match expected format."},
	"INVALID_JSON_ATTRIBUTE":  {400, "Received JSON for the %s attribute does not match expected format."},
	"INVALID_ATTRIBUTE":       {400, "Invalid attribute %s specified."},
	"MISSING_ATTRIBUTE":       {400, "The required attribute %s was not specified."},
	"ATTRIBUTE_READ_ONLY":     {400, "The attribute %s is read-only and cannot be changed by the user."},
	"INVALID_ENUM_VALUE":      {400, "An invalid enumeration value %s was specified."},
	"INVALID_QUERY_PARAMETER": {400, "Invalid query parameter %s specified."},
	"VALIDATION_ERROR":        {400, "The request content produced the validation error: %s."},

	"GROUP_NOT_FOUND":        {404, "No group with ID %s exists."},
	"INVALID_GROUP_ID":       {404, "An invalid group ID %s was specified."},
	"INVALID_ORG_ID":         {404, "An invalid organization ID %s was specified."},
	"ORG_NOT_FOUND":          {404, "No organization with ID %s exists."},
	"NOT_IN_GROUP":           {401, "The current user is not in the group, or the group does not exist."},
	"USER_CANNOT_ACCESS_ORG": {401, "User cannot access this organization."},

	"GROUP_ALREADY_EXISTS":                               {409, "A group with name \"%s\" already exists."},
	"INVALID_GROUP_NAME":                                 {400, "An invalid group name \"%s\" was specified."},
	"CANNOT_CLOSE_GROUP_ACTIVE_BACKUP_COMPLIANCE_POLICY": {409, "Cannot close group while it has a backup compliance policy and active snapshots."},
	"CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS":           {409, "Cannot close group while it has active clusters; please terminate all clusters."},

	"USER_ALREADY_EXISTS":                       {409, "A user with username %s already exists."},
	"USERNAME_NOT_FOUND":                        {404, "No user with username %s exists."},
	"DATABASE_USERNAME_CANNOT_BE_CHANGED":       {409, "Cannot modify the username of an existing database user."},
	"DATABASE_NAME_CANNOT_BE_CHANGED":           {409, "Cannot modify the authentication database of an existing database user."},
	"AUTH_TYPE_CANNOT_BE_CHANGED":               {409, "Cannot modify the authentication type of an existing database user."},
	"DATABASE_NAME_INVALID_ADMIN":               {400, "Database name invalid. %s can only be created on the admin database."},
	"DATABASE_NAME_INVALID_EXTERNAL":            {400, "Externally authenticated users can only be created on the $external database."},
	"ATLAS_INVALID_ROLE":                        {400, "The specified role %s@%s does not exist."},
	"ATLAS_X509_USER_CANNOT_USE_SCRAM":          {400, "Users cannot be configured for SCRAM and X.509 authentication."},
	"WEAK_PASSWORD":                             {400, "The specified password is not strong enough."},
	"EXPIRATION_DATE_IN_PAST":                   {400, "The specified expiration date must be in the future."},
	"EXPIRATION_DATE_EXCEEDS_MAX":               {400, "The specified expiration date can be at most %v days in the future."},
	"PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY": {400, "A permanent entity cannot be made temporary."},
	"GROUP_USERS_LIMIT_EXCEEDED":                {403, "Groups can contain at most %v database users."},

	"ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND":                   {404, "IP Address %s not on Atlas access list for group %s."},
	"ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED":                   {403, "Too many network permission entries. Only %v entries are supported."},
	"INVALID_NETWORK_PERMISSION_COMMENT":                         {400, "The comment %s must be 80 characters or less."},
	"MULTIPLE_VALUES_SPECIFIED_FOR_ONE_NETWORK_PERMISSION_ENTRY": {400, "Should not specify both the IP address and the CIDR block."},
	"INVALID_IP_ADDRESS_OR_CIDR_NOTATION":                        {400, "The address %s must be in valid IP address or CIDR notation."},

	"ATLAS_CUSTOM_ROLE_NOT_FOUND":           {404, "The specified custom db role %s does not exist."},
	"ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS": {409, "A custom role with the name %s already exists."},
	"ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS":     {409, "Deleting specified custom role would leave the following users without a role: %s."},
	"ATLAS_CUSTOM_ROLE_IN_USE_BY_ROLES":     {409, "Deleting specified custom role would leave the following roles with no actions or inherited roles: %s."},
	"ATLAS_CUSTOM_ROLE_HAS_NO_PERMISSIONS":  {400, "Custom roles must have one or more actions or inherited roles."},
	"ATLAS_CUSTOM_ROLE_INVALID_NAME":        {400, "The custom role name %s must consist of ASCII letters, digits, hyphens and underscores, and begin with a letter or digit."},

	"API_KEY_NOT_FOUND":            {400, "No API key with ID %s exists."},
	"API_KEY_REQUIRES_DESCRIPTION": {400, "All API keys require a non-empty description."},
	"MISSING_API_KEY_ROLES":        {400, "API keys must have at least one role."},
	"INVALID_ROLE_FOR_ORG":         {400, "Role %s invalid for organization %s."},
	"INVALID_ROLE_FOR_GROUP":       {400, "Role %s is invalid for group %s."},

	"TEAM_NOT_FOUND":                         {404, "No team with ID %s exists."},
	"TEAM_NAME_NOT_FOUND":                    {404, "No team with name \"%s\" exists."},
	"TEAM_NAME_NOT_AVAILABLE":                {409, "Cannot create a team named %s in organization %s."},
	"TEAM_EXISTS_IN_GROUP":                   {409, "Cannot add a team that already exists in group."},
	"CANNOT_CREATE_EMPTY_TEAM":               {400, "A team must contain at least one user."},
	"CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT": {404, "cannot delete a team that has at least one project assigned"},

	"ALERT_CONFIG_NOT_FOUND":                       {404, "No alert configuration with ID %s exists in group %s."},
	"MISSING_NOTIFICATIONS":                        {400, "At least one notification must be specified for an alert configuration."},
	"MISSING_METRIC_THRESHOLD":                     {400, "A metric threshold must be specified for host metric alerts."},
	"MISSING_THRESHOLD":                            {400, "A threshold must be specified for the specified event type."},
	"METRIC_THRESHOLD_PRESENT":                     {400, "The metric threshold should only be specific for host metric alerts."},
	"THRESHOLD_PRESENT":                            {400, "A threshold should not be present for the specified event type."},
	"NOTIFICATION_INTERVAL_OUT_OF_RANGE":           {400, "The notification interval must be at least 5 minutes."},
	"EMAIL_OR_SMS_REQUIRED_FOR_GROUP_NOTIFICATION": {400, "Email and/or SMS must be enabled for group notifications."},
	"TOO_MANY_GROUP_NOTIFICATIONS":                 {400, "At most one group notification can be specified for an alert configuration."},
	"INVALID_OPERATOR_FOR_EVENT_TYPE":              {400, "Operator %s is not compatible with event type %s."},

	"CANNOT_DISABLE_ENCRYPTION_AT_REST": {409, "Cannot disable encryption at rest while it is still enabled on one or more clusters in the group."},

	"INTEGRATION_NOT_CONFIGURED":     {404, "The integration of type '%s' is not configured for this group."},
	"INTEGRATION_ALREADY_CONFIGURED": {409, "The integration of type '%s' is already configured for this group."},

	"ATLAS_INVALID_MAINTENANCE_WINDOW_DAY_OF_WEEK": {400, "Value should be between 1 and 7 (Sunday = 1)."},
	"ATLAS_INVALID_MAINTENANCE_WINDOW_HOUR_OF_DAY": {400, "Value should be between 0 and 23."},

	"BACKUP_CONFIG_NOT_FOUND":       {404, "No backup configuration exists for cluster %s in group %s."},
	"SNAPSHOT_NOT_FOUND":            {404, "No snapshot with ID %s exists for cluster %s."},
	"INVALID_NUM_OF_POLICIES":       {400, "Must have exactly one policy."},
	"INVALID_POLICY_ID":             {400, "The policy id %s is invalid."},
	"INVALID_POLICY_ITEM_ID":        {400, "The specified policy item id %s does not exist."},
	"INVALID_FREQUENCY_TYPE_CHANGE": {400, "The frequency type of a policy item must not be changed."},

	"CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API":                       {400, "Flex cluster %s cannot be used in the Cluster API."},
	"CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API":                      {400, "Cannot use non-flex cluster %s in the flex API."},
	"CLUSTER_NOT_FOUND":                                            {404, "No cluster named %s exists in group %s."},
	"DUPLICATE_CLUSTER_NAME":                                       {400, "A %s named %s is already present in group %s."},
	"DUPLICATE_CLUSTER_NAME_PREFIX":                                {400, "Cluster name %s cannot have same first %v characters as another cluster name in same group."},
	"CLUSTER_NAME_INVALID":                                         {400, "The cluster name %s is invalid. The name can only contain ASCII letters, numbers, and hyphens."},
	"CLUSTER_CANNOT_CHANGE_NAME":                                   {400, "Cannot change name of cluster during an update."},
	"CLUSTER_ALREADY_REQUESTED_DELETION":                           {400, "The cluster %s has already been requested for deletion."},
	"CANNOT_CREATE_PAUSED_CLUSTER":                                 {400, "Cluster %s cannot be created in a paused state."},
	"CANNOT_UPDATE_PAUSED_CLUSTER":                                 {409, "Cannot update cluster %s while it is paused or being paused."},
	"CANNOT_UPDATE_AND_PAUSE_CLUSTER":                              {409, "Cannot update and pause cluster %s at the same time."},
	"CLUSTER_ALREADY_PAUSED":                                       {409, "Cannot pause a cluster that is already paused."},
	"CANNOT_PAUSE_CLUSTER_WITH_PENDING_CHANGES":                    {409, "Cannot pause a cluster with pending changes."},
	"TENANT_CLUSTER_UPDATE_UNSUPPORTED":                            {400, "Cannot update a M0/M2/M5 cluster through the public API."},
	"TENANT_CLUSTER_PROCESS_ARGS_NOT_SUPPORTED":                    {400, "Cannot set custom process args for tenant clusters."},
	"SHARDED_CLUSTER_CANT_BECOME_REPLICA_SET":                      {400, "A sharded cluster cannot become a replica set."},
	"CANNOT_CHANGE_GEOSHARDED_CLUSTER_TYPE":                        {400, "A geo sharded cluster cannot be changed to a different cluster type."},
	"CLUSTER_REPLICATION_FACTOR_INVALID":                           {400, "The replication factor must be either 3, 5, or 7."},
	"COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED":              {400, "Compute auto-scaling max instance size required."},
	"COMPUTE_AUTO_SCALING_MIN_INSTANCE_SIZE_REQUIRED":              {400, "Compute auto-scaling min instance size required."},
	"COMPUTE_AUTO_SCALING_SCALE_DOWN_ENABLED_INVALID":              {400, "Compute auto-scaling must be enabled to enable down-scaling."},
	"CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED": {400, "Cannot terminate a cluster when termination protection is enabled. Disable termination protection and try again."},

	"ATLAS_INVALID_CIDR_BLOCK":        {400, "Atlas CIDR %s must be a /%s block for %s."},
	"ATLAS_INVALID_CIDR_RANGE":        {400, "Atlas CIDR %s must be in private range."},
	"ATLAS_NON_CANONICAL_CIDR_BLOCK":  {400, "The canonical form for the specified Atlas CIDR %s is %s."},
	"CANNOT_CHANGE_CONTAINER_REGION":  {400, "The region of a cloud provider container cannot be changed."},
	"CONTAINERS_IN_USE":               {409, "Cannot modify in use containers. %s."},
	"CONTAINER_ALREADY_EXISTS":        {409, "A container already exists for group %s."},
	"OVERLAPPING_ATLAS_CIDR_BLOCK":    {409, "The CIDR block %s overlaps with an Atlas CIDR block."},
	"PEER_NOT_FOUND":                  {404, "No peer with ID %s exists in project %s."},
	"PEER_ALREADY_EXISTS":             {409, "The peer with AWS Account ID %s and VPC ID %s already exists."},
	"PEER_ALREADY_EXISTS_AZURE":       {409, "The peer with Azure Subscription ID %s and Virtual Network name %s already exists."},
	"PEER_ALREADY_EXISTS_GCP":         {409, "The peer with GCP Project ID %s and network name %s already exists."},
	"PEER_ALREADY_REQUESTED_DELETION": {409, "The peer with ID %s has already been requested for deletion."},
	"PEER_INVALID_STATE":              {409, "The peer with ID %s in group %s cannot be updated in its current state."},

	"CANNOT_CLOSE_GROUP_ACTIVE_PEERING_CONNECTIONS":             {409, "Cannot close group while it has active peering connections; please delete all peering connections."},
	"CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_PRIVATE_ENDPOINT_SERVICES": {409, "Cannot close group while it has active private endpoint services; please delete all private endpoint services."},
	"PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION":        {409, "A private endpoint service already exists for %s region %s."},

	"ATLAS_FTS_DUPLICATE_INDEX": {400, "Duplicate Index."},

	"CLOUD_PROVIDER_CONTAINER_NOT_FOUND": {404, "An invalid cloud provider container ID %s was specified."},
}

// apiError is an error answer of the API.
type apiError struct {
	status     int
	code       string
	detail     string
	parameters []any
	fields     []fieldError
	retryAfter int // seconds; 0 sends no header
	challenge  string
}

// fieldError is one entry of badRequestDetail.fields.
type fieldError struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// Error makes an apiError usable where Go code changes the data by hand.
func (e *apiError) Error() string { return fmt.Sprintf("%s: %s", e.code, e.detail) }

// fail builds the error answer of a code in errorKinds.
func fail(code string, parameters ...any) *apiError {
	kind, ok := errorKinds[code]
	if !ok {
		kind = errorKinds["UNEXPECTED_ERROR"]
	}
	detail := kind.detail
	if n := strings.Count(detail, "%"); n > 0 && n <= len(parameters) {
		detail = fmt.Sprintf(detail, parameters[:n]...)
	}
	if parameters == nil {
		parameters = []any{}
	}
	return &apiError{status: kind.status, code: code, detail: detail, parameters: parameters}
}

// failDetail is fail with a status and detail of its own, for the catch-all codes.
func failDetail(status int, code, detail string, parameters ...any) *apiError {
	e := fail(code, parameters...)
	e.status, e.detail = status, detail
	return e
}

// unauthorized is the answer to a request without valid credentials, as recorded: it has no
// parameters, no X-Error-Code and no rate limit headers. challenge is the Digest challenge, if any.
func unauthorized(challenge string) *apiError {
	return &apiError{status: http.StatusUnauthorized, code: "UNEXPECTED_ERROR",
		detail: "You are not authorized for this resource.", challenge: challenge}
}

// body returns the JSON document of the error.
func (e *apiError) body() object {
	doc := object{"detail": e.detail, "error": e.status, "errorCode": e.code, "reason": http.StatusText(e.status)}
	if e.parameters != nil {
		doc["parameters"] = e.parameters
	}
	if len(e.fields) > 0 {
		doc["badRequestDetail"] = object{"fields": e.fields}
	}
	return doc
}
