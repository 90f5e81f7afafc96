#!/bin/sh
# install.sh SOURCE BIN: builds mercator from a checkout in the folder SOURCE into the folder BIN. On GitHub later steps find
# it on their PATH.
set -eu
source=$1
bin=$2

mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
(cd "$source" && CGO_ENABLED=0 go build -trimpath -o "$bin/mercator" ./cmd/mercator)
if [ -n "${GITHUB_PATH:-}" ]; then
  echo "$bin" >>"$GITHUB_PATH"
fi
