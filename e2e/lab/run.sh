#!/bin/sh
# `npm run lab`: installs what the lab needs and this machine lacks, builds, and runs a command of the lab. What the commands are:
# `npm run lab -- help`.
set -u
cd "$(dirname "$0")/../.." || exit 1
case ${1-up} in
  up | -*) makes=yes ;;
  *) makes= ;;
esac
if [ -n "$makes" ] || [ ! -e node_modules/.package-lock.json ]; then
  # The lab's part of what building and testing need.
  packages="gcc hostname iproute2 ipset iptables iputils-ping libatomic1 libc6-dev libstdc++6 nftables radvd util-linux"
  . cmd/dev/prepare.sh
fi
PATH=$PWD/node_modules/.bin:$PATH
export PATH
if [ -n "$makes" ]; then node cmd/dev/build.ts >&2 || exit 1; fi
exec node e2e/lab/main.ts "$@"
