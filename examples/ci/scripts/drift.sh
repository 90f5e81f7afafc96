#!/bin/sh
# drift.sh DIR OUT: looks for what changed in Atlas behind Mercator's back, and writes drift.md, drift.json and drift.xml
# (JUnit) into the folder OUT. It ends with 0 without drift, with 2 if there is some, with 1 after an error. MERCATOR_FLAGS
# are further flags, --unmanaged for example.
set -eu
dir=$1
out=$2

mkdir -p "$out"
rm -f "$out"/drift.*
# shellcheck disable=SC2086 # several flags
mercator drift ${MERCATOR_FLAGS:-} --format text --format "markdown=$out/drift.md" \
  --format "json=$out/drift.json" --format "junit=$out/drift.xml" "$dir"
