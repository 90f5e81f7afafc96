package workflow_test

import (
	"testing"

	"mercator/provider/sandbox"
)

// What is written key by key takes several calls, each of which builds on the one before.
func TestSeveralKeysOfOnePartChangeAtOnce(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`project "p" {
  limits = {
    "atlas.project.deployment.clusters"           = 10
    "atlas.project.security.databaseAccess.users" = 80
  }
}`)
	r.converge()
	r.edit("main.hcl", "10", "11")
	r.edit("main.hcl", "80", "81")
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "setGroupLimit", "setGroupLimit")
}
