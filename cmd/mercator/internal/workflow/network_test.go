package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

const peered = `project "shop" {
  network_container "ireland" {
    provider_name    = "AWS"
    region_name      = "EU_WEST_1"
    atlas_cidr_block = "10.8.0.0/21"
  }

  network_peering "vpc" {
    provider_name          = "AWS"
    container_id           = network_container.ireland.id
    accepter_region_name   = "eu-west-1"
    aws_account_id         = "123456789012"
    vpc_id                 = "vpc-0123456789abcdef0"
    route_table_cidr_block = "10.20.0.0/16"
  }
}
`

// sole returns the one object of a kind in the project shop.
func (r *rig) sole(kind sandbox.Kind) map[string]any {
	r.t.Helper()
	list := r.box.List(kind, r.project("shop"))
	if len(list) != 1 {
		r.t.Fatalf("Atlas has %d of %s: %v", len(list), kind, list)
	}
	return list[0]
}

// A container is made, given other addresses while nothing uses it, taken over, and left to its clusters after that.
func TestNetworkContainerLifecycle(t *testing.T) {
	const container = `project "shop" {
  network_container "ireland" {
    provider_name    = "AWS"
    region_name      = "EU_WEST_1"
    atlas_cidr_block = "10.8.0.0/21"
  }
}
`
	r := newRig(t, sandbox.Options{Polls: 1}).write(container)
	r.converge()
	id := r.sole(sandbox.Container)["id"]
	r.edit("main.hcl", "10.8.0.0/21", "10.8.8.0/22")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupContainer")
	if doc := r.sole(sandbox.Container); doc["id"] != id || doc["atlasCidrBlock"] != "10.8.8.0/22" {
		t.Errorf("changed to %v", doc)
	}
	r.edit("main.hcl", "EU_WEST_1", "EU_WEST_2")
	expect(t, r.plan(plan.Options{}), "replace project.shop.network_container.ireland region_name")
	r.edit("main.hcl", "EU_WEST_2", "EU_WEST_1")
	r.forget()
	expect(t, r.plan(plan.Options{}), "adopt project.shop", "adopt project.shop.network_container.ireland")
	r.converge()
	r.edit("main.hcl", "  }\n}\n", "  }\n"+oneRegion("orders", `instance_size = "M10"`)+"\n}\n")
	r.edit("main.hcl", "10.8.8.0/22", "10.9.0.0/21")
	a := r.converge() // the container changes before the cluster is in it
	expect(t, a.Plan, "create project.shop.cluster.orders", "update project.shop.network_container.ireland atlas_cidr_block")
	r.edit("main.hcl", "10.9.0.0/21", "10.10.0.0/21")
	a = r.apply(plan.Options{})
	says(t, a.Result.All().Errors()[0].Error(), "CONTAINERS_IN_USE", "is in use by clusters or peering connections")
}

// TestRule_R21_ClustersComeAfterTheirContainers makes both at once: Atlas would make a container of its own with the
// cluster, so the declared one comes first and the cluster goes first.
func TestRule_R21_ClustersComeAfterTheirContainers(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 2}).write("project \"shop\" {\n" + oneRegion("orders", `instance_size = "M10"`) + `
  network_container "ireland" {
    provider_name    = "AWS"
    region_name      = "EU_WEST_1"
    atlas_cidr_block = "10.8.0.0/21"
  }
}
`)
	r.converge()
	if doc := r.sole(sandbox.Container); doc["atlasCidrBlock"] != "10.8.0.0/21" {
		t.Errorf("the container is %v", doc)
	}
	writes := r.writes()
	if slices.Index(writes, "createGroupContainer") > slices.Index(writes, "createGroupCluster") {
		t.Errorf("writes: %q", writes)
	}
	r.write("project \"shop\" {}\n")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "deleteGroupCluster", "deleteGroupContainer")
}

// A container that Atlas made with a cluster is adopted with its addresses, and no second one is made.
func TestAContainerThatAtlasMadeIsAdopted(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write("project \"shop\" {\n" + oneRegion("orders", `instance_size = "M10"`) + "\n}\n")
	r.converge()
	made := r.sole(sandbox.Container)
	r.edit("main.hcl", "}\n\n}\n", "}\nnetwork_container \"ireland\" {\n provider_name = \"aws\"\n region_name = \"EU_WEST_1\"\n}\n}\n")
	a := r.converge()
	if c := find(t, a.Plan, "project.shop.network_container.ireland"); c.Action != plan.Adopt || c.ID != made["id"] {
		t.Errorf("it is %v of %s", c.Action, c.ID)
	}
}

// A peering connection is made and left to the other side, changed in place, replaced, and goes before its container.
func TestNetworkPeeringLifecycle(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 2}).write(peered)
	a := r.converge()
	if r.sole(sandbox.Peering)["state"] != "PENDING_ACCEPTANCE" {
		t.Errorf("it is %v", r.sole(sandbox.Peering))
	}
	expectCodes(t, a.Plan.Diagnostics)
	says(t, finding(t, r.plan(plan.Options{}).Diagnostics, "waits_for_others").Detail, "PENDING_ACCEPTANCE", "Accept the peering connection on AWS")
	id := r.sole(sandbox.Peering)["id"].(string)
	r.change(sandbox.Peering, "shop", id, map[string]any{"state": "AVAILABLE"})
	expectCodes(t, r.plan(plan.Options{}).Diagnostics)
	r.edit("main.hcl", "10.20.0.0/16", "10.21.0.0/16")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupPeer")
	r.edit("main.hcl", "vpc-0123456789abcdef0", "vpc-0123456789abcdef1")
	expect(t, r.plan(plan.Options{}), "replace project.shop.network_peering.vpc vpc_id")
	r.converge()
	if again := r.sole(sandbox.Peering); again["id"] == id {
		t.Errorf("it was not replaced: %v", again)
	}
	r.forget()
	a = r.converge()
	if c := find(t, a.Plan, "project.shop.network_peering.vpc"); c.Action != plan.Adopt || len(c.Diffs) > 0 {
		t.Errorf("it is %v with %v", c.Action, c.Diffs)
	}
	r.write("project \"shop\" {}\n")
	r.box.ResetCalls()
	r.apply(plan.Options{})
	equal(t, "writes", r.writes(), "deleteGroupPeer", "deleteGroupContainer")
}

// A rejected connection is told of, and made anew on request.
func TestARejectedPeeringIsMadeAnew(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(peered)
	r.converge()
	id := r.sole(sandbox.Peering)["id"].(string)
	r.change(sandbox.Peering, "shop", id, map[string]any{"state": "FAILED", "failure": "REJECTED"})
	says(t, finding(t, r.plan(plan.Options{}).Diagnostics, "failed_in_atlas").Detail, "FAILED: REJECTED", "--replace project.shop.network_peering.vpc")
	r.apply(plan.Options{Replace: []schema.Address{"project.shop.network_peering.vpc"}})
	if again := r.sole(sandbox.Peering); again["id"] == id || again["state"] != "PENDING_ACCEPTANCE" {
		t.Errorf("it is %v", again)
	}
	r.expectEmpty()
}

// TestRule_R22_PeeringsHinderTheirProject deletes the project with its peering, and not with a stranger's.
func TestRule_R22_PeeringsHinderTheirProject(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(peered)
	r.converge()
	stranger := r.sole(sandbox.Peering)
	stranger["id"], stranger["vpcId"], stranger["providerName"] = "65f0000000000000000000aa", "vpc-000000000000000aa", "GCP"
	r.put(sandbox.Peering, "shop", stranger)
	r.write("")
	p := r.plan(plan.Options{})
	says(t, finding(t, p.Diagnostics, "deletion_blocked").Error(), "network_peering", "lives in it")
	r.remove(sandbox.Peering, "shop", "65f0000000000000000000aa")
	r.box.ResetCalls()
	r.apply(plan.Options{})
	equal(t, "writes", r.writes(), "deleteGroupPeer", "deleteGroup")
}

// Of the lists that Atlas keeps per cloud provider, only those are read that the files or the state have something in.
func TestRule_R07_ListsOfOtherCloudsAreNotRead(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(peered)
	r.converge()
	r.box.ResetCalls()
	r.plan(plan.Options{})
	var lists []string
	for _, c := range r.box.Calls() {
		if strings.HasSuffix(c.Path, "/peers") {
			lists = append(lists, c.Query)
		}
	}
	if len(lists) != 1 || !strings.Contains(lists[0], "providerName=AWS") {
		t.Errorf("the lists of peering connections that were read: %q", lists)
	}
}
