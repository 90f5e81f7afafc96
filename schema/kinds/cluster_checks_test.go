package kinds_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/schema"
)

func TestClusterChecks(t *testing.T) {
	free := `"cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{"provider_name":"TENANT","backing_provider_name":"AWS",
		"region_name":"EU_WEST_1","electable_specs":{"instance_size":"M0"}}]}]`
	nodes := func(counts ...string) string {
		var regions []string
		for _, n := range counts {
			regions = append(regions, `{"provider_name":"AWS","region_name":"R`+n+`","electable_specs":{"instance_size":"M30","node_count":`+n+`}}`)
		}
		return `{"region_configs":[` + strings.Join(regions, ",") + `]}`
	}
	dedicated := `"cluster_type":"REPLICASET","replication_specs":[` + nodes("3") + `]`
	for _, tc := range []struct {
		name, before, after string
		changed             []string
		want                string // the codes of the findings
	}{
		{"created", "", `{` + dedicated + `}`, nil, ""},
		{"created with five nodes in two regions", "", `{"cluster_type":"REPLICASET","replication_specs":[` + nodes("3", "2") + `]}`, nil, ""},
		{"created with nothing", "", `{"name":"a"}`, nil, "cluster_shape_missing"},
		{"created without a type", "", `{"replication_specs":[` + nodes("3") + `]}`, nil, "cluster_shape_missing"},
		{"no shard", "", `{"cluster_type":"SHARDED","replication_specs":[]}`, nil, "cluster_shape"},
		{"replica set of two shards", "", `{"cluster_type":"REPLICASET","replication_specs":[` + nodes("3") + `,` + nodes("3") + `]}`, nil, "cluster_shape"},
		{"four electable nodes", "", `{"cluster_type":"REPLICASET","replication_specs":[` + nodes("3", "1") + `]}`, nil, "cluster_shape"},
		{"two sizes of disk", "", `{"cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{"provider_name":"AWS","region_name":"A",
			"electable_specs":{"node_count":3,"disk_size_gb":40},"read_only_specs":{"node_count":1,"disk_size_gb":80}}]}]}`, nil, "cluster_shape"},
		{"point in time without backups", "", `{` + dedicated + `,"pit_enabled":true,"backup_enabled":false}`, nil, "pit_without_backup"},
		{"point in time, backups live", `{"backup_enabled":true}`, `{"pit_enabled":true}`, []string{"pit_enabled"}, ""},
		{"point in time, live without", `{"backup_enabled":false}`, `{"pit_enabled":true}`, []string{"pit_enabled"}, "pit_without_backup"},

		{"M0", "", `{` + free + `}`, nil, ""},
		{"M0 with backups, paused", "", `{` + free + `,"backup_enabled":true,"paused":true}`, nil, "free_tier_limit free_tier_limit"},
		{"M0 with process arguments", "", `{` + free + `,"process_args":{"no_table_scan":true}}`, nil, "free_tier_limit"},
		{"M0 without what it has not", "", `{` + free + `,"backup_enabled":false,"bi_connector":{"enabled":false}}`, nil, ""},
		{"M0 to dedicated", `{` + free + `}`, `{` + dedicated + `}`, []string{"replication_specs"}, ""},
		{"M0 to global", `{"cluster_type":"REPLICASET",` + free + `}`, `{"cluster_type":"GEOSHARDED","replication_specs":[` + nodes("3") + `]}`, []string{"cluster_type", "replication_specs"}, "cluster_type_change"},
		{"dedicated to M0", `{` + dedicated + `}`, `{` + free + `}`, []string{"replication_specs"}, "tenant_change"},
		{"M0 elsewhere", `{` + free + `}`, `{` + free + `}`, []string{"replication_specs"}, "tenant_change"},
		{"M0 with another version", `{` + free + `}`, `{` + free + `,"mongo_db_major_version":"8.0"}`, []string{"mongo_db_major_version"}, "free_tier_limit"},
		{"M0 given process arguments", `{` + free + `}`, `{` + free + `,"process_args":{"no_table_scan":true}}`, []string{"process_args"}, "free_tier_limit"},
		{"M0 whose shape is not managed", `{` + free + `}`, `{"process_args":{"no_table_scan":true}}`, []string{"process_args"}, "free_tier_limit"},
		{"M0 with other tags", `{` + free + `}`, `{` + free + `,"tags":{},"labels":{},"termination_protection_enabled":true}`, []string{"tags", "labels", "termination_protection_enabled"}, ""},
		{"created without nodes", "", `{"cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{"provider_name":"AWS","region_name":"A","electable_specs":{"instance_size":"M10"}}]}]}`, nil, "cluster_shape"},
		{"changed, nodes left open", `{` + dedicated + `}`, `{"cluster_type":"REPLICASET","replication_specs":[{"region_configs":[{"provider_name":"AWS","region_name":"A","electable_specs":{"instance_size":"M10"}}]}]}`, []string{"replication_specs"}, ""},
		{"shape not managed", `{` + free + `}`, `{"tags":{}}`, []string{"tags"}, ""},

		{"replica set to sharded", `{"cluster_type":"REPLICASET"}`, `{"cluster_type":"SHARDED"}`, []string{"cluster_type"}, ""},
		{"sharded to replica set", `{"cluster_type":"SHARDED"}`, `{"cluster_type":"REPLICASET"}`, []string{"cluster_type"}, "cluster_type_change"},
		{"global to sharded", `{"cluster_type":"GEOSHARDED"}`, `{"cluster_type":"SHARDED"}`, []string{"cluster_type"}, "cluster_type_change"},

		{"next version", `{"mongo_db_major_version":"7.0"}`, `{"mongo_db_major_version":"8.0"}`, []string{"mongo_db_major_version"}, ""},
		{"version skipped", `{"mongo_db_major_version":"6.0"}`, `{"mongo_db_major_version":"8.0"}`, []string{"mongo_db_major_version"}, "version_jump"},
		{"older version", `{"mongo_db_major_version":"8.0"}`, `{"mongo_db_major_version":"7.0"}`, []string{"mongo_db_major_version"}, "version_downgrade"},
		{"older version, pinned", `{"mongo_db_major_version":"8.0","feature_compatibility_version_expiration_date":"2030-01-01T00:00:00Z"}`,
			`{"mongo_db_major_version":"7.0"}`, []string{"mongo_db_major_version"}, ""},
		{"two versions back, pinned", `{"mongo_db_major_version":"8.0","feature_compatibility_version_expiration_date":"2030-01-01T00:00:00Z"}`,
			`{"mongo_db_major_version":"6.0"}`, []string{"mongo_db_major_version"}, "version_downgrade"},
		{"versions between", `{"mongo_db_major_version":"8.0"}`, `{"mongo_db_major_version":"8.2"}`, []string{"mongo_db_major_version"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := catalog(t).Kind("cluster").Hooks.Check(schema.Transition{
				Before: clusterValue(t, tc.before), After: clusterValue(t, tc.after), Changed: tc.changed})
			var codes []string
			for _, d := range found {
				codes = append(codes, d.Code)
				if d.Detail == "" {
					t.Errorf("%s has no detail", d.Code)
				}
			}
			if got := strings.Join(codes, " "); got != tc.want {
				t.Errorf("found %q, want %q: %v", got, tc.want, found)
			}
		})
	}
}

func TestRule_R17_PausedClustersTakeNoChange(t *testing.T) {
	for _, tc := range []struct {
		name, before, after string
		changed             []string
		refused             bool
	}{
		{"stays paused, changed", `{"paused":true}`, `{"paused":true}`, []string{"tags"}, true},
		{"pausing not managed, changed", `{"paused":true}`, `{}`, []string{"process_args"}, true},
		{"resumed with the change", `{"paused":true}`, `{"paused":false}`, []string{"paused", "tags"}, false},
		{"paused with the change", `{"paused":false}`, `{"paused":true}`, []string{"paused", "tags"}, false},
		{"paused and unchanged", `{"paused":true}`, `{"paused":true}`, nil, false},
		{"running", `{"paused":false}`, `{}`, []string{"tags"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			changed := slices.Clone(tc.changed)
			found := catalog(t).Kind("cluster").Hooks.Check(schema.Transition{
				Before: clusterValue(t, tc.before), After: clusterValue(t, tc.after), Changed: tc.changed})
			if refused := len(found) == 1 && found[0].Code == "cluster_paused"; refused != tc.refused || len(found) > 1 {
				t.Errorf("found %v, want cluster_paused: %v", found, tc.refused)
			}
			if !slices.Equal(changed, tc.changed) {
				t.Error("the hook changed its input")
			}
		})
	}
}

func TestRule_R18_BackupsAreRetainedWhereTheyAreOn(t *testing.T) {
	k := catalog(t).Kind("cluster")
	for text, want := range map[string]string{
		`{"backup_enabled":true}`:  "true",
		`{"backup_enabled":false}`: "false",
		`{}`:                       "false",
		`{"backup_enabled":true,"retain_backups":false}`: "false",
		`{"backup_enabled":false,"retain_backups":true}`: "true",
	} {
		if got := k.Effective(clusterValue(t, text), "retain_backups"); got.IsNull() || got.True() != (want == "true") {
			t.Errorf("%s: retain_backups is %#v, want %s", text, got, want)
		}
	}
	if a := k.Attribute("retain_backups"); !a.DestroyTime || k.Endpoints.Delete.Query["retainBackups"] != "retain_backups" {
		t.Error("retain_backups must be an argument of the deletion only")
	}
}

// TestRule_R42_AuthenticationFollowsTheType holds the database that a user authenticates against.
func TestRule_R42_AuthenticationFollowsTheType(t *testing.T) {
	k := catalog(t).Kind("database_user")
	for text, want := range map[string]string{
		`{"username":"app"}`:                                         "admin/app",
		`{"username":"app","x509_type":"NONE"}`:                      "admin/app",
		`{"username":"CN=a","x509_type":"MANAGED"}`:                  "$external/CN=a",
		`{"username":"arn:aws:iam::1:role/r","aws_iam_type":"ROLE"}`: "$external/arn:aws:iam::1:role%2Fr",
		`{"username":"CN=g","ldap_auth_type":"GROUP"}`:               "$external/CN=g",
		`{"username":"idp/dev","oidc_auth_type":"IDP_GROUP"}`:        "admin/idp%2Fdev",
		`{"username":"idp/me","oidc_auth_type":"USER"}`:              "$external/idp%2Fme",
		`{"username":"app","database_name":"$external"}`:             "$external/app",
	} {
		v := decode(t, k, text)
		if key, known, err := k.NaturalKey(v); key != want || !known || err != nil {
			t.Errorf("%s: the key is %q (%v, %v), want %q", text, key, known, err, want)
		}
	}
	for _, name := range []string{"x509_type", "aws_iam_type", "ldap_auth_type", "oidc_auth_type"} {
		if !k.Attribute(name).Immutable {
			t.Errorf("%s must be immutable: Atlas answers AUTH_TYPE_CANNOT_BE_CHANGED", name)
		}
	}
}

func TestPasswordsAreNeededWithoutAnIdentityProvider(t *testing.T) {
	k := catalog(t).Kind("database_user")
	for text, want := range map[string]int{
		`{"username":"app","roles":[]}`:                         1,
		`{"username":"app","roles":[],"password":"a long one"}`: 0,
		`{"username":"CN=a","roles":[],"x509_type":"CUSTOMER"}`: 0,
		`{"username":"i/u","roles":[],"oidc_auth_type":"USER"}`: 0,
	} {
		if got := k.Misfits(decode(t, k, text), true); len(got) != want {
			t.Errorf("%s: %d misfits, want %d: %v", text, len(got), want, got)
		}
	}
}
