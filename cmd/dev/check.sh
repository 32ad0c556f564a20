#!/bin/sh
# `npm run check`: everything about the sources that can be found without running them. Each check runs whatever the ones before
# it found; the exit code is 1 if any found something.
set -u
. "$(dirname "$0")/prepare.sh"
failed=

check() {
  name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "check: $name ok"
  else
    failed="$failed $name"
    printf '%s\ncheck: %s FAILED\n' "$output" "$name"
  fi
}

sources() {
  git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -e "$file" ] && echo "$file"; done
}

c_code() {
  headers=$(dirname "$(dirname "$(readlink -f node_modules/.bin/node)")")/include/node
  for file in $(sources '*.c'); do
    cc -std=gnu11 -O2 -Wall -Wextra -Werror -I "$headers" -DBUILD_ID='"0"' -DLOADER='"ld.so"' -c -o /dev/null "$file" || return 1
  done
}

shell_scripts() {
  for file in $(sources '*.sh'); do sh -n "$file" || return 1; done
  bash -n .ci/run
}

# Every file that is no test says in its first line what it is.
headers() {
  bad=$(sources '*.ts' '*.c' '*.sh' | grep -vE '\.(test|netns|e2e)\.ts$' | while read -r file; do
    sed -e '1{/^#!/d}' "$file" | head -n 1 | grep -qE '^(//|#|/\*)' || echo "$file"
  done)
  [ -z "$bad" ] || { echo "These files do not open by saying what they are: $bad"; return 1; }
}

check types tsc
check lint oxlint --config .config/oxlint.ts --type-aware
check format biome check --linter-enabled=false .
check unused knip --config .config/knip.json
check c c_code
check shell shell_scripts
check headers headers

[ -z "$failed" ] || { echo "check: failed:$failed"; exit 1; }
