#!/bin/sh
# `npm test`: installs what is missing, builds, runs the tests, and ends with the line "N passed, N failed". Arguments go to
# vitest: `npm test -- src/ipam`. Without root the tests of real Linux run in a user namespace, where the kernel allows one.
set -u
. "$(dirname "$0")/prepare.sh"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

run_tests() {
  "$@" --reporter=default --reporter=json --outputFile.json="$results/vitest.json"
}

node cmd/dev/build.ts || { echo "0 passed, 1 failed"; exit 1; }
set -- vitest run --config .config/vitest.ts "$@"

# A user who is not root becomes it in namespaces of their own, with a /sys that shows that network namespace.
in_user_namespace() {
  unshare --user --map-root-user --net --mount sh -c 'mount -t sysfs sysfs /sys && ip link set lo up && exec "$@"' sh "$@"
}

if [ "$(id -u)" = 0 ]; then
  run_tests "$@"
elif in_user_namespace true 2>/dev/null; then
  echo "test: not root: the unit and netns tests run in a user namespace; the e2e tests are left out, because they mount"
  echo "test: file systems, start container runtimes and change user, which takes real root"
  run_tests in_user_namespace "$@" --project unit --project netns
else
  echo "test: not root, and this kernel gives users no namespaces of their own (unshare --user --net): only the unit tests"
  echo "test: run. For the tests of real Linux, run npm test as root"
  run_tests "$@" --project unit
fi
code=$?
node cmd/dev/count-tests.ts "$results/vitest.json" || code=1
exit "$code"
