# Sourced by test.sh and check.sh: installs what is missing on this machine, nothing where all is there, and puts the pinned Node
# first in PATH. It needs git, npm and a Node of 20 or later to begin with. Who needs only some of the packages names them in
# $packages before.
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

missing_packages() {
  wanted=${packages:-$(sed -n 's/^\([a-z0-9][^ ]*\).*/\1/p' cmd/dev/debian-packages)}
  # shellcheck disable=SC2086 # one word each
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p')
  for package in $wanted; do
    printf '%s\n' "$installed" | grep -qxF "$package" || printf '%s ' "$package"
  done
}

install_packages() {
  log=$(mktemp)
  if ! env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1; then
    echo "prepare: refreshing the package lists"
    if ! { apt-get update -q && env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
      cat "$log" >&2
      echo "prepare: could not install $*" >&2
    fi
  fi
  rm -f "$log"
}

if command -v dpkg-query >/dev/null; then
  missing=$(missing_packages)
  if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "prepare: installing $missing"
    # shellcheck disable=SC2086 # one word each
    install_packages $missing
  elif [ -n "$missing" ]; then
    echo "prepare: these Debian packages are missing and only root can install them: $missing" >&2
  fi
fi

# npm writes node_modules/.package-lock.json when it has finished.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "prepare: installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
fi
PATH=$root/node_modules/.bin:$PATH
export PATH
