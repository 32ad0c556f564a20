#!/bin/sh
# `npm run manifests`: writes manifests/hextet.yaml and manifests/cleanup.yaml, for those who apply one file. They are what kustomize makes of
# kustomize/base and kustomize/cleanup (e2e/manifests compares), but with the comments, so that each right keeps its reason.
set -eu
cd "$(dirname "$0")"

together() {
  echo "# Made from $1 by npm run manifests: change it there."
  sed -n 's/^  - \(.*\.yaml\)$/\1/p' "$1/kustomization.yaml" | while read -r file; do
    echo "---"
    cat "$1/$file"
  done
}

together kustomize/base >"${1:-.}/hextet.yaml"
together kustomize/cleanup >"${1:-.}/cleanup.yaml"
