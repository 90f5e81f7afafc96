#!/bin/sh
# policy.sh PLAN.json POLICIES: holds a plan against the Rego policies in a folder, with Open Policy Agent. It prints what
# they forbid and ends with 1 if that is anything.
set -eu
plan=$1
policies=$2

if found=$(opa eval --fail-defined --format raw --data "$policies" --input "$plan" 'data.mercator.deny[_]'); then
  echo "The plan breaks no policy."
  exit 0
fi
printf '%s\n' "$found" >&2
exit 1
