package cli

import (
	"bytes"
	"testing"

	"mercator/cmd/mercator/internal/doctor"
)

// TestDoctorOnNarrowScreens keeps checks readable where a line holds few columns, and what they say from changing the
// terminal.
func TestDoctorOnNarrowScreens(t *testing.T) {
	report := doctor.Report{Checks: []doctor.Check{
		{Name: "lock", Status: doctor.OK, Found: "nobody holds it"},
		{Name: "roles", Connection: "emea", Status: doctor.Problem, Found: "the plan needs 1 role that the credential does not hold",
			Details: []string{"missing: Project Owner in project.shop"}, Remedy: "Give it the role.\x1b[31m"},
	}}
	for width, want := range map[int]string{
		40: `ok       lock
    nobody holds it
problem  roles (emea)
    the plan needs 1 role that the
    credential does not hold
    - missing: Project Owner in
    project.shop
    → Give it the role.�[31m

1 problem.
`,
		70: `ok       lock          nobody holds it
problem  roles (emea)  the plan needs 1 role that the credential does
                       not hold
                       - missing: Project Owner in project.shop
                       → Give it the role.�[31m

1 problem.
`,
	} {
		var b bytes.Buffer
		screen{w: &b, width: width}.report(report)
		if b.String() != want {
			t.Errorf("%d columns:\n%s\nwant:\n%s", width, b.String(), want)
		}
	}
}
