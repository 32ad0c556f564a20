// Every verb through the agent and through the standalone runtime: the same story on two nodes, told in the same words.
import { afterAll, describe, expect, test } from "vitest";
import { columns, interfacesOf, type Node, type Pod } from "../conformance/node.ts";
import { documentFor, type NetworkList, PluginFailure } from "../conformance/runtime.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

interface Chapter {
  readonly what: string;
  readonly outcome: unknown;
  readonly traces: readonly string[];
}

interface Pods {
  readonly one: Pod;
  readonly two: Pod;
  readonly lost: Pod;
}

type Call = readonly [what: string, make: () => Promise<unknown>];

/** A few attachments from beginning to end, with what goes wrong in between. */
function callsOf({ runtime }: Node, list: NetworkList, { one, two, lost }: Pods): readonly Call[] {
  const nowhere = { ...lost.container, netns: "/run/netns/nowhere" };
  const valid = ({ container }: Pod) => ({ containerID: container.containerId, ifname: container.interfaceName });
  /** As a runtime that has forgotten its attachments. */
  const bareGc = async (...pods: readonly Pod[]) => {
    const documents = list.plugins.map((plugin) => documentFor(list, plugin, {}));
    const [document] = documents.map((each) => ({ ...each, "cni.dev/valid-attachments": pods.map(valid) }));
    const { code, stdout } = await runtime.execute("hextet", runtime.environmentOf("GC"), JSON.stringify(document));
    return { code, stdout };
  };
  return [
    ["VERSION", () => runtime.version("hextet", "1.1.0")],
    ["STATUS", () => runtime.status(list)],
    ["ADD", () => runtime.add(list, one.container)],
    ["ADD of a second pod", () => runtime.add(list, two.container)],
    ["CHECK", () => runtime.check(list, one.container)],
    ["ADD once more", () => runtime.add(list, one.container)],
    ["ADD without a namespace", () => runtime.add(list, nowhere)],
    ["GC that keeps both", () => runtime.gc(list, [valid(one), valid(two)])],
    ["GC that keeps the first", () => bareGc(one)],
    ["CHECK of the first", () => runtime.check(list, one.container)],
    ["CHECK of the second", () => runtime.check(list, two.container)],
    ["DEL", () => runtime.del(list, one.container)],
    ["DEL once more", () => runtime.del(list, one.container)],
    ["DEL of the second", () => runtime.del(list, two.container)],
    ["ADD at once after DEL", () => runtime.add(list, one.container)],
    ["DEL without a namespace", () => runtime.del(list, { ...one.container, netns: "" })],
  ];
}

/** What the agent keeps for its node, whoever is attached: see routeMetrics in src/node/routes.ts. */
function isOfTheNode(line: string): boolean {
  return line.startsWith("unreachable ") && line.includes("proto 72 metric 4096");
}

async function tell(node: Node, list: NetworkList): Promise<readonly Chapter[]> {
  const pods = { one: node.pod(), two: node.pod(), lost: node.pod() };
  const chapters: Chapter[] = [];
  for (const [what, make] of callsOf(node, list, pods)) {
    const outcome = await make().catch((error: unknown) => {
      if (!(error instanceof PluginFailure)) throw error;
      return { code: error.code, msg: error.msg, details: error.details };
    });
    chapters.push({
      what,
      outcome: withoutPaths(outcome),
      traces: node
        .traces()
        .filter((line) => !isOfTheNode(line))
        .filter((line) => !isRetired(line) && !line.startsWith("uplink: "))
        .toSorted(),
    });
  }
  expect(
    Object.values(pods)
      .flatMap(({ namespace }) => interfacesOf(namespace))
      .filter((name) => !isRetired(name)),
  ).toEqual([]);
  return chapters;
}

/** The agent deletes links by and by, and has renamed them before DEL returns. */
function isRetired(line: string): boolean {
  return line.startsWith("hxgone");
}

/** What the agent does to a node before it serves. */
function forward({ host }: Node): void {
  for (const family of ["ipv4", "ipv6"]) host.run("sysctl", "-qw", `net.${family}.conf.all.forwarding=1`);
}

/** Paths of namespaces and directories differ from node to node. */
function withoutPaths(outcome: unknown): unknown {
  return JSON.parse(JSON.stringify(outcome ?? "nothing").replaceAll(/\/proc\/\d+\/fd\/\d+|\/tmp\/[\w/.-]+/g, "PATH"));
}

describe.for(columns)("%s: through the agent", (families) => {
  test("every verb does and says what it does and says without", async () => {
    await using without = new AgentNode({ families, build: build.path });
    forward(without.node);
    const expected = await tell(without.node, without.network());

    await using served = new AgentNode({ families, build: build.path });
    forward(served.node);
    const agent = await served.start();
    expect(await tell(served.node, served.network())).toEqual(expected);

    expect(await agent.stop()).toBe(0);
    const verbs = ["ADD", "CHECK", "ADD", "CHECK", "DEL", "DEL", "ADD", "DEL"];
    expect(agent.served("container-1")).toEqual(verbs);
    expect(agent.served("")).toEqual(["VERSION", "STATUS", "GC", "GC"]);
    expect([without.heldAddresses(), served.heldAddresses()]).toEqual([0, 0]);
  });

  test("the network it wrote is one that STATUS and ADD accept", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    const list = served.writtenNetwork();
    const { container } = served.node.pod();
    await served.node.runtime.add(list, container);
    await served.node.runtime.check(list, container);
    await served.node.runtime.del(list, container);
    await agent.stop();
    expect(agent.served(container.containerId)).toEqual(["ADD", "CHECK", "DEL"]);
  });

  test("an agent of another build declines, and the runtime does the work", async () => {
    await using node = new AgentNode({ families, build: build.path });
    const agent = await node.start(build.other());
    const { container } = node.node.pod();
    await node.node.runtime.add(node.network(), container);
    await node.node.runtime.check(node.network(), container);
    await node.node.runtime.del(node.network(), container);
    await agent.stop();
    expect(agent.lines.filter(({ message }) => message === "call declined")).toHaveLength(3);
    expect(agent.served(container.containerId)).toEqual([]);
    expect(node.heldAddresses()).toBe(0);
  });
});
