package workflow_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mercator/provider/sandbox"
	"mercator/schema"
)

// lawManagement is what a key management of the law needs when it is on: what else is in it, and by what it is reached.
type lawManagement struct {
	argument, provider, role string
	needs                    lawObject
	beside, secret           string
}

var lawManagements = []lawManagement{
	{"aws_kms", "AWS", "5e2211c17a3e5a48f5497de1", lawObject{"customer_master_key_id": "one", "region": "EU_WEST_1"}, "access_key_id", "secret_access_key"},
	{"azure_key_vault", "AZURE", "5e2211c17a3e5a48f5497de2", lawObject{"key_identifier": "one", "key_vault_name": "one", "resource_group_name": "one",
		"subscription_id": lawUUIDs[0], "tenant_id": lawUUIDs[1]}, "client_id", "secret"},
	{"google_cloud_kms", "GCP", "5e2211c17a3e5a48f5497de3", lawObject{"key_version_resource_id": "one"}, "key_version_resource_id", "service_account_key"},
}

func init() {
	maps.Copy(lawValues, map[string]func(g *lawGen, old any) any{
		"encryption_at_rest.aws_kms.region":        func(g *lawGen, old any) any { return g.other(old, "EU_WEST_1", "US_EAST_1") },
		"encryption_at_rest.aws_kms.access_key_id": func(g *lawGen, old any) any { return g.other(old, "0123456789abcdef", "fedcba9876543210") },
	})
	for _, m := range lawManagements {
		at := "encryption_at_rest." + m.argument + "."
		lawValues[at+"role_id"] = func(g *lawGen, old any) any { return g.other(old, m.role, strings.Replace(m.role, "de", "df", 1)) }
		for _, name := range []string{"subscription_id", "tenant_id", "client_id"} {
			lawValues[at+name] = func(g *lawGen, old any) any { return g.other(old, lawMapAny(lawUUIDs)...) }
		}
	}
}

// TestLawOfEncryption is the promise of the whole for key managements and a cluster that asks for one of them: whatever is
// declared one after the other, whatever is changed by hand and whichever requests fail, there is in the end what the
// files say, and Atlas was never asked to turn off what the cluster still used.
func TestLawOfEncryption(t *testing.T) {
	cases := setLawCases(t)
	cover := newLawCoverOf(func(k *schema.Kind) bool { return k.Name == "encryption_at_rest" })
	rapid.Check(t, func(rt *rapid.T) {
		c := &lawEncryption{rt: rt, g: &lawGen{t: rt, eager: 15}, r: newRig(t, sandbox.Options{NoDefaultAlerts: true, Polls: 1}), cover: cover}
		c.r.write("project \"shop\" {}").converge()
		for _, m := range lawManagements {
			for _, id := range []string{m.role, strings.Replace(m.role, "de", "df", 1)} {
				c.r.put(sandbox.CloudRole, "shop", map[string]any{"providerName": m.provider, map[bool]string{true: "_id", false: "roleId"}[m.provider == "AZURE"]: id,
					"iamAssumedRoleArn": "arn:aws:iam::123456789012:role/law"})
			}
		}
		for range 1 + c.g.n(4) {
			c.step()
		}
	})
	t.Log(cover.table())
	if missing := cover.missing(); cases >= lawFull && len(missing) > 0 {
		t.Errorf("never tried:\n%s", strings.Join(missing, "\n"))
	}
}

// lawEncryption is one sequence of configurations.
type lawEncryption struct {
	rt    *rapid.T
	g     *lawGen
	r     *rig
	cover *lawCover
	// args are those of the block, nil where there is none, and asks is the provider that the cluster asks for.
	args lawObject
	asks string
}

func (c *lawEncryption) step() {
	old := c.args
	c.draw(old)
	text := "project \"shop\" {\n"
	if c.args != nil {
		lawSecrets(c.args, c.r.env)
		text += "encryption_at_rest {\n"
		for _, name := range slices.Sorted(maps.Keys(c.args)) {
			text += name + " = " + lawWriter{}.value(c.args[name]) + "\n"
		}
		text += "}\n"
	}
	if c.asks != "" {
		text += fmt.Sprintf("cluster \"orders\" {\n provider_name = \"AWS\"\n region_name = \"EU_WEST_1\"\n instance_size = \"M10\"\n encryption_at_rest_provider = %q\n}\n", c.asks)
	}
	c.r.write(text + "}\n")
	if old != nil && c.g.chance(30) {
		c.r.change(sandbox.Encryption, "shop", "", map[string]any{"enabledForSearchNodes": c.g.chance(50)})
	}
	if c.g.chance(50) {
		fault := sandbox.Fault{Method: lawPick(c.g, "", "POST", "PATCH", "DELETE", "GET"), Path: lawPick(c.g, "/encryptionAtRest$", "/clusters", ""),
			Nth: 1 + c.g.n(6), Action: lawPick(c.g, sandbox.Lost, sandbox.Reset, sandbox.Status, sandbox.Truncate)}
		if fault.Action == sandbox.Status {
			fault.Status = 500
		}
		c.r.faults(fault)
		if _, err := c.r.open().Apply(c.rt.Context(), applyAll()); err != nil {
			c.rt.Logf("with %v: %v", fault, err)
		}
		c.r.faults()
	}
	c.r.converge()
	c.compare()
	c.cover.object(catalog.Kind("encryption_at_rest").Attributes, "encryption_at_rest", old, c.args)
}

// draw makes, changes or removes the block, and lets the cluster ask for a key management that is on. One that the
// cluster asked for so far goes with the whole block only.
func (c *lawEncryption) draw(old lawObject) {
	if old != nil && c.g.chance(15) {
		c.args, c.asks = nil, lawPick(c.g, "", "NONE")
		return
	}
	c.g.block = &lawBlock{kind: "encryption_at_rest", args: old}
	c.args = c.g.object(catalog.Kind("encryption_at_rest").Attributes, "encryption_at_rest", old)
	asks := []string{"NONE", "NONE", ""}
	for _, m := range lawManagements {
		used := c.asks == m.provider
		if was, had := old[m.argument].(lawObject); used && had && (c.args[m.argument] == nil || c.args[m.argument].(lawObject)["enabled"] != true) {
			c.args[m.argument] = lawClone(was)
		}
		if is, has := c.args[m.argument].(lawObject); has {
			was, _ := old[m.argument].(lawObject)
			m.mend(c.g, was, is)
			if is["enabled"] == true {
				asks = append(asks, m.provider, m.provider)
			}
		}
	}
	c.asks = lawPick(c.g, asks...)
}

// mend gives a key management what it needs, all of it when it is turned on.
func (m lawManagement) mend(g *lawGen, old, is lawObject) {
	attrs := catalog.Kind("encryption_at_rest").Attribute(m.argument).Nested
	g.fit(attrs, "encryption_at_rest."+m.argument, nil, is)
	if is["enabled"] != true {
		return
	}
	if old["enabled"] != true {
		for name, v := range m.needs {
			if is[name] == nil {
				is[name] = v
			}
		}
		if is["role_id"] == nil && is[m.beside] == nil {
			is[m.beside] = g.value(schema.Find(attrs, m.beside), "encryption_at_rest."+m.argument+"."+m.beside, nil)
		}
	}
	if is[m.secret] == nil && !reflect.DeepEqual(old, is) && is["role_id"] == nil {
		is[m.secret] = g.value(schema.Find(attrs, m.secret), "encryption_at_rest."+m.argument+"."+m.secret, nil)
	}
	if is[m.secret] != nil && is[m.beside] == nil && old[m.beside] == nil {
		is[m.beside] = g.value(schema.Find(attrs, m.beside), "encryption_at_rest."+m.argument+"."+m.beside, nil)
	}
}

// compare holds what is live against the block, or without one against what there is from the start.
func (c *lawEncryption) compare() {
	doc := c.r.live(sandbox.Encryption, "shop", "")
	if c.args == nil {
		for _, field := range []string{"awsKms", "azureKeyVault", "googleCloudKms"} {
			if kms := doc[field].(map[string]any); kms["enabled"] != false || len(kms) != 2 {
				c.rt.Fatalf("without a block %s is %v", field, kms)
			}
		}
	}
	if why := lawFits(catalog.Kind("encryption_at_rest").Attributes, lawPlain(c.args).(lawObject), doc, "encryption_at_rest", lawScaled{}); why != "" {
		c.rt.Fatalf("it is not as the file says: %s\n%v", why, doc)
	}
	if cluster := c.r.live(sandbox.Cluster, "shop", "orders"); (cluster != nil) != (c.asks != "") || cluster != nil && cluster["encryptionAtRestProvider"] != c.asks {
		c.rt.Fatalf("the cluster asks for %q, and is %v", c.asks, cluster)
	}
}
