package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// encrypted is a project with a role, a key that is reached in it, and a cluster that is encrypted with the key.
func encrypted(provider string, blocks ...string) string {
	text := "project \"shop\" {\n"
	all := map[string]string{
		"role": "cloud_provider_access \"keys\" {\n provider_name = \"AWS\"\n iam_assumed_role_arn = \"" + firstARN + "\"\n}\n",
		"key": "encryption_at_rest {\n aws_kms = { enabled = true, customer_master_key_id = \"one\", region = \"EU_WEST_1\", " +
			"role_id = cloud_provider_access.keys.role_id }\n}\n",
		"cluster": "cluster \"orders\" {\n provider_name = \"AWS\"\n region_name = \"EU_WEST_1\"\n instance_size = \"M10\"\n encryption_at_rest_provider = \"" + provider + "\"\n}\n",
	}
	for _, name := range blocks {
		text += all[name]
	}
	return text + "}\n"
}

// TestRule_R21_EncryptionStandsUnderItsClusters sets a key management up and takes it away, together with the cluster that
// asks for it by a plain value and with the role that it is reached in.
func TestRule_R21_EncryptionStandsUnderItsClusters(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(encrypted("AWS", "cluster", "key", "role"))
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "createGroup", "createGroupCloudProviderAccess", "authorizeGroupCloudProviderAccessRole", "updateGroupEncryptionAtRest", "createGroupCluster")

	// In one apply the cluster lets go of the key, the key management is turned off and the role goes.
	r.write(encrypted("NONE", "cluster"))
	p := r.plan(plan.Options{})
	reset := find(t, p, "project.shop.encryption_at_rest")
	if i := len(reset.Reasons) - 1; i < 0 || reset.Reasons[i].Code != "reset" || !strings.Contains(reset.Reasons[i].Text, "turned off") {
		t.Errorf("its reasons are %+v", reset.Reasons)
	}
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupCluster", "updateGroupEncryptionAtRest", "deauthorizeGroupCloudProviderAccessRole")
	if kms := r.live(sandbox.Encryption, "shop", "")["awsKms"].(map[string]any); kms["enabled"] != false || len(kms) != 2 {
		t.Errorf("reset, it is %v", kms)
	}

	r.write(encrypted("AWS", "cluster", "key", "role")).converge()
	r.write(encrypted("AWS"))
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "deleteGroupCluster", "updateGroupEncryptionAtRest", "deauthorizeGroupCloudProviderAccessRole")
}

// A key management that a cluster asks for is not turned off: of ours the plan knows it, and of somebody else's Atlas says
// it, so that it stays ours.
func TestAKeyManagementInUseIsNotTurnedOff(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(encrypted("AWS", "cluster", "key", "role"))
	r.converge()
	r.write(encrypted("AWS", "cluster", "role"))
	finding(t, r.plan(plan.Options{}).Diagnostics, "still_asked_for")

	r.write(encrypted("AWS", "key", "role")).converge()
	r.put(sandbox.Cluster, "shop", map[string]any{"name": "theirs", "encryptionAtRestProvider": "AWS"})
	r.write(encrypted("AWS", "role"))
	a := r.apply(plan.Options{})
	o := outcome(t, a.Result, "project.shop.encryption_at_rest")
	if o.Status != apply.Failed || !strings.Contains(o.Diagnostics[0].Error()+o.Diagnostics[0].Detail, "CANNOT_DISABLE_ENCRYPTION_AT_REST") {
		t.Errorf("the outcome is %+v", o)
	}
	if r.read().Resources["project.shop.encryption_at_rest"] == nil {
		t.Error("the state has forgotten it")
	}
}

// Another key is a risk to those who use the first one, the first one to nobody.
func TestAnotherKeyIsARisk(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(encrypted("AWS", "key", "role"))
	risky := func() bool {
		return slices.ContainsFunc(find(t, r.plan(plan.Options{}), "project.shop.encryption_at_rest").Risks, func(n plan.RiskNote) bool { return n.Risk == schema.Downtime })
	}
	if risky() {
		t.Error("the first key is said to cost downtime")
	}
	r.converge()
	r.edit("main.hcl", `"one"`, `"two"`)
	if !risky() {
		t.Error("another key is not said to cost downtime")
	}
	r.converge()
	r.change(sandbox.Encryption, "shop", "", map[string]any{"awsKms": map[string]any{"enabled": false, "valid": false}})
	if p := r.plan(plan.Options{}); len(p.Drift) != 1 {
		t.Errorf("drift: %+v", p.Drift)
	}
	r.converge()
	if kms := r.live(sandbox.Encryption, "shop", "")["awsKms"].(map[string]any); kms["customerMasterKeyID"] != "two" {
		t.Errorf("undone, it is %v", kms)
	}
}

// TestRule_R14_AKeyManagementIsSentWithItsSecret changes what is beside a secret, with and without it in the file.
func TestRule_R14_AKeyManagementIsSentWithItsSecret(t *testing.T) {
	vault := func(name, more string) string {
		return `project "shop" {
  encryption_at_rest {
    azure_key_vault = {
      enabled             = true
      subscription_id     = "6f0bd6a8-6ff4-4dd4-8b4e-8d5e6f3c1f0a"
      resource_group_name = "keys"
      key_vault_name      = "` + name + `"
      key_identifier      = "https://keys.vault.azure.net/keys/disks/1"
      tenant_id           = "0b6b7a55-3c0f-4f0e-9c39-3a5ad2a3a7b1"
      client_id           = "9f2deb0d-be22-4524-a403-df531868bac0"
      ` + more + `
    }
    enabled_for_search_nodes = true
  }
}
`
	}
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true})
	r.env["SECRET"] = "first-canary"
	r.write(vault("one", "")) // Atlas would refuse it half-way
	if codes := codes(r.plan(plan.Options{}).Diagnostics); !slices.Contains(codes, "secret_needed") && !slices.Contains(codes, "argument_missing") {
		t.Errorf("without a secret: %v", codes)
	}
	r.write(vault("one", `secret = env("SECRET")`)).converge()
	r.write(vault("two", `secret = env("SECRET")`)).converge()
	r.env["SECRET"] = "second-canary"
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupEncryptionAtRest")
	r.write(vault("two", "")).converge() // it is let go of
	r.write(vault("three", ""))
	d := finding(t, r.plan(plan.Options{}).Diagnostics, "secret_needed")
	says(t, d.Summary+d.Detail, "azure_key_vault.secret", "all of azure_key_vault")
	r.write(vault("three", `secret = env("SECRET")`)).converge()

	// A setting beside the key managements touches none of them.
	r.write(strings.Replace(vault("three", ""), "nodes = true", "nodes = false", 1)).converge()
}
