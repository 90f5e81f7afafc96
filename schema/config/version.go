package config

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// constraint is a required_version: every part must hold.
type constraint []versionRule

type versionRule struct{ operator, version string }

var versionOperators = []string{"~>", ">=", "<=", "!=", ">", "<", "="}

// parseConstraint reads ">= 0.1, < 2" and "~> 1.2"; a version without operator means exactly that one.
func parseConstraint(text string) (constraint, error) {
	var out constraint
	for part := range strings.SplitSeq(text, ",") {
		rule := versionRule{operator: "="}
		part = strings.TrimSpace(part)
		for _, op := range versionOperators {
			if rest, ok := strings.CutPrefix(part, op); ok {
				rule.operator, part = op, strings.TrimSpace(rest)
				break
			}
		}
		rule.version = "v" + strings.TrimPrefix(part, "v")
		if !semver.IsValid(rule.version) {
			return nil, fmt.Errorf("%q is not a version; write for example \">= 0.1, < 2\" or \"~> 1.2\"", part)
		}
		out = append(out, rule)
	}
	return out, nil
}

// allows reports whether every rule accepts the version. A pre-release counts as the version that it leads to.
func (c constraint) allows(version string) (bool, error) {
	v := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(v) {
		return false, fmt.Errorf("%q is not a version", version)
	}
	v = strings.TrimSuffix(strings.TrimSuffix(semver.Canonical(v), semver.Build(v)), semver.Prerelease(v))
	for _, r := range c {
		if !r.allows(v) {
			return false, nil
		}
	}
	return true, nil
}

func (r versionRule) allows(v string) bool {
	order := semver.Compare(v, r.version)
	switch r.operator {
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	case "!=":
		return order != 0
	case "~>":
		return order >= 0 && r.sameSeries(v)
	default:
		return order == 0
	}
}

// sameSeries reports whether all but the last written part of the rule's version agree: ~> 1.2 allows 1.9 and
// not 2.0, ~> 1.2.3 allows 1.2.9 and not 1.3.
func (r versionRule) sameSeries(v string) bool {
	if strings.Count(r.version, ".") >= 2 {
		return semver.MajorMinor(v) == semver.MajorMinor(r.version)
	}
	return semver.Major(v) == semver.Major(r.version)
}
