#!/bin/sh
# apply.sh PLAN: carries out a saved plan, exactly as it was made. Where the files or Atlas have changed since, nothing is
# done and it ends with 4: plan again, and have that approved. MERCATOR_FLAGS are further flags.
set -eu
plan=$1

code=0
# shellcheck disable=SC2086 # several flags
mercator apply ${MERCATOR_FLAGS:-} --lock-timeout 10m "$plan" || code=$?
case $code in
0) ;;
3) echo "Somebody else holds the lock of the state. Run this job again when they are done." >&2 ;;
4) echo "The plan is stale. Run the whole pipeline again: it makes a new plan, which has to be approved." >&2 ;;
*) echo "The next run goes on where this one ended: run the whole pipeline again." >&2 ;;
esac
exit "$code"
