#!/usr/bin/env bash
# Fails when the protos break who uses those of the last release: callers of the contract, and the
# records that stores hold in the messages of services/*/records. The last release is the newest tag
# v* that this commit descends from. Before the first there is nothing to break, and it says so.
#
#   tests/check_breaking.sh BUF        in the root of the repository

set -euo pipefail
buf=$1

tag=$(git tag --list 'v*' --sort=-version:refname --merged HEAD 2>/dev/null | head -n 1 || true)
if [ -z "$tag" ]; then
  echo "no release yet (no tag v*): nothing to compare the protos with"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
protos=(proto ':(glob)services/*/records/*.proto')

# workspace DIRECTORY: reads a tar of the protos and makes a workspace of buf's of it.
workspace() {
  mkdir -p "$1"
  tar -x -C "$1"
  # The two kinds are imported relative to different roots, which must not overlap.
  mkdir "$1/stored"
  mv "$1/services" "$1/stored/"
  rm "$1/proto/buf.yaml"
  cat >"$1/buf.yaml" <<'YAML'
version: v2
modules:
  - path: proto
  - path: stored
breaking:
  use:
    - FILE
YAML
}
git archive "$tag" "${protos[@]}" | workspace "$work/released"
git ls-files -z --cached --others --exclude-standard --deduplicate "${protos[@]}" |
  tar -c --null --files-from=- | workspace "$work/current"
echo "comparing the protos with those of $tag"
"$buf" breaking "$work/current" --against "$work/released"
