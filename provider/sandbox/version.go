package sandbox

import (
	"mime"
	"net/http"
	"regexp"
	"strings"
)

// version is one dated version of an operation. A version that has another body shape than the newest
// is listed without being served: it answers as a removed one does.
type version struct {
	date        string
	gone        bool
	deprecation string
	sunset      string
}

// since lists the versions of an operation that is served in all of them.
func since(dates ...string) []version {
	out := make([]version, len(dates))
	for i, d := range dates {
		out[i] = version{date: d}
	}
	return out
}

var mediaType = regexp.MustCompile(`^application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json$`)

// resolveVersion returns the version that a request asks for: the newest one that is not newer than the
// date in Accept.
func resolveVersion(op *operation, r *http.Request) (version, *apiError) {
	asked := ""
	for _, accept := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		name, _, err := mime.ParseMediaType(accept)
		if err != nil {
			continue
		}
		if m := mediaType.FindStringSubmatch(name); m != nil && m[1] > asked {
			asked = m[1]
		}
	}
	found := newestUpTo(op.versions, asked)
	if found == nil {
		return version{}, fail("INVALID_VERSION_DATE")
	}
	if found.gone {
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
		e := fail("VERSION_GONE", found.date, path)
		e.parameters = []any{found.date + " " + path}
		return version{}, e
	}
	return *found, nil
}

func newestUpTo(versions []version, date string) *version {
	var found *version
	for i := range versions {
		if versions[i].date <= date {
			found = &versions[i]
		}
	}
	return found
}

// checkContentType reports whether a body comes as JSON of a version that the operation has. The
// documentation's examples send both the dated type and plain JSON. The answer to another type was
// not recorded; 415 is what HTTP asks for.
func checkContentType(op *operation, r *http.Request) *apiError {
	name, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && name == "application/json" {
		return nil
	}
	m := mediaType.FindStringSubmatch(name)
	if err != nil || m == nil {
		return failDetail(http.StatusUnsupportedMediaType, "UNEXPECTED_ERROR", "Unsupported Media Type")
	}
	if newestUpTo(op.versions, m[1]) == nil {
		return fail("INVALID_VERSION_DATE")
	}
	return nil
}
