#!/bin/sh
# `npm run manifests`: writes monitoring/prometheus-rule.yaml from alerts.yaml, and manifests/hextet.yaml and manifests/cleanup.yaml, for those who apply one file. They are what kustomize makes of
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

mkdir -p "${1:-.}/monitoring"
cat >"${1:-.}/monitoring/prometheus-rule.yaml" <<END
# Made from monitoring/alerts.yaml by npm run manifests: change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: hextet
  namespace: kube-system
  labels:
    app.kubernetes.io/name: hextet
spec:
$(sed '/^#/d; s/^/  /' monitoring/alerts.yaml)
END
