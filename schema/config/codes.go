package config

import "slices"

// Code is a diagnostic's stable code and what it means.
type Code struct {
	Code, Meaning string
}

// Codes returns every code that this room reports, in the order of the documentation.
func Codes() []Code { return slices.Clone(codes) }

// PostconditionFailed is the code of a postcondition that does not hold.
const PostconditionFailed = codePostcondition

// UnknownForEach is the code of a repetition that depends on what is not known yet.
const UnknownForEach = codeUnknownForEach

const (
	codeNoFiles            = "no_files"
	codeUnreadable         = "unreadable_file"
	codeTooLarge           = "too_large"
	codeTooDeep            = "too_deep"
	codeSyntax             = "syntax"
	codeUnknownBlock       = "unknown_block"
	codeMisplacedBlock     = "misplaced_block"
	codeBlockLabels        = "block_labels"
	codeInvalidLabel       = "invalid_label"
	codeInvalidName        = "invalid_name"
	codeDuplicateBlock     = "duplicate_block"
	codeDuplicateObject    = "duplicate_object"
	codeDuplicateEntry     = "duplicate_entry"
	codeDuplicateKey       = "duplicate_key"
	codeShadowed           = "shadowed"
	codeUnknownArgument    = "unknown_argument"
	codeMissingArgument    = "missing_argument"
	codeServerOwned        = "server_owned"
	codeWrongType          = "wrong_type"
	codeOutOfRange         = "out_of_range"
	codeUnknownEnum        = "unknown_enum_value"
	codeInvalidTime        = "invalid_time"
	codeExpiry             = "expiry_out_of_range"
	codeInvalidEntry       = "invalid_entry"
	codeInvalidSetting     = "invalid_setting"
	codeUnsupportedVersion = "unsupported_version"
	codeInvalidVariable    = "invalid_variable"
	codeUndeclaredVariable = "undeclared_variable"
	codeMissingVariable    = "missing_variable"
	codeVariableValue      = "invalid_variable_value"
	codeValidation         = "validation_failed"
	codeUnknownReference   = "unknown_reference"
	codeWholeKind          = "whole_kind"
	codeMissingKey         = "missing_key"
	codeNotRepeated        = "not_repeated"
	codeUnknownInstance    = "unknown_instance"
	codeNoParent           = "no_parent"
	codeUnknownAttribute   = "unknown_attribute"
	codeNotAllowedHere     = "not_allowed_here"
	codeCycle              = "cycle"
	codeInvalidExpression  = "invalid_expression"
	codeUnknownFunction    = "unknown_function"
	codeInvalidCall        = "invalid_call"
	codeEnvNotSet          = "env_not_set"
	codeForEach            = "invalid_for_each"
	codeCount              = "invalid_count"
	codeUnknownForEach     = "unknown_for_each"
	codeTooMany            = "too_many_instances"
	codeSensitiveKey       = "sensitive_key"
	codeMissingParent      = "missing_parent"
	codeInvalidParent      = "invalid_parent"
	codeUnknownConnection  = "unknown_connection"
	codeConnectionConflict = "connection_conflict"
	codeLifecycle          = "invalid_lifecycle"
	codeTimeout            = "invalid_timeout"
	codeDependsOn          = "invalid_depends_on"
	codeExclusive          = "invalid_exclusive"
	codePrecondition       = "precondition_failed"
	codePostcondition      = "postcondition_failed"
	codeSensitiveOutput    = "sensitive_output"
	codeInvalidAddress     = "invalid_address"
	codeStillDeclared      = "still_declared"
	codeImportTarget       = "import_target"
	codeModuleSource       = "invalid_source"
	codeCheckFailed        = "check_failed"
	codeCheckOpen          = "check_unknown"
	codeAdvice             = "invalid_advice"
	codeUnusedVariable     = "unused_variable"
	codeUnusedLocal        = "unused_local"
)

var codes = []Code{
	{codeNoFiles, "the folder holds no configuration"},
	{codeUnreadable, "a file or folder cannot be read"},
	{codeTooLarge, "a file is larger than what is read"},
	{codeTooDeep, "an expression or a chain of references is nested too deeply"},
	{codeSyntax, "the text is not valid HCL"},
	{codeUnknownBlock, "there is no block of that type at this place"},
	{codeMisplacedBlock, "a block stands inside another than the one that it belongs to"},
	{codeBlockLabels, "a block has too few or too many labels"},
	{codeInvalidLabel, "a label is no identifier, or is not a valid name in Atlas"},
	{codeInvalidName, "Atlas does not accept the name"},
	{codeDuplicateBlock, "two blocks have the same type and label"},
	{codeDuplicateObject, "two resources name the same object in Atlas"},
	{codeDuplicateEntry, "a map of entries names the same entry twice"},
	{codeDuplicateKey, "an object or a map names the same key twice"},
	{codeShadowed, "a nested label hides one that is visible outside (warning)"},
	{codeUnknownArgument, "there is no argument of that name"},
	{codeMissingArgument, "a required argument is not set"},
	{codeServerOwned, "an argument is set that only Atlas decides about"},
	{codeWrongType, "a value has another type than its argument"},
	{codeOutOfRange, "a number or a text is outside of its bounds"},
	{codeUnknownEnum, "a value is not among those that are known (warning)"},
	{codeInvalidTime, "a text is not a time in RFC 3339"},
	{codeExpiry, "an expiry is too far ahead"},
	{codeInvalidEntry, "the key of an entry is not in a valid form"},
	{codeInvalidSetting, "a setting of the tool, of a connection or of the state is wrong"},
	{codeUnsupportedVersion, "the configuration asks for another version of the tool"},
	{codeInvalidVariable, "the declaration of a variable is wrong"},
	{codeUndeclaredVariable, "a value is given for a variable that is not declared (a warning for a file)"},
	{codeMissingVariable, "a variable without default has no value"},
	{codeVariableValue, "the value of a variable does not have its type"},
	{codeValidation, "a variable's validation says no"},
	{codeUnknownReference, "a name refers to nothing that is declared"},
	{codeWholeKind, "a reference names a whole kind or computes a label"},
	{codeMissingKey, "a reference to a repeated block does not say which instance"},
	{codeNotRepeated, "each, count or a key is used where nothing is repeated"},
	{codeUnknownInstance, "a repeated block has no instance of that key"},
	{codeNoParent, "parent is used where there is none"},
	{codeUnknownAttribute, "a value has no attribute of that name"},
	{codeNotAllowedHere, "a name exists, and cannot be used at this place"},
	{codeCycle, "definitions depend on each other in a circle"},
	{codeInvalidExpression, "an expression cannot be computed"},
	{codeUnknownFunction, "there is no function of that name"},
	{codeInvalidCall, "a function does not accept its arguments"},
	{codeEnvNotSet, "an environment variable without default is not set"},
	{codeForEach, "for_each is not a map or a set of strings"},
	{codeCount, "count is not a whole number from 0"},
	{codeUnknownForEach, "for_each or count depends on what only Atlas can tell"},
	{codeTooMany, "the configuration has more instances than are supported"},
	{codeSensitiveKey, "a sensitive value stands where it would be shown"},
	{codeMissingParent, "a resource outside of its parent's block does not name its parent"},
	{codeInvalidParent, "the parent argument does not hold a resource of the parent's kind or an id"},
	{codeUnknownConnection, "there is no connection of that name"},
	{codeConnectionConflict, "a resource names another connection than its parent"},
	{codeLifecycle, "an argument of a lifecycle block is wrong"},
	{codeTimeout, "a time limit is not a duration"},
	{codeDependsOn, "depends_on holds something else than references to resources"},
	{codeExclusive, "exclusive names a kind that does not live in this one"},
	{codePrecondition, "a precondition does not hold"},
	{codePostcondition, "a postcondition does not hold"},
	{codeSensitiveOutput, "an output that is not marked sensitive holds a sensitive value"},
	{codeInvalidAddress, "a moved, removed or import block does not hold a valid address"},
	{codeStillDeclared, "what was moved or removed is still declared"},
	{codeImportTarget, "an import names a resource that is not declared"},
	{codeCheckFailed, "an assertion of a check does not hold (warning)"},
	{codeCheckOpen, "a check cannot be made before more is known (warning)"},
	{codeAdvice, "a level of advice, or what a block accepts, is wrong"},
	{codeUnusedVariable, "a variable is declared and not used (advice)"},
	{codeUnusedLocal, "a local value is declared and not used (advice)"},
	{codeModuleSource, "the source of a module is no folder inside of the configuration's"},
}
