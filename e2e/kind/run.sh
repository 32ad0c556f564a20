#!/bin/sh
# `npm run e2e:kind`: installs what building needs and this machine lacks, and tries Hextet in clusters that kind makes. What may be said
# to it: `npm run e2e:kind -- --help`.
set -u
packages="binutils gcc libatomic1 libc6-dev libstdc++6 musl-tools"
. "$(dirname "$0")/../../cmd/dev/prepare.sh"
exec node e2e/kind/main.ts "$@"
