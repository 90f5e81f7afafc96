#!/bin/sh
# check.sh DIR...: what can be said of configurations without credentials: whether they are laid out as "mercator fmt" does
# it, and valid.
set -eu
for dir in "$@"; do
  mercator fmt --check --diff "$dir"
  mercator validate "$dir"
done
