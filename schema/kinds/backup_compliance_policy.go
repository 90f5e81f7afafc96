package kinds

import (
	"time"

	"mercator/schema"
)

// What no backup in the project may fall short of, and nobody may take back: Atlas disables a policy only after a ticket
// to its support, so the API's DELETE is not used. Atlas replaces the whole with every change. What it answers where
// there is no policy was not recorded: nothing and an empty one are taken alike.
var _ = declare(schema.Kind{
	Name:      "backup_compliance_policy",
	Parent:    "project",
	Doc:       "The backups that every cluster of the project has at least, which nobody can delete or weaken. Once it is on, only the support of Atlas can take it off.",
	Singleton: true,

	Attributes: []schema.Attribute{
		{Name: "authorized_email", Type: schema.TypeString, Required: true,
			Doc: "The address of the person who may ask the support to take the policy off."},
		{Name: "authorized_user_first_name", Type: schema.TypeString, Required: true,
			Doc: "That person's first name."},
		{Name: "authorized_user_last_name", Type: schema.TypeString, Required: true,
			Doc: "That person's last name."},
		{Name: "copy_protection_enabled", Type: schema.TypeBool,
			Doc: "Whether copies in other regions are kept although the region is taken out of the schedule."},
		{Name: "encryption_at_rest_enabled", Type: schema.TypeBool,
			Doc: "Whether every cluster has to be encrypted with a key of yours."},
		{Name: "pit_enabled", Type: schema.TypeBool,
			Doc: "Whether every cluster has to have continuous backups."},
		{Name: "restore_window_days", Type: schema.TypeInteger, Min: new(0.0),
			Doc: "How many days back every cluster can be restored to any moment."},
		{Name: "on_demand_policy_item", Type: schema.TypeObject, Nested: complianceItem("ondemand"),
			Doc: "For how long snapshots on demand are kept at least."},
		{Name: "scheduled_policy_items", Type: schema.TypeList, Elem: schema.Elem{Key: []string{"frequency_type", "frequency_interval"}},
			Nested: complianceItem("hourly", "daily", "weekly", "monthly", "yearly"),
			Doc:    "The snapshots that every cluster's schedule has at least."},
		{Name: "overwrite_backup_policies", Type: schema.TypeBool, Unread: true,
			Doc: "Whether schedules that fall short are changed with the policy, as Atlas does unless this is false; else Atlas refuses the policy."},

		{Name: "state", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "What the policy is busy with: ACTIVE, ENABLING, UPDATING or DISABLING."},
		{Name: "deletable", Type: schema.TypeBool, Owner: schema.Server,
			Doc: "Whether the support has allowed to take it off."},
		{Name: "updated_date", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
			Doc: "When it was changed last."},
		{Name: "updated_user", Type: schema.TypeString, Owner: schema.Server, Volatile: true,
			Doc: "Who changed it last."},
	},
	Ignored: []string{".projectId"},

	Endpoints: schema.Endpoints{
		Get: &schema.Endpoint{Operation: "getGroupBackupCompliancePolicy", Method: "GET", Path: group + "/backupCompliancePolicy",
			Version: "2023-10-01", Role: projectOwner},
		Update: &schema.Endpoint{Operation: "updateGroupBackupCompliancePolicy", Method: "PUT", Path: group + "/backupCompliancePolicy",
			Version: "2023-10-01", Role: projectOwner, Replaces: true, Query: map[string]string{"overwriteBackupPolicies": "overwrite_backup_policies"}},
	},
	Settle: &schema.Settle{
		Field: "state",
		Busy:  []string{"ENABLING", "UPDATING"}, Deleting: []string{"DISABLING"}, Ready: []string{"ACTIVE", ""},
		First: 2 * time.Second, Max: 30 * time.Second, Limit: schema.DefaultLimit,
	},
	Lasting: "the support of Atlas alone can take it off",

	Risks: []schema.RiskRule{
		{Risk: schema.Irreversible, Attribute: "authorized_email", When: schema.Added},
		{Risk: schema.Billable, Attribute: "scheduled_policy_items", When: schema.Added},
		{Risk: schema.Billable, Attribute: "pit_enabled", When: schema.TurnedOn},
	},
})

// complianceItem are the attributes of an item with one of some frequencies.
func complianceItem(frequencies ...string) []schema.Attribute {
	least := 1.0
	if len(frequencies) == 1 {
		least = 0
	}
	return []schema.Attribute{
		{Name: "frequency_type", Type: schema.TypeString, Required: true, Enum: frequencies,
			Doc: "How often a snapshot is taken."},
		{Name: "frequency_interval", Type: schema.TypeInteger, Required: true, Min: &least, Max: new(40.0),
			Doc: "Which of them, as in a backup_schedule."},
		{Name: "retention_unit", Type: schema.TypeString, Required: true, Enum: retentionUnits,
			Doc: "The unit of retention_value."},
		{Name: "retention_value", Type: schema.TypeInteger, Required: true, Min: new(1.0),
			Doc: "For how long it is kept at least."},
		{Name: "id", Type: schema.TypeString, Handle: true,
			Doc: "The item's id."},
	}
}
