#!/bin/sh
# github-drift.sh DIR OUT NAME: looks for drift with drift.sh and keeps one issue about it in GITHUB_REPOSITORY: it is opened
# or brought up to date where there is drift, and closed where there is none. After an error nothing is known, so that the
# issue stays as it is. It needs the GitHub CLI with a token that may write issues.
set -eu
dir=$1
out=$2
name=$3
: "${GITHUB_REPOSITORY:?}"
label=mercator-drift
title="Drift in $name"

code=0
"$(dirname "$0")/drift.sh" "$dir" "$out" || code=$?
if [ "$code" != 0 ] && [ "$code" != 2 ]; then
  exit "$code"
fi

open=$(TITLE=$title gh issue list --repo "$GITHUB_REPOSITORY" --state open --label "$label" --limit 100 --json number,title \
  --jq '.[] | select(.title == env.TITLE) | .number')
number=$(printf '%s\n' "$open" | head -n 1)
case $code/$number in
0/) ;;
0/*) gh issue close "$number" --repo "$GITHUB_REPOSITORY" --comment "There is no drift any more." ;;
2/)
  gh label create "$label" --repo "$GITHUB_REPOSITORY" --force --description "Changed in Atlas, not in the files"
  gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --label "$label" --body-file "$out/drift.md"
  ;;
2/*) gh issue edit "$number" --repo "$GITHUB_REPOSITORY" --body-file "$out/drift.md" ;;
esac
