#!/bin/sh
# `npm run lab`: installs what the lab needs and this machine lacks, builds, and runs a command of the lab. What the commands are:
# `npm run lab -- help`.
set -u
case ${1-up} in
  up | -*)
    # The lab's part of what building and testing need.
    packages="gcc iproute2 ipset iptables iputils-ping libatomic1 libc6-dev libstdc++6 nftables radvd util-linux"
    . "$(dirname "$0")/../../cmd/dev/prepare.sh"
    node cmd/dev/build.ts >&2 || exit 1
    ;;
  *)
    cd "$(dirname "$0")/../.." || exit 1
    PATH=$PWD/node_modules/.bin:$PATH
    export PATH
    ;;
esac
exec node e2e/lab/main.ts "$@"
