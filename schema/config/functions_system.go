package config

import (
	"crypto/md5"  //nolint:gosec // offered for what others compute with it
	"crypto/sha1" //nolint:gosec // offered for what others compute with it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/apparentlymart/go-cidr/cidr"
	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/gocty"

	"mercator/schema"
)

// fileFunctions read files, and nothing outside of the configuration's folder: neither an absolute path, nor a
// way out by "..", nor a symbolic link leads there.
type fileFunctions struct{ folder string }

func (f fileFunctions) functions() []namedFunction {
	const g = "files"
	out := []namedFunction{
		fn("basename", g, "The last part of a path.", textFunc(func(p string) (string, error) { return path.Base(filepath.ToSlash(p)), nil })),
		fn("dirname", g, "A path without its last part.", textFunc(func(p string) (string, error) { return path.Dir(filepath.ToSlash(p)), nil })),
		fn("file", g, "The text of a file in the configuration's folder.", textFunc(f.text)),
		fn("filebase64", g, "The bytes of a file in the configuration's folder, in Base64.", textFunc(f.base64)),
		fn("fileexists", g, "Whether there is a file of that name in the configuration's folder.", f.exists()),
		fn("fileset", g, "The files below a folder whose names fit a pattern with *, ** and ?.", f.set()),
	}
	for _, h := range hashes {
		out = append(out, fn("file"+h.name, g, "The "+h.title+" of a file in the configuration's folder.", textFunc(func(name string) (string, error) {
			raw, err := f.bytes(name)
			return h.of(raw), err
		})))
	}
	return out
}

func (f fileFunctions) bytes(name string) ([]byte, error) {
	folder, err := os.OpenRoot(f.folder)
	if err != nil {
		return nil, errNoFolder
	}
	defer folder.Close() //nolint:errcheck // it was only read
	file, err := folder.Open(filepath.Clean(name))
	if err != nil {
		return nil, fileError(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fileError(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no ordinary file")
	case info.Size() > MaxFile:
		return nil, fmt.Errorf("the file has %d bytes, and at most %d are read", info.Size(), MaxFile)
	}
	raw, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, fileError(err)
	}
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("the file has more than %d bytes", MaxFile)
	}
	return raw, nil
}

var errNoFolder = errors.New("the configuration's folder cannot be read")

// fileError says why a file cannot be read without naming it, since its name may be computed from a secret.
func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file in the configuration's folder")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("the file may not be read")
	default:
		return errors.New("the path leads out of the configuration's folder, or the file cannot be read")
	}
}

func (f fileFunctions) text(name string) (string, error) {
	raw, err := f.bytes(name)
	if err == nil && !utf8.Valid(raw) {
		err = errors.New("the file is not a text in UTF-8; filebase64 reads any file")
	}
	return string(raw), err
}

func (f fileFunctions) base64(name string) (string, error) {
	raw, err := f.bytes(name)
	return base64.StdEncoding.EncodeToString(raw), err
}

func (f fileFunctions) exists() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("path")},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			folder, err := os.OpenRoot(f.folder)
			if err != nil {
				return cty.UnknownVal(cty.Bool), errNoFolder
			}
			defer folder.Close() //nolint:errcheck // it was only read
			info, err := folder.Stat(filepath.Clean(args[0].AsString()))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return cty.UnknownVal(cty.Bool), fileError(err)
			}
			return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
		},
	})
}

func (f fileFunctions) set() function.Function {
	ty := cty.Set(cty.String)
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("folder"), textParam("pattern")},
		Type:   function.StaticReturnType(ty),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			folder, err := os.OpenRoot(f.folder)
			if err != nil {
				return cty.UnknownVal(ty), errNoFolder
			}
			defer folder.Close() //nolint:errcheck // it was only read
			below, err := fs.Sub(folder.FS(), path.Clean(filepath.ToSlash(args[0].AsString())))
			if err != nil {
				return cty.UnknownVal(ty), fileError(err)
			}
			names, err := doublestar.Glob(below, args[1].AsString(), doublestar.WithFilesOnly())
			if err != nil {
				return cty.UnknownVal(ty), errors.New("the pattern is not valid")
			}
			if len(names) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			values := make([]cty.Value, len(names))
			for i, n := range names {
				values[i] = cty.StringVal(n)
			}
			return cty.SetVal(values), nil
		},
	})
}

func (f fileFunctions) template(functions map[string]function.Function) function.Function {
	return templateFunction("path", functions, func(name string) (string, string, error) {
		text, err := f.text(name)
		return name, text, err
	})
}

// hashKind is a hash that is offered for texts and for files.
type hashKind struct {
	name, title string
	new         func() hash.Hash
	base64      bool
}

var hashes = []hashKind{
	{"md5", "MD5 hash in hexadecimal digits", md5.New, false},
	{"sha1", "SHA-1 hash in hexadecimal digits", sha1.New, false},
	{"sha256", "SHA-256 hash in hexadecimal digits", sha256.New, false},
	{"sha512", "SHA-512 hash in hexadecimal digits", sha512.New, false},
	{"base64sha256", "SHA-256 hash in Base64", sha256.New, true},
	{"base64sha512", "SHA-512 hash in Base64", sha512.New, true},
}

func (h hashKind) of(raw []byte) string {
	sum := h.new()
	sum.Write(raw)
	if h.base64 {
		return base64.StdEncoding.EncodeToString(sum.Sum(nil))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func hashFunctions() []namedFunction {
	const g = "hashes"
	var out []namedFunction
	for _, h := range hashes {
		out = append(out, fn(h.name, g, "The "+h.title+" of a text.", textFunc(func(text string) (string, error) {
			return h.of([]byte(text)), nil
		})))
	}
	return append(out, fn("uuidv5", g, "The UUID (version 5) of a name in a namespace: dns, url, oid, x500 or a UUID.", uuidFunc))
}

var uuidFunc = function.New(&function.Spec{
	Params: []function.Parameter{textParam("namespace"), textParam("name")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		named := map[string]uuid.UUID{
			"dns": uuid.NameSpaceDNS, "url": uuid.NameSpaceURL, "oid": uuid.NameSpaceOID, "x500": uuid.NameSpaceX500,
		}
		space, ok := named[args[0].AsString()]
		if !ok {
			var err error
			if space, err = uuid.Parse(args[0].AsString()); err != nil {
				return cty.UnknownVal(cty.String), errors.New("the namespace is dns, url, oid, x500 or a UUID")
			}
		}
		return cty.StringVal(uuid.NewSHA1(space, []byte(args[1].AsString())).String()), nil
	},
})

func timeFunctions(now time.Time) []namedFunction {
	const g = "time"
	return []namedFunction{
		fn("formatdate", g, "A time in a form such as \"YYYY-MM-DD hh:mm\".", stdlib.FormatDateFunc),
		fn("plantimestamp", g, "The one time of the run, in RFC 3339.", function.New(&function.Spec{
			Type: function.StaticReturnType(cty.String),
			Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
				return cty.StringVal(now.UTC().Format(time.RFC3339)), nil
			},
		})),
		fn("timeadd", g, "A time plus a duration such as \"72h\" or \"-30m\".", stdlib.TimeAddFunc),
		fn("timecmp", g, "-1, 0 or 1: how a time compares with another.", function.New(&function.Spec{
			Params: []function.Parameter{textParam("a"), textParam("b")},
			Type:   function.StaticReturnType(cty.Number),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				a, errA := schema.Instant(args[0].AsString())
				b, errB := schema.Instant(args[1].AsString())
				if errA != nil || errB != nil {
					return cty.UnknownVal(cty.Number), errors.New("both arguments are times in RFC 3339")
				}
				return cty.NumberIntVal(int64(a.Compare(b))), nil
			},
		})),
	}
}

func environmentFunctions(lookup func(string) (string, bool)) []namedFunction {
	return []namedFunction{fn("env", "environment",
		"The value of an environment variable, which is sensitive; the second argument is the default of one that is not set.",
		function.New(&function.Spec{
			Params:   []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true, AllowUnknown: true}},
			VarParam: &function.Parameter{Name: "default", Type: cty.String, AllowNull: true},
			Type: func(args []cty.Value) (cty.Type, error) {
				if len(args) > 2 {
					return cty.String, &functionError{code: codeInvalidCall, public: true,
						summary: "Too many function arguments", detail: "env takes a name and at most one default."}
				}
				return cty.String, nil
			},
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return environment(lookup, args) },
		}))}
}

func environment(lookup func(string) (string, bool), args []cty.Value) (cty.Value, error) {
	name, marks := args[0].Unmark()
	if !name.IsKnown() {
		return cty.UnknownVal(cty.String).WithMarks(marks).Mark(schema.Sensitive), nil
	}
	if text, ok := lookup(name.AsString()); ok {
		return cty.StringVal(text).WithMarks(marks).Mark(schema.Sensitive), nil
	}
	if len(args) == 2 {
		return args[1].WithMarks(marks).Mark(schema.Sensitive), nil
	}
	shown := name.AsString()
	if _, secret := marks[schema.Sensitive]; secret {
		shown = "NAME"
	}
	return cty.UnknownVal(cty.String), &functionError{code: codeEnvNotSet, public: true,
		summary: "An environment variable is not set",
		detail:  fmt.Sprintf("%s is not in the environment. Set it, or give a default: env(%q, \"...\").", shown, shown)}
}

func addressFunctions() []namedFunction {
	const g = "addresses"
	return []namedFunction{
		fn("cidrcontains", g, "Whether a network contains an address or a network.", cidrContainsFunc),
		fn("cidrhost", g, "The address of a host by its number in a network.", cidrHostFunc),
		fn("cidrnetmask", g, "The mask of an IPv4 network.", textFunc(cidrNetmask)),
		fn("cidrsubnet", g, "A network inside a network, by additional bits and number.", cidrSubnetFunc),
		fn("cidrsubnets", g, "Consecutive networks inside a network, by their additional bits.", cidrSubnetsFunc),
	}
}

func network(v cty.Value) (*net.IPNet, error) {
	_, n, err := net.ParseCIDR(v.AsString())
	if err != nil {
		return nil, errors.New("a network is written like 10.0.0.0/16")
	}
	return n, nil
}

func cidrNetmask(text string) (string, error) {
	n, err := network(cty.StringVal(text))
	if err != nil {
		return "", err
	}
	if n.IP.To4() == nil {
		return "", errors.New("only IPv4 networks have a mask of this form")
	}
	return net.IP(n.Mask).String(), nil
}

var cidrContainsFunc = function.New(&function.Spec{
	Params: []function.Parameter{textParam("network"), textParam("inner")},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		outer, err := netip.ParsePrefix(args[0].AsString())
		if err != nil {
			return cty.UnknownVal(cty.Bool), errors.New("a network is written like 10.0.0.0/16")
		}
		inner, err := netip.ParsePrefix(args[1].AsString())
		if addr, wrong := netip.ParseAddr(args[1].AsString()); wrong == nil {
			inner, err = addr.Prefix(addr.BitLen())
		}
		switch {
		case err != nil:
			return cty.UnknownVal(cty.Bool), errors.New("the second argument is an address or a network")
		case inner.Addr().BitLen() != outer.Addr().BitLen():
			return cty.UnknownVal(cty.Bool), errors.New("one of the arguments is IPv4 and the other IPv6, which never contain each other")
		}
		return cty.BoolVal(inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())), nil
	},
})

var cidrHostFunc = function.New(&function.Spec{
	Params: []function.Parameter{textParam("network"), {Name: "number", Type: cty.Number}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		n, err := network(args[0])
		if err != nil {
			return cty.UnknownVal(cty.String), err
		}
		number, accuracy := args[1].AsBigFloat().Int(nil)
		if accuracy != big.Exact {
			return cty.UnknownVal(cty.String), errors.New("the number is a whole number")
		}
		ip, err := cidr.HostBig(n, number)
		if err != nil {
			return cty.UnknownVal(cty.String), errors.New("the network has no such host")
		}
		return cty.StringVal(ip.String()), nil
	},
})

var cidrSubnetFunc = function.New(&function.Spec{
	Params: []function.Parameter{textParam("network"), {Name: "bits", Type: cty.Number}, {Name: "number", Type: cty.Number}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		n, err := network(args[0])
		if err != nil {
			return cty.UnknownVal(cty.String), err
		}
		var bits int
		if err := gocty.FromCtyValue(args[1], &bits); err != nil || bits < 0 || bits > 128 {
			return cty.UnknownVal(cty.String), errors.New("the additional bits are a whole number from 0")
		}
		number, accuracy := args[2].AsBigFloat().Int(nil)
		if accuracy != big.Exact {
			return cty.UnknownVal(cty.String), errors.New("the number is a whole number")
		}
		sub, err := cidr.SubnetBig(n, bits, number)
		if err != nil {
			return cty.UnknownVal(cty.String), errors.New("the network has no such part")
		}
		return cty.StringVal(sub.String()), nil
	},
})

var cidrSubnetsFunc = function.New(&function.Spec{
	Params:   []function.Parameter{textParam("network")},
	VarParam: &function.Parameter{Name: "bits", Type: cty.Number},
	Type:     function.StaticReturnType(cty.List(cty.String)),
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		n, err := network(args[0])
		if err != nil {
			return cty.UnknownVal(ty), err
		}
		if len(args) == 1 {
			return cty.ListValEmpty(cty.String), nil
		}
		start, size := n.Mask.Size()
		var out []cty.Value
		var current *net.IPNet
		for _, arg := range args[1:] {
			var bits int
			if err := gocty.FromCtyValue(arg, &bits); err != nil || bits < 1 || bits > math.MaxInt16 || start+bits > size {
				return cty.UnknownVal(ty), errors.New("the additional bits are whole numbers from 1 that the network has room for")
			}
			current, err = nextSubnet(n, current, start+bits)
			if err != nil {
				return cty.UnknownVal(ty), err
			}
			out = append(out, cty.StringVal(current.String()))
		}
		return cty.ListVal(out), nil
	},
})

// nextSubnet returns the first network of that length after current inside n.
func nextSubnet(n, current *net.IPNet, length int) (*net.IPNet, error) {
	if current == nil {
		_, size := n.Mask.Size()
		return &net.IPNet{IP: n.IP, Mask: net.CIDRMask(length, size)}, nil
	}
	next, rollover := cidr.NextSubnet(current, length)
	if rollover || !n.Contains(next.IP) {
		return nil, errors.New("the network has no room for so many parts")
	}
	return next, nil
}
