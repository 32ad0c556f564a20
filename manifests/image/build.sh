#!/bin/sh
# `npm run image`: builds the programs, and of them the image that the manifests name. Arguments go to docker build; docs/kubernetes.md has those
# for other architectures, registries and pinned base images.
set -eu
cd "$(dirname "$0")/../.."
image=$(sed -n 's/^ *image: *//p' manifests/kustomize/base/agent.yaml | head -n 1)
case " $* " in
  *" DIST=build "*) ;;
  *) node cmd/dev/build.ts >&2 ;;
esac
# BuildKit leaves out the stages that are not needed; Docker before 23 has to be asked for it.
DOCKER_BUILDKIT=1 exec docker build --file manifests/image/Dockerfile --tag "$image" "$@" .
