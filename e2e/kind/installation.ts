// Hextet brought into a cluster as docs/kubernetes.md says: the image built and loaded, the manifest applied.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { KindCluster } from "./kind.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Machines } from "./machines.ts";
import { nodeSchema } from "./objects.ts";
import { runProgram } from "./program.ts";
import { type Snapshots, takeSnapshots } from "./snapshots.ts";

export const manifest = join(import.meta.dirname, "../../manifests/hextet.yaml");

/** By the same command that users have. Its name is the one in the manifest. */
export async function buildImage(buildArguments: readonly string[]): Promise<string> {
  const args = buildArguments.flatMap((each) => ["--build-arg", each]);
  await runProgram("npm", ["run", "--silent", "image", "--", "--quiet", ...args]);
  const image = /^ *image: *(\S+)$/m.exec(await readFile(manifest, "utf8"))?.[1];
  if (image === undefined) throw new Error(`${manifest} names no image`);
  return image;
}

const daemonSetSchema = v.object({
  metadata: v.object({ name: v.string() }),
  spec: v.object({
    template: v.object({ spec: v.object({ containers: v.array(v.object({ name: v.string(), image: v.string() })) }) }),
  }),
});

/** The image that runs, which test pods run as well. */
export async function installedImage(kubectl: Kubectl): Promise<string> {
  const sets = await kubectl.get(daemonSetSchema, "daemonsets", "--namespace=kube-system");
  const image = sets.find(({ metadata }) => metadata.name === "hextet-agent")?.spec.template.spec.containers[0]?.image;
  if (image !== undefined) return image;
  throw new Error("Hextet is not installed in this cluster: kubectl apply -f manifests/hextet.yaml");
}

export interface Installation {
  readonly cluster: KindCluster;
  readonly image: string;
  readonly kubectl: Kubectl;
  readonly machines: Machines;
}

/** How nodes were before; it returns when every agent is ready. */
export async function install({ cluster, image, kubectl, machines }: Installation): Promise<Snapshots> {
  await runProgram("kind", ["load", "docker-image", image, "--name", cluster.name]);
  await kubectl.run("rollout", "status", "daemonset/kube-proxy", "--namespace=kube-system", "--timeout=180s");
  const nodes = await kubectl.get(nodeSchema, "nodes");
  const before = await takeSnapshots(
    machines,
    nodes.map(({ metadata }) => metadata.name),
  );
  await kubectl.run("apply", `--filename=${manifest}`);
  await kubectl.run("rollout", "restart", "daemonset/hextet-agent", "--namespace=kube-system");
  await kubectl.run("rollout", "status", "daemonset/hextet-agent", "--namespace=kube-system", "--timeout=180s");
  return before;
}
