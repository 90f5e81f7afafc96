#!/bin/sh
# plan.sh DIR OUT: plans the configuration in DIR and writes what reviewers and other tools read into the folder OUT:
#
#   plan.bin    the plan itself, for apply.sh        plan.md    for a comment
#   plan.json   for policies and programs            plan.xml   JUnit, for the test view
#   plan.sarif  for code scanning
#
# It ends with 0, whether there are changes or not, and with 1 after an error, which plan.md then tells. On GitHub it
# sets the output "changes". MERCATOR_ALLOW_DESTROY names an address that may be lost for good. MERCATOR_FLAGS are further
# flags; with --sandbox the recipe can be tried without an account.
set -eu
dir=$1
out=$2

mkdir -p "$out"
rm -f "$out"/plan.*
set -- --detailed-exitcode --out "$out/plan.bin" --format text --format "markdown=$out/plan.md" \
  --format "json=$out/plan.json" --format "junit=$out/plan.xml" --format "sarif=$out/plan.sarif"
if [ -n "${MERCATOR_ALLOW_DESTROY:-}" ]; then
  set -- "$@" --allow-destroy "$MERCATOR_ALLOW_DESTROY"
fi
code=0
# shellcheck disable=SC2086 # several flags
mercator plan ${MERCATOR_FLAGS:-} "$@" "$dir" 2>"$out/errors.txt" || code=$?
cat "$out/errors.txt" >&2

changes=false
case $code in
0) ;;
2) changes=true ;;
*)
  # A plan with errors has a page of its own. Without a plan the errors make one: indented, nothing in them is markup.
  if [ ! -e "$out/plan.md" ]; then
    {
      printf '### There is no plan\n\n'
      head -c 50000 "$out/errors.txt" | sed 's/^/    /'
    } >"$out/plan.md"
  fi
  exit 1
  ;;
esac
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  echo "changes=$changes" >>"$GITHUB_OUTPUT"
fi
