package config_test

import (
	"strings"
	"testing"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

// payments is a configuration in the kinds of Atlas themselves.
const payments = `
project "payments" {
  for_each = toset(["dev", "prod"])
  name     = "payments-${each.key}"
  tags     = { team = "payments" }

  cluster "orders" {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = each.key == "prod" ? "M30" : "M10"

    mongo_db_major_version = "8.0"
    backup_enabled         = true
    lifecycle { prevent_destroy = true }
  }

  database_user "app" {
    password = env("APP_PASSWORD")
    roles    = [{ role_name = "readWrite", database_name = "orders" }]
    scopes   = [{ name = cluster.orders.name, type = "CLUSTER" }]
  }

  access_list "office" {
    entries = {
      "10.20.0.0/16" = "VPC peering"
      "203.0.113.7"  = { comment = "Contractor", delete_after_date = timeadd(plantimestamp(), "72h") }
    }
  }

  alert_config "lag" {
    event_type_name  = "OUTSIDE_METRIC_THRESHOLD"
    enabled          = true
    metric_threshold = { metric_name = "OPLOG_SLAVE_LAG_MASTER_TIME", operator = "GREATER_THAN", threshold = 60, units = "SECONDS", mode = "AVERAGE" }
    notifications    = [{ type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, roles = ["GROUP_OWNER"] }]
  }
}
`

func TestKinds(t *testing.T) {
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	o := config.Options{Catalog: catalog, Environ: environ(map[string]string{"APP_PASSWORD": "x"}), Now: now}
	c, diags := config.Load(write(t, map[string]string{"main.hcl": payments}), o)
	e, more := c.Evaluate(nil)
	if diags = append(diags, more...); len(diags) > 0 {
		t.Fatal(diags)
	}
	want := []schema.Address{"project.payments[%]", "project.payments[%].cluster.orders", "project.payments[%].database_user.app",
		`project.payments[%].access_list.office["10.20.0.0/16"]`, `project.payments[%].access_list.office["203.0.113.7"]`,
		"project.payments[%].alert_config.lag"}
	if got := len(e.Desired.Resources); got != 2*len(want) {
		t.Fatalf("%d resources, want %d", got, 2*len(want))
	}
	for i, r := range e.Desired.Resources {
		key := `["dev"]`
		if i >= len(want) {
			key = `["prod"]`
		}
		if w := schema.Address(strings.ReplaceAll(string(want[i%len(want)]), "[%]", key)); r.Address != w {
			t.Errorf("resource %d is %s, want %s", i, r.Address, w)
		}
		if k := catalog.Kind(r.Kind); !r.Value.Type().Equals(k.Type()) {
			t.Errorf("%s has another type than its kind", r.Address)
		}
	}
	if user := find(t, e, `project.payments["prod"].database_user.app`); len(user.DependsOn) != 1 || user.DependsOn[0] != `project.payments["prod"].cluster.orders` {
		t.Errorf("the user needs %v", user.DependsOn)
	}
}

// TestKindNames holds kinds against the names that references start with.
func TestKindNames(t *testing.T) {
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"var", "local", "each", "count", "parent", "self", "path", "module", "data", "id", "lifecycle", "timeouts"} {
		if catalog.Kind(name) != nil {
			t.Errorf("the kind %q takes a name of the language", name)
		}
	}
	for _, name := range catalog.Names() {
		k := catalog.Kind(name)
		for _, arg := range []string{"for_each", "count", "depends_on", "atlas", "exclusive", "lifecycle", "timeouts", "each", "parent", k.Parent} {
			if arg != "" && k.Attribute(arg) != nil {
				t.Errorf("%s has an attribute %q, which the language uses itself", name, arg)
			}
		}
	}
}
