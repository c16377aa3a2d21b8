# Shared by the scripts beside it; sourced, not run.

set -euo pipefail
# Before the folder changes: $0 may be relative to the one that we were called in.
script=$(readlink -f "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

# step TEXT: says what begins now.
step() { printf '%s==>%s %s%s%s\n' "$green" "$plain" "$bold" "$*" "$plain"; }
# note TEXT: a detail.
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain"; }
# fail TEXT: ends with one line that says what to do.
fail() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# timed COMMAND...: runs it and says how long it took.
timed() {
  local begin=$SECONDS
  "$@"
  note "$((SECONDS - begin)) s"
}

# usage: prints the comment at the top of the calling script.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$script"; }

# build PRESET TARGET...: configures where needed and builds, with ninja's own progress line.
build() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail "cmake --preset $preset failed; the lines above say why"
  fi
  rm -f "$log"
  timed ninja -C "build/$preset" "$@"
}
