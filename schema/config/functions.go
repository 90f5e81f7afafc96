package config

import (
	"slices"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Function is a function of the language, for the documentation.
type Function struct {
	Name, Group, Description string
}

// Absent returns functions that people know from elsewhere and that are not offered on purpose; each one's
// description says why, and what to use instead.
func Absent() []Function { return slices.Clone(absent) }

const (
	sameInputs = "A plan is the same for the same inputs: "
	ownFolder  = "Files are named relative to the configuration's folder, outside of which nothing can be read."
	noHints    = "It tells a plan more about values that are not known yet; resources say so themselves here. Leave it out, or check with a precondition."
)

var absent = []Function{
	{"timestamp", "time", sameInputs + "plantimestamp() gives the one time of the run."},
	{"uuid", "hashes", sameInputs + "use uuidv5(namespace, name)."},
	{"bcrypt", "hashes", "Its result differs each time, so that a plan would never be empty; use sha256 or a value from outside."},
	{"rsadecrypt", "hashes", "It serves the passwords of machines, with a padding that is no longer safe; decrypt outside and pass the value by env(NAME)."},
	{"abspath", "files", ownFolder},
	{"pathexpand", "files", ownFolder},
	{"ephemeralasnull", "types", "There are no ephemeral values: what is sensitive is never stored in clear. Leave it out."},
	{"list", "collections", "Write [a, b]."},
	{"map", "collections", "Write { key = value }."},
	{"assumeequal", "types", noHints},
	{"assumenotnull", "types", noHints},
	{"assumestringprefix", "types", noHints},
	{"assumelistlength", "types", noHints},
	{"assumelistlengthmin", "types", noHints},
	{"assumelistlengthmax", "types", noHints},
	{"assumesetlength", "types", noHints},
	{"assumesetlengthmin", "types", noHints},
	{"assumesetlengthmax", "types", noHints},
	{"assumemaplength", "types", noHints},
	{"assumemaplengthmin", "types", noHints},
	{"assumemaplengthmax", "types", noHints},
}

// Functions returns the functions of the language, by group.
func Functions() []Function {
	set := newFunctions("", Options{})
	out := make([]Function, len(set.list))
	for i, f := range set.list {
		out[i] = f.Function
	}
	return out
}

// functionSet holds the functions, with those that read files confined to a folder.
type functionSet struct {
	list  []namedFunction
	table map[string]function.Function
}

type namedFunction struct {
	Function
	impl function.Function
}

func newFunctions(folder string, options Options) functionSet {
	files := fileFunctions{folder: folder}
	list := slices.Concat(numberFunctions(), textFunctions(), collectionFunctions(), encodingFunctions(),
		files.functions(), hashFunctions(), timeFunctions(options.Now), addressFunctions(), typeFunctions(), environmentFunctions(options.Environ))
	set := functionSet{table: make(map[string]function.Function, len(list)+2)}
	for _, f := range list {
		set.table[f.Name] = f.impl
	}
	// A template sees every function but those that read templates, which could go on for ever.
	inner := make(map[string]function.Function, len(list))
	for name, f := range set.table {
		inner[name] = f
	}
	templates := []namedFunction{
		fn("templatefile", "files", "Renders a template file of the configuration's folder with the given variables.", files.template(inner)),
		fn("templatestring", "text", "Renders a template text with the given variables.", templateString(inner)),
	}
	for _, f := range templates {
		set.table[f.Name] = f.impl
	}
	set.list = append(list, templates...)
	return set
}

func fn(name, group, description string, impl function.Function) namedFunction {
	return namedFunction{Function{name, group, description}, impl}
}

func numberFunctions() []namedFunction {
	const g = "numbers"
	return []namedFunction{
		fn("abs", g, "The number without its sign.", stdlib.AbsoluteFunc),
		fn("ceil", g, "The nearest whole number that is not smaller.", stdlib.CeilFunc),
		fn("floor", g, "The nearest whole number that is not larger.", stdlib.FloorFunc),
		fn("log", g, "The logarithm of a number to a base.", stdlib.LogFunc),
		fn("max", g, "The largest of the numbers.", stdlib.MaxFunc),
		fn("min", g, "The smallest of the numbers.", stdlib.MinFunc),
		fn("parseint", g, "Reads a whole number that is written in a base from 2 to 62.", stdlib.ParseIntFunc),
		fn("pow", g, "A number to the power of another.", stdlib.PowFunc),
		fn("signum", g, "-1, 0 or 1: the sign of the number.", stdlib.SignumFunc),
		fn("sum", g, "The sum of a list's numbers.", sumFunc),
	}
}

func textFunctions() []namedFunction {
	const g = "text"
	return []namedFunction{
		fn("chomp", g, "The text without newlines at its end.", stdlib.ChompFunc),
		fn("endswith", g, "Whether a text ends with another.", textTest(hasSuffix)),
		fn("format", g, "Fills values into a text with verbs such as %s, %d and %q.", stdlib.FormatFunc),
		fn("formatlist", g, "format for each element of the lists.", stdlib.FormatListFunc),
		fn("indent", g, "Puts spaces before every line but the first.", indentFunc),
		fn("join", g, "Joins a list's texts with a separator between them.", stdlib.JoinFunc),
		fn("lower", g, "The text in small letters.", stdlib.LowerFunc),
		fn("regex", g, "The first match of a regular expression; its groups as a list or an object.", stdlib.RegexFunc),
		fn("regexall", g, "All matches of a regular expression.", stdlib.RegexAllFunc),
		fn("replace", g, "Replaces every occurrence of a text, or of a regular expression between slashes.", replaceFunc),
		fn("split", g, "Divides a text at a separator into a list.", stdlib.SplitFunc),
		fn("startswith", g, "Whether a text starts with another.", textTest(hasPrefix)),
		fn("strcontains", g, "Whether a text contains another.", textTest(contains)),
		fn("strrev", g, "The text backwards.", stdlib.ReverseFunc),
		fn("substr", g, "A part of a text by offset and length.", stdlib.SubstrFunc),
		fn("title", g, "The text with each word's first letter as a capital.", stdlib.TitleFunc),
		fn("trim", g, "The text without the given characters at both ends.", stdlib.TrimFunc),
		fn("trimprefix", g, "The text without a prefix.", stdlib.TrimPrefixFunc),
		fn("trimspace", g, "The text without white space at both ends.", stdlib.TrimSpaceFunc),
		fn("trimsuffix", g, "The text without a suffix.", stdlib.TrimSuffixFunc),
		fn("upper", g, "The text in capitals.", stdlib.UpperFunc),
	}
}

func collectionFunctions() []namedFunction {
	const g = "collections"
	return []namedFunction{
		fn("alltrue", g, "Whether every element is true.", truthOf(true)),
		fn("anytrue", g, "Whether at least one element is true.", truthOf(false)),
		fn("chunklist", g, "Divides a list into lists of a length.", stdlib.ChunklistFunc),
		fn("coalesce", g, "The first argument that is neither null nor an empty text.", coalesceFunc),
		fn("coalescelist", g, "The first list that is not empty.", stdlib.CoalesceListFunc),
		fn("compact", g, "The list of texts without empty ones and nulls.", stdlib.CompactFunc),
		fn("concat", g, "The elements of several lists in one.", stdlib.ConcatFunc),
		fn("contains", g, "Whether a list or set has an element.", stdlib.ContainsFunc),
		fn("distinct", g, "The list without repetitions.", stdlib.DistinctFunc),
		fn("element", g, "The element at an index, counted round.", stdlib.ElementFunc),
		fn("flatten", g, "The elements of lists inside lists in one list.", stdlib.FlattenFunc),
		fn("index", g, "The index of a value in a list.", indexFunc),
		fn("keys", g, "The keys of a map, sorted.", stdlib.KeysFunc),
		fn("length", g, "The number of elements, or of a text's characters.", lengthFunc),
		fn("lookup", g, "The value of a key in a map, or else a default.", lookupFunc),
		fn("matchkeys", g, "The elements of a list whose counterparts in a second list are in a third.", matchkeysFunc),
		fn("merge", g, "The entries of several maps in one; later ones win.", stdlib.MergeFunc),
		fn("one", g, "The only element of a list or set, or null where it is empty.", oneFunc),
		fn("range", g, "A list of numbers from a start up to a limit.", stdlib.RangeFunc),
		fn("reverse", g, "The list backwards.", stdlib.ReverseListFunc),
		fn("setintersection", g, "The elements that all sets have.", stdlib.SetIntersectionFunc),
		fn("setproduct", g, "Every combination of the sets' elements.", setProductFunc),
		fn("setsubtract", g, "The first set's elements that the second lacks.", stdlib.SetSubtractFunc),
		fn("setunion", g, "The elements that any of the sets has.", stdlib.SetUnionFunc),
		fn("slice", g, "The elements from one index up to another.", stdlib.SliceFunc),
		fn("sort", g, "The list of texts in order.", stdlib.SortFunc),
		fn("transpose", g, "A map of lists of texts with keys and elements exchanged.", transposeFunc),
		fn("values", g, "The values of a map in the order of its keys.", stdlib.ValuesFunc),
		fn("zipmap", g, "A map made of a list of keys and a list of values.", stdlib.ZipmapFunc),
	}
}

func encodingFunctions() []namedFunction {
	const g = "encoding"
	return []namedFunction{
		fn("base64decode", g, "The text that a Base64 text stands for.", textFunc(base64Decode)),
		fn("base64encode", g, "The text in Base64.", textFunc(base64Encode)),
		fn("base64gzip", g, "The text compressed with gzip, in Base64.", textFunc(base64Gzip)),
		fn("base64gunzip", g, "The text that was compressed with gzip and written in Base64.", textFunc(base64Gunzip)),
		fn("csvdecode", g, "A list of objects from CSV with a header line.", stdlib.CSVDecodeFunc),
		fn("jsondecode", g, "The value that a JSON text stands for.", guarded(stdlib.JSONDecodeFunc)),
		fn("jsonencode", g, "The value as JSON.", stdlib.JSONEncodeFunc),
		fn("textdecodebase64", g, "The text that Base64 in a character encoding stands for.", textDecodeFunc),
		fn("textencodebase64", g, "The text in a character encoding, in Base64.", textEncodeFunc),
		fn("urldecode", g, "The text without the escapes of a URL.", textFunc(urlDecode)),
		fn("urlencode", g, "The text with the escapes of a URL's query.", textFunc(urlEncode)),
		fn("yamldecode", g, "The value that a YAML text stands for.", guarded(yamlDecodeFunc)),
		fn("yamlencode", g, "The value as YAML.", ctyyaml.YAMLEncodeFunc),
	}
}

func typeFunctions() []namedFunction {
	const g = "types"
	return []namedFunction{
		fn("can", g, "Whether an expression can be evaluated without an error.", canFunc),
		fn("convert", g, "The value as a type that is written as a variable's type is.", convertFunc),
		fn("issensitive", g, "Whether a value is sensitive.", isSensitiveFunc),
		fn("nonsensitive", g, "The value, no longer sensitive: for what is no secret after all.", nonsensitiveFunc),
		fn("sensitive", g, "The value, never shown and never stored in clear.", sensitiveFunc),
		fn("tobool", g, "The value as a truth value.", stdlib.MakeToFunc(cty.Bool)),
		fn("tolist", g, "The value as a list.", stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType))),
		fn("tomap", g, "The value as a map.", stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType))),
		fn("tonumber", g, "The value as a number.", stdlib.MakeToFunc(cty.Number)),
		fn("toset", g, "The value as a set, without order and repetitions.", stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType))),
		fn("tostring", g, "The value as a text.", stdlib.MakeToFunc(cty.String)),
		fn("try", g, "The first of the expressions that can be evaluated without an error.", tryFunc),
		fn("type", g, "The type of a value, as a variable's type is written.", typeFunc),
	}
}
