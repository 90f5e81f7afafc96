package sandbox

import (
	"net/url"
	"slices"
	"strings"
)

// operation is one operation of the API.
type operation struct {
	id       string // as in the specification
	method   string
	path     string
	versions []version
	limits   string // endpoint set of its rate limit
	body     *rule
	serve    func(*Server, *call) *apiError
}

// mutating reports whether the operation changes anything.
func (op *operation) mutating() bool { return op.method != "GET" }

// router finds operations by method and path.
type router struct{ operations []*operation }

// newRouter sorts the operations so that a fixed segment is tried before a parameter ("{" sorts last), and a verb after
// a parameter ("{teamId}:addUser") before the parameter alone.
func newRouter(groups ...[]*operation) router {
	r := router{slices.Concat(groups...)}
	slices.SortStableFunc(r.operations, func(a, b *operation) int {
		return strings.Compare(strings.ReplaceAll(a.path, "}:", "!"), strings.ReplaceAll(b.path, "}:", "!"))
	})
	return r
}

// find returns the operation of a request and the values of its path parameters. A parameter may hold
// an encoded slash.
func (r router) find(method, escapedPath string) (*operation, map[string]string) {
	segments := strings.Split(strings.TrimSuffix(escapedPath, "/"), "/")
	for _, op := range r.operations {
		if op.method != method {
			continue
		}
		if params, ok := matchPath(op.path, segments); ok {
			return op, params
		}
	}
	return nil, nil
}

func matchPath(pattern string, segments []string) (map[string]string, bool) {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, part := range parts {
		value, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		if !strings.HasPrefix(part, "{") {
			if part != value {
				return nil, false
			}
			continue
		}
		name, verb, _ := strings.Cut(part[1:], "}")
		if value, ok := strings.CutSuffix(value, verb); ok && value != "" {
			params[name] = value
		} else {
			return nil, false
		}
	}
	return params, true
}

// allOperations returns the operations of every area.
func allOperations() router {
	return newRouter(orgOperations, projectOperations, limitOperations, userOperations, roleOperations, accessOperations,
		alertOperations, clusterOperations, containerOperations, windowOperations, auditOperations,
		scheduleOperations, snapshotOperations, flexOperations, upgradeOperations, keyOperations, accountOperations, emptyOperations,
		orgUserOperations, teamOperations,
		identityOperations,
		raisedOperations, validateOperations,
		integrationOperations, searchOperations, peerOperations, privateOperations,
		cloudRoleOperations, encryptionOperations)
}
