#!/bin/sh
# github-comment.sh PAGE NAME: shows a page of Markdown in the pull request PR_NUMBER of GITHUB_REPOSITORY, in one comment
# for each NAME that is written anew by every run. It needs the GitHub CLI with a token that may write pull requests.
set -eu
page=$1
name=$2
: "${GITHUB_REPOSITORY:?}" "${PR_NUMBER:?}"
author=${COMMENT_AUTHOR:-github-actions[bot]}

marker="<!-- mercator $name -->"
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  printf '%s\n' "$marker"
  cat "$page"
  if [ -n "${GITHUB_RUN_ID:-}" ]; then
    printf '\n<sub>%s, commit %s, [run](%s/%s/actions/runs/%s)</sub>\n' "$name" "${HEAD_SHA:-unknown}" \
      "${GITHUB_SERVER_URL:-https://github.com}" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID"
  fi
} >"$body"

# Only our own comments count: anybody can write the marker.
ours=$(MARKER=$marker AUTHOR=$author gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$PR_NUMBER/comments?per_page=100" \
  --jq '.[] | select(.user.login == env.AUTHOR and (.body | startswith(env.MARKER))) | .id')
id=$(printf '%s\n' "$ours" | head -n 1)
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body"
else
  gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$PR_NUMBER/comments" --field "body=@$body"
fi
