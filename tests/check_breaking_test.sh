#!/usr/bin/env bash
# Tries check_breaking.sh on a copy of the protos with a release of its own.
#
#   tests/check_breaking_test.sh BUF        in the root of the repository

set -euo pipefail
buf=$(realpath "$1")
check=$PWD/tests/check_breaking.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r --parents proto services/*/records/*.proto "$copy"
cd "$copy"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.org
export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.org
git init -q .
git add proto services
git commit -qm released

fail() {
  echo "check_breaking.sh $*" >&2
  exit 1
}
"$check" "$buf" | grep -q "no release yet" || fail "does not say that there is no release yet"
git tag v0.1.0
"$check" "$buf" | grep -q "with those of v0.1.0" || fail "does not compare with the release"

goal=proto/securebase/goals/v1/goal.proto
[ -f "$goal" ] || fail "is tried on $goal, which is gone"
printf '\n// Added later.\nmessage AddedLater {}\n' >>"$goal"
"$check" "$buf" >/dev/null || fail "refuses a message that was added"
sed -i 's/  string statement = 9/  string wording = 9/' "$goal"
! "$check" "$buf" >/dev/null || fail "accepts a field that was renamed"
git commit -qam "renamed, and released as such"
git tag v0.2.0
"$check" "$buf" | grep -q "with those of v0.2.0" || fail "does not compare with the newest release"

stored=services/goals/records/stored.proto
[ -f "$stored" ] || fail "is tried on $stored, which is gone"
printf '\n// Added later.\nmessage AddedLater {}\n' >>"$stored"
"$check" "$buf" >/dev/null || fail "refuses a stored message that was added"
sed -i '0,/ = 1;/s// = 1001;/' "$stored"
! "$check" "$buf" >/dev/null || fail "accepts a stored field that got another number"
