package rules

import (
	"regexp"
	"strconv"
	"testing"
)

var complaintTest = regexp.MustCompile(`^TestComplaint_([0-9]{2})_[A-Z]`)

// complaints are the numbers of what users of other tools for this API complain of, as far as it touches the kinds
// and commands that are there.
func complaints() map[int]bool {
	out := map[int]bool{}
	for _, span := range [][2]int{{1, 2}, {4, 18}, {20, 22}, {28, 32}, {36, 38}, {40, 40}} {
		for n := span[0]; n <= span[1]; n++ {
			out[n] = true
		}
	}
	return out
}

// TestEveryComplaintHasATest prints the complaints without a test: none.
func TestEveryComplaintHasATest(t *testing.T) {
	open := complaints()
	_, folder := testsNamed(t, complaintTest)
	for name := range folder {
		n, err := strconv.Atoi(complaintTest.FindStringSubmatch(name)[1])
		if err != nil {
			t.Fatal(err)
		}
		delete(open, n)
	}
	for n := range open {
		t.Errorf("complaint %02d has no test", n)
	}
}
