#!/bin/sh
# gitlab-comment.sh PAGE NAME: shows a page of Markdown in the merge request of the pipeline, in one note for each NAME that
# is written anew by every run. It needs the GitLab CLI, jq, and in GITLAB_TOKEN a project access token with the scope api:
# a job's own token cannot write notes.
set -eu
page=$1
name=$2
if [ ! -e "$page" ]; then
  echo "There is no $page; the job's log says why." >&2
  exit 0
fi
: "${CI_PROJECT_ID:?}" "${CI_MERGE_REQUEST_IID:?}" "${GITLAB_TOKEN:?}"
notes="projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"

marker="<!-- mercator $name -->"
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  printf '%s\n' "$marker"
  cat "$page"
  if [ -n "${CI_JOB_URL:-}" ]; then
    printf '\n<sub>%s, commit %s, [job](%s)</sub>\n' "$name" "${CI_COMMIT_SHORT_SHA:-unknown}" "$CI_JOB_URL"
  fi
} >"$body"

# Only our own notes count: anybody can write the marker.
me=$(glab api user | jq .id)
ours=$(glab api --paginate "$notes?per_page=100" |
  jq --argjson me "$me" --arg marker "$marker" '.[] | select(.author.id == $me and (.body | startswith($marker))) | .id')
id=$(printf '%s\n' "$ours" | head -n 1)
if [ -n "$id" ]; then
  glab api --silent --method PUT "$notes/$id" --field "body=@$body"
else
  glab api --silent --method POST "$notes" --field "body=@$body"
fi
