package kinds_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
)

// Atlas answers the roles of a key in one list; ours are by place.
func TestRolesOfAKeyAreReadByPlace(t *testing.T) {
	k := catalog(t).Kind("api_key")
	for _, tc := range []struct{ answer, file string }{
		{`{"roles": [{"orgId": "o", "roleName": "ORG_MEMBER"}, {"groupId": "b", "roleName": "GROUP_OWNER"}, {"groupId": "a", "roleName": "GROUP_OWNER"},
			{"groupId": "b", "roleName": "GROUP_READ_ONLY"}, {"orgId": "o", "roleName": "ORG_READ_ONLY"}]}`,
			`{"roles": ["ORG_READ_ONLY", "ORG_MEMBER"], "projects": [{"project_id": "a", "roles": ["GROUP_OWNER"]},
			{"project_id": "b", "roles": ["GROUP_READ_ONLY", "GROUP_OWNER"]}]}`},
		{`{"roles": [{"orgId": "o", "roleName": "ORG_MEMBER"}]}`, `{"roles": ["ORG_MEMBER"], "projects": []}`},
		{`{"roles": []}`, `{"roles": [], "projects": []}`},
	} {
		var answer map[string]any
		if err := json.Unmarshal([]byte(tc.answer), &answer); err != nil {
			t.Fatal(err)
		}
		before := maps.Clone(answer)
		live, unknown := k.Answer(answer)
		if names := plan.Differs(k, decode(t, k, tc.file), live); len(names) > 0 || len(unknown) > 0 {
			t.Errorf("%s is read as %#v; %v differ, %v are unknown", tc.answer, live, names, unknown)
		}
		if !reflect.DeepEqual(answer, before) {
			t.Errorf("the answer became %v", answer)
		}
	}
}

// An address of a key's access list may be written in several ways, and is compared with what Atlas makes of it.
func TestAddressesOfAKeyHaveOneSpelling(t *testing.T) {
	k := catalog(t).Kind("api_key")
	live := decode(t, k, `{"access_list": [{"ip_address": "2001:db8::1", "cidr_block": "2001:db8::1/128"}, {"cidr_block": "10.0.0.0/8"},
		{"ip_address": "203.0.113.7", "cidr_block": "203.0.113.7/32"}]}`)
	for text, same := range map[string]bool{
		`[{"ip_address": "203.0.113.7"}, {"cidr_block": "10.0.0.0/8"}, {"ip_address": "2001:DB8:0::1"}]`:      true,
		`[{"cidr_block": "203.0.113.7/32"}, {"cidr_block": "10.0.0.0/8"}, {"cidr_block": "2001:db8::1/128"}]`: true,
		`[{"ip_address": "203.0.113.8"}, {"cidr_block": "10.0.0.0/8"}, {"ip_address": "2001:db8::1"}]`:        false,
		`[{"cidr_block": "10.0.0.0/8"}]`: false,
		`[{"cidr_block": "10.0.0.0/8"}, {"ip_address": "203.0.113.7"}, {"cidr_block": "203.0.113.7/32"}, {"ip_address": "2001:db8::1"}]`: true,
		`[]`: false,
	} {
		v, found := k.Normalize(decode(t, k, `{"access_list": `+text+`}`))
		if len(found) > 0 {
			t.Errorf("%s: %v", text, found)
		}
		if got := len(plan.Differs(k, v, live)) == 0; got != same {
			t.Errorf("%s: equal %t, want %t", text, got, same)
		}
	}
	for _, text := range []string{`"ip_address": "office"`, `"cidr_block": "10.0.0.1/8"`, `"cidr_block": "10.0.0.0/33"`, `"ip_address": "sg-0123"`} {
		if _, found := k.Normalize(decode(t, k, `{"access_list": [{`+text+`}]}`)); !found.HasErrors() {
			t.Errorf("%s is taken", text)
		}
	}
}

// An address that takes another's place is added before that one goes, so that the key is accepted throughout.
func TestAnAddressIsAddedBeforeAnotherGoes(t *testing.T) {
	k := catalog(t).Kind("api_key")
	file := decode(t, k, `{"access_list": [{"ip_address": "203.0.113.8"}]}`)
	live := decode(t, k, `{"access_list": [{"ip_address": "203.0.113.7", "cidr_block": "203.0.113.7/32"}]}`)
	part := k.Part("access_list")
	steps := plan.Members(k, part, file.GetAttr("access_list"), live.GetAttr("access_list"))
	if len(steps) != 2 || steps[0].Live != cty.NilVal || steps[1].Desired != cty.NilVal {
		t.Errorf("steps %#v", steps)
	}
}
