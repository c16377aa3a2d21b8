#!/usr/bin/env bash
# Fails when the protos break who uses those of the last release: the newest tag v* that this commit
# descends from. Before the first release there is nothing to break, and it says so.
#
#   tests/check_breaking.sh BUF        in the root of the repository

set -euo pipefail
buf=$1

tag=$(git tag --list 'v*' --sort=-version:refname --merged HEAD 2>/dev/null | head -n 1 || true)
if [ -z "$tag" ]; then
  echo "no release yet (no tag v*): nothing to compare the protos with"
  exit 0
fi
released=$(mktemp -d)
trap 'rm -rf "$released"' EXIT
git archive "$tag" proto | tar -x -C "$released"
echo "comparing the protos with those of $tag"
"$buf" breaking proto --against "$released/proto"
