// Clusters made by kind: what configuration each gets, and their beginning and end. No network plugin but ours, and a kubeconfig of their
// own, so that the user's is not touched.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FamilySet, Options, ProxyMode } from "./options.ts";
import { goOn, runProgram, undo } from "./program.ts";

export interface ClusterPlan {
  readonly name: string;
  readonly families: FamilySet;
  readonly proxy: ProxyMode;
}

export function plansOf({ families, proxies }: Pick<Options, "families" | "proxies">): readonly ClusterPlan[] {
  return families.flatMap((each) =>
    proxies.map((proxy) => ({ name: `hextet-${each}-${proxy}`, families: each, proxy })),
  );
}

const networks = {
  v4: { ipFamily: "ipv4" },
  v6: { ipFamily: "ipv6" },
  dual: { ipFamily: "dual" },
  "v6-first": {
    ipFamily: "dual",
    podSubnet: "fd00:10:244::/56,10.244.0.0/16",
    serviceSubnet: "fd00:10:96::/112,10.96.0.0/16",
  },
} as const satisfies Readonly<Record<FamilySet, object>>;

/** `extra` is the user's, and counts where both say something. */
export function configOf({ families, proxy }: ClusterPlan, extra: Readonly<Record<string, unknown>>): object {
  return {
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    networking: { ...networks[families], disableDefaultCNI: true, kubeProxyMode: proxy },
    nodes: [{ role: "control-plane" }, { role: "worker" }, { role: "worker" }],
    ...extra,
  };
}

export interface KindCluster {
  readonly name: string;
  readonly kubeconfig: string;
}

export interface Creation {
  readonly plan: ClusterPlan;
  readonly options: Pick<Options, "nodeImage" | "kindConfig">;
  /** For the configuration and the kubeconfig. */
  readonly directory: string;
}

/** What was made of one that could not be made is taken away; one that was there before is left alone. */
export async function createCluster({ plan, options, directory }: Creation): Promise<KindCluster> {
  const { name } = plan;
  if ((await clusterNames()).includes(name)) {
    const fix = `try it with --cluster ${name}, or end it: kind delete cluster --name ${name}`;
    throw new Error(`Cannot make cluster ${name}: there is one of this name; ${fix}`);
  }
  const [config, kubeconfig] = [join(directory, `${name}.json`), join(directory, `${name}.kubeconfig`)];
  await writeFile(config, JSON.stringify(configOf(plan, options.kindConfig)));
  const image = options.nodeImage === undefined ? [] : ["--image", options.nodeImage];
  const args = ["create", "cluster", "--name", name, "--config", config, "--kubeconfig", kubeconfig, ...image];
  try {
    // It is let go on when all is to end, in a session that Ctrl-C does not reach: what it has told Docker to make would come into being
    // after it was looked for to be taken away.
    await undo(() => runProgram("setsid", ["--wait", "kind", ...args]));
    goOn();
    return { name, kubeconfig };
  } catch (error) {
    await deleteCluster({ name, kubeconfig });
    throw error;
  }
}

async function clusterNames(): Promise<readonly string[]> {
  return (await runProgram("kind", ["get", "clusters", "--quiet"])).split("\n").filter((line) => line !== "");
}

/** Nodes by name, also such as have not registered yet. */
export async function machinesOf({ name }: KindCluster): Promise<readonly string[]> {
  return (await runProgram("kind", ["get", "nodes", "--name", name])).split("\n").filter((line) => line !== "");
}

/** One that is there already. */
export async function findCluster(name: string, directory: string): Promise<KindCluster> {
  const kubeconfig = join(directory, `${name}.kubeconfig`);
  await runProgram("kind", ["export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]);
  return { name, kubeconfig };
}

export async function deleteCluster({ name, kubeconfig }: KindCluster): Promise<void> {
  await undo(() => runProgram("kind", ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]));
}
