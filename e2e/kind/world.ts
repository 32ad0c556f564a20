// What checks share: the cluster, its nodes as they were found, and test pods, which are made when a check first asks for them and are there
// for all that follow.
import { eventually } from "../runtimes/eventually.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Machines } from "./machines.ts";
import { addressesOf, familyOf, isTrue, type NodeObject, nodeSchema, type PodObject, podSchema } from "./objects.ts";
import type { Asked } from "./pod-program.ts";
import type { Snapshots } from "./snapshots.ts";
import { daemonSet, hostPort, namespaceNamed, podSpec, scriptsIn, service } from "./workload.ts";

export const namespace = "hextet-e2e";
export const hostHttpPort = 18_081;
const readyLimitMs = 180_000;

export interface WorldOptions {
  readonly kubectl: Kubectl;
  /** Of Hextet; test pods run it too. */
  readonly image: string;
  readonly nodes: readonly NodeObject[];
  /** Where nodes are containers of this Docker. */
  readonly machines?: Machines;
  /** Of the nodes, from before Hextet came. */
  readonly before?: Snapshots;
  /** That nodes have too, of another build. */
  readonly otherImage?: string;
}

export class World {
  readonly kubectl: Kubectl;
  readonly image: string;
  readonly nodes: readonly NodeObject[];
  readonly families: readonly ("v4" | "v6")[];
  readonly machines: Machines | undefined;
  readonly before: Snapshots | undefined;
  readonly otherImage: string | undefined;
  #cast: Promise<void> | undefined;

  constructor({ kubectl, image, nodes, machines, before, otherImage }: WorldOptions) {
    this.kubectl = kubectl;
    this.image = image;
    this.nodes = nodes;
    this.families = (nodes[0]?.spec.podCIDRs ?? []).map(familyOf);
    this.machines = machines;
    this.before = before;
    this.otherImage = otherImage;
  }

  /** On each node two pods, one of which has a port of the node, and one in the node's own network; services lead to the first. */
  ready(): Promise<void> {
    this.#cast ??= this.#makePods();
    return this.#cast;
  }

  async #makePods(): Promise<void> {
    const { image } = this;
    const place = (name: string) => ({ namespace, name });
    const inHost = { image, hostNetwork: true, command: ["serve", String(hostHttpPort)] };
    await this.kubectl.apply([
      namespaceNamed(namespace),
      await scriptsIn(namespace),
      daemonSet(place("one"), podSpec({ image, hostPort })),
      daemonSet(place("two"), podSpec({ image })),
      daemonSet(place("host"), podSpec(inHost)),
      service(place("one"), { selector: { app: "one" } }),
      service(place("headless"), { selector: { app: "one" }, clusterIP: "None" }),
      service(place("node-port"), { selector: { app: "one" }, type: "NodePort" }),
    ]);
    await this.untilReady(namespace, this.nodes.length * 3, "app in (one,two,host)");
  }

  pods(app: string, where = namespace): Promise<readonly PodObject[]> {
    return this.kubectl.get(podSchema, "pods", `--namespace=${where}`, `--selector=app=${app}`);
  }

  /** Waits until this many pods are there and all of them ready; tells which are not, and why. */
  async untilReady(where: string, count: number, selector = ""): Promise<readonly PodObject[]> {
    const end = Date.now() + readyLimitMs;
    for (;;) {
      const pods = await this.kubectl.get(podSchema, "pods", `--namespace=${where}`, `--selector=${selector}`);
      const wanting = pods.filter((each) => !isTrue(each.status.conditions, "Ready") || isGoing(each));
      if (wanting.length === 0 && pods.length === count) return pods;
      if (Date.now() > end) throw new Error(describeWanting(where, count, pods));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Until no pod is left, those on their way out among them. */
  async untilGone(where: string, selector: string): Promise<void> {
    const gone = async () => {
      const pods = await this.kubectl.get(podSchema, "pods", `--namespace=${where}`, `--selector=${selector}`);
      return pods.length === 0 ? true : undefined;
    };
    await eventually(`all pods with ${selector} are gone`, gone, readyLimitMs);
  }

  async untilNodesReady(): Promise<void> {
    const ready = async () => {
      const nodes = await this.kubectl.get(nodeSchema, "nodes");
      const all = nodes.length === this.nodes.length && nodes.every(({ status }) => isTrue(status.conditions, "Ready"));
      return all ? true : undefined;
    };
    await eventually("every node is Ready", ready, readyLimitMs);
  }

  async untilAgentsReady(): Promise<void> {
    const where = ["--namespace=kube-system", "--timeout=170s"];
    await this.kubectl.run("rollout", "status", "daemonset/hextet-agent", ...where);
  }

  /** Asks from within a pod, all URLs at once. */
  async ask(from: PodObject, urls: readonly string[], withinMs?: number): Promise<readonly Asked[]> {
    const { name, namespace: where } = from.metadata;
    const limit = withinMs === undefined ? [] : [`--within=${withinMs}`];
    const text = await this.kubectl.run(
      "exec",
      `--namespace=${where}`,
      name,
      "--",
      "hextetctl",
      "ask",
      ...limit,
      ...urls,
    );
    return JSON.parse(text);
  }
}

function isGoing({ metadata }: PodObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function describeWanting(where: string, count: number, pods: readonly PodObject[]): string {
  const lines = pods
    .filter(({ status }) => !isTrue(status.conditions, "Ready"))
    .map((each) => {
      const why = each.status.conditions.flatMap(({ status, message }) =>
        status === "True" || !message ? [] : [message],
      );
      return `${each.metadata.name} on ${each.spec.nodeName}: ${each.status.phase} ${addressesOf(each).join(" ")} ${why.join("; ")}`;
    });
  return [`${pods.length - lines.length} of ${count} pods in ${where} are ready`, ...lines].join("\n");
}
