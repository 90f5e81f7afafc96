#!/bin/sh
# atlantis.sh plan|apply: the steps of a custom workflow. Atlantis runs them in the project's folder, tells in PLANFILE where
# the plan belongs, and shows what they print in the pull request.
set -eu
: "${PLANFILE:?}"

case $1 in
plan)
  # shellcheck disable=SC2086 # several flags
  exec mercator plan ${MERCATOR_FLAGS:-} --no-color --out "$PLANFILE"
  ;;
apply)
  exec "$(dirname "$0")/apply.sh" "$PLANFILE"
  ;;
*)
  echo "atlantis.sh: $1 is neither plan nor apply" >&2
  exit 1
  ;;
esac
