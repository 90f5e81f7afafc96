package config_test

import (
	"bytes"
	"strings"
	"testing"

	"mercator/schema/config"
)

func TestFormat(t *testing.T) {
	const before = "project   \"p\"{\nname=\"x\"\n  tags={a=1,b  =2}\n\n\n  cluster \"c\" {\n size = \"M10\"\n nodes    = 3 # three\n}\n}\n"
	const after = `project "p" {
  name = "x"
  tags = { a = 1, b = 2 }


  cluster "c" {
    size  = "M10"
    nodes = 3 # three
  }
}
`
	got, diags := config.Format([]byte(before), "main.hcl")
	if len(diags) > 0 || string(got) != after {
		t.Errorf("got %v\n%s", diags, got)
	}
	again, _ := config.Format(got, "main.hcl")
	if !bytes.Equal(got, again) {
		t.Errorf("formatting twice changes it:\n%s", again)
	}
	if d := config.Diff("main.hcl", []byte(before), got); !strings.Contains(d, "-name=\"x\"\n") || !strings.Contains(d, "+  name = \"x\"\n") {
		t.Errorf("got the difference\n%s", d)
	}
	if d := config.Diff("main.hcl", got, got); d != "" {
		t.Errorf("no difference is\n%s", d)
	}
}

func TestFormatBroken(t *testing.T) {
	for src, code := range map[string]string{
		"project \"p\" {":                     "syntax",
		strings.Repeat("a {\n", 1e5):          "too_deep",
		strings.Repeat("#", config.MaxFile+1): "too_large",
	} {
		got, diags := config.Format([]byte(src), "main.hcl")
		if len(diags) == 0 || diags[0].Code != code || string(got) != src {
			t.Errorf("%.20q gives %v", src, diags)
		}
	}
}
