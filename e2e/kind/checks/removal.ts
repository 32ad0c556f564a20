// Taking Hextet off a cluster, as docs/kubernetes.md says: afterwards every node is as it was before.
import { join } from "node:path";
import { type Check, expectNone } from "../check.ts";
import { manifest } from "../installation.ts";
import { podSchema } from "../objects.ts";
import { differences, takeSnapshots } from "../snapshots.ts";
import { namespace, type World } from "../world.ts";
import { policyNamespaces } from "./policies.ts";

const cleanup = join(import.meta.dirname, "../../../manifests/cleanup.yaml");

const testNamespaces = [namespace, ...policyNamespaces];

export const removalChecks: readonly Check[] = [
  { name: "uninstalling leaves every node as it was before", needs: "before", run: checkRemoval },
];

async function checkRemoval({ kubectl, machines, before }: World): Promise<void> {
  if (machines === undefined || before === undefined) throw new Error("nodes were not seen before");
  await kubectl.run("delete", "namespaces", ...testNamespaces, "--ignore-not-found", "--timeout=170s");
  await kubectl.run("delete", "daemonset/hextet-agent", "--namespace=kube-system", "--cascade=foreground");
  await kubectl.run("apply", `--filename=${cleanup}`);
  await kubectl.run("rollout", "status", "daemonset/hextet-cleanup", "--namespace=kube-system", "--timeout=180s");
  await kubectl.run("delete", `--filename=${cleanup}`, "--cascade=foreground");
  await kubectl.run("delete", `--filename=${manifest}`, "--ignore-not-found");
  const left = await kubectl.get(
    podSchema,
    "pods",
    "--namespace=kube-system",
    "--selector=app.kubernetes.io/name in (hextet,hextet-cleanup)",
  );
  const after = await takeSnapshots(machines, [...before.keys()]);
  expectNone([...left.map(({ metadata }) => `${metadata.name} is left`), ...differences(before, after)]);
}
