// What a cluster goes through in its life: agents that are killed, upgrades, nodes that restart, many pods at once. Pods come and go all the
// same, running ones notice nothing, and no address is given twice or lost.
import { once } from "node:events";
import { createInterface } from "node:readline";
import * as v from "valibot";
import type { StreamReport } from "../../lab/streams.ts";
import { eventually } from "../../runtimes/eventually.ts";
import { type Check, expectNone, untilNone } from "../check.ts";
import { addressesOf, type PodObject } from "../objects.ts";
import { deployment, pod, podSpec } from "../workload.ts";
import { namespace, type World } from "../world.ts";
import { faultsOf, findLeaks, findTwice } from "./addresses.ts";
import { checkPods } from "./reach.ts";

const agents = ["--namespace=kube-system", "--selector=app.kubernetes.io/name=hextet"] as const;
const startSchema = v.object({
  status: v.object({ containerStatuses: v.array(v.object({ restartCount: v.number() })) }),
});
const many = 100;
const some = 12;

export const upheavalChecks: readonly Check[] = [
  { name: "pods come and go while agents are killed", run: checkKilled },
  { name: "traffic between pods loses nothing while agents are replaced one by one", run: checkRollout },
  {
    name: "traffic between pods loses nothing while Hextet becomes another build, node by node, and comes back",
    needs: "otherImage",
    run: checkUpgrade,
  },
  {
    name: "after a node restarted its pods come back, with addresses that nobody else has",
    needs: "machines",
    run: checkRestart,
  },
  { name: `${many} pods come and go, and no lease is left of them`, run: checkMany },
];

async function killAgents({ kubectl }: World): Promise<void> {
  await kubectl.run("delete", "pods", ...agents, "--grace-period=0", "--force", "--wait=false");
}

/** Containers that do nothing, of an image every node has already where there is one. */
function idle({ nodes, image }: World): object {
  const names = nodes[0]?.status.images.flatMap(({ names: each }) => each) ?? [];
  const pause = names.find((name) => /\/pause:/.test(name));
  if (pause === undefined) return podSpec({ image });
  const container = { name: "main", image: pause, imagePullPolicy: "Never" };
  return { terminationGracePeriodSeconds: 1, tolerations: [{ operator: "Exists" }], containers: [container] };
}

async function scaleTo(world: World, name: string, replicas: number): Promise<readonly PodObject[]> {
  await world.kubectl.run("scale", `--namespace=${namespace}`, `deployment/${name}`, `--replicas=${replicas}`);
  return world.untilReady(namespace, replicas, `app=${name}`);
}

async function expectInOrder(world: World, pods: readonly PodObject[]): Promise<void> {
  const ours = pods.filter(({ spec }) => !spec.hostNetwork);
  expectNone([...ours.flatMap((each) => faultsOf(each, world)), ...(await findTwice(world))]);
}

async function expectNoLeak(world: World): Promise<void> {
  await untilNone(() => findLeaks(world), 90_000);
}

async function checkKilled(world: World): Promise<void> {
  await world.ready();
  await world.kubectl.apply([deployment({ namespace, name: "churn" }, 0, idle(world))]);
  for (const replicas of [some, 0, some]) {
    const scaled = scaleTo(world, "churn", replicas);
    await killAgents(world);
    await expectInOrder(world, await scaled);
  }
  await scaleTo(world, "churn", 0);
  await world.untilAgentsReady();
  await expectNoLeak(world);
}

async function checkMany(world: World): Promise<void> {
  await world.ready();
  await world.kubectl.apply([deployment({ namespace, name: "many" }, 0, idle(world))]);
  await expectInOrder(world, await scaleTo(world, "many", many));
  await scaleTo(world, "many", 0);
  await expectNoLeak(world);
}

function checkRollout(world: World): Promise<void> {
  return expectNoLoss(world, async () => {
    await world.kubectl.run("rollout", "restart", "daemonset/hextet-agent", "--namespace=kube-system");
    await world.untilAgentsReady();
  });
}

function checkUpgrade(world: World): Promise<void> {
  const { image, otherImage = image } = world;
  return expectNoLoss(world, async () => {
    const before = await installedBuilds(world);
    await useImage(world, otherImage);
    const between = await installedBuilds(world);
    await useImage(world, image);
    const after = await installedBuilds(world);
    const isOne = new Set(before).size === 1 && new Set(between).size === 1;
    if (isOne && before[0] !== between[0] && String(before) === String(after)) return;
    throw new Error(`nodes had builds ${before.join(" ")}, then ${between.join(" ")}, then ${after.join(" ")}`);
  });
}

async function useImage(world: World, image: string): Promise<void> {
  const images = [`install=${image}`, `agent=${image}`];
  await world.kubectl.run("set", "image", "daemonset/hextet-agent", ...images, "--namespace=kube-system");
  await world.untilAgentsReady();
}

/** Of the programs that the container runtime executes, by node. */
function installedBuilds({ machines, nodes }: World): Promise<readonly string[]> {
  const path = "/opt/cni/bin/.hextet/current/lib/build-id";
  const asked = nodes.map(async ({ metadata }) => (await machines?.run(metadata.name, `cat ${path}`))?.trim() ?? "");
  return Promise.all(asked);
}

/** Streams of every family between pods of two nodes go on meanwhile. */
async function expectNoLoss(world: World, happens: () => Promise<void>): Promise<void> {
  const { kubectl, image, nodes } = world;
  await world.ready();
  const [one, other] = [nodes[0], nodes.at(-1)].map((node) => node?.metadata.name ?? "");
  const stream = (name: string, nodeName: string | undefined, command: readonly string[]) =>
    pod({ namespace, name }, podSpec({ image, script: "stream", command, ...(nodeName ? { nodeName } : {}) }));
  await kubectl.apply([stream("talker", one, ["serve", "::"]), stream("listener", other, ["serve", "::"])]);
  await world.untilReady(namespace, 1, "app=talker");
  const [listener] = await world.untilReady(namespace, 1, "app=listener");
  const addresses = listener === undefined ? [] : addressesOf(listener);
  const talking = ["exec", "--stdin", `--namespace=${namespace}`, "talker", "--", "hextetctl", "talk", ...addresses];
  const reports = await whileTalking(world, talking, happens);
  await kubectl.run("delete", "pods", "talker", "listener", `--namespace=${namespace}`, "--wait=true");
  const isWhole = ({ sent, answered, error }: StreamReport) => sent > 0 && sent === answered && error === undefined;
  expectNone([
    ...(reports.length === addresses.length * 2 ? [] : [`there are ${reports.length} streams`]),
    ...reports
      .filter((each) => !isWhole(each))
      .map(({ protocol, address, sent, answered, error }) => {
        return `${protocol} to ${address}: of ${sent} messages ${answered} were answered${error === undefined ? "" : `; ${error}`}`;
      }),
  ]);
}

async function whileTalking(
  { kubectl }: World,
  talking: readonly string[],
  happens: () => Promise<void>,
): Promise<readonly StreamReport[]> {
  const talker = kubectl.start(...talking);
  const ended = once(talker, "exit");
  const lines = createInterface({ input: talker.stdout })[Symbol.asyncIterator]();
  try {
    const first = await lines.next();
    if (first.value !== "running") throw new Error(`The streams did not begin: ${first.value}`);
    await happens();
    talker.stdin.end();
    const { value } = await lines.next();
    return JSON.parse(value ?? "[]");
  } finally {
    talker.kill();
    await ended;
  }
}

async function checkRestart(world: World): Promise<void> {
  const { machines, nodes } = world;
  const node = nodes.at(-1)?.metadata.name;
  if (machines === undefined || node === undefined) throw new Error("there is no node to restart");
  await world.ready();
  await machines.restart(node);
  const startedSince = async () => {
    const pods = await world.kubectl.get(
      startSchema,
      "pods",
      `--namespace=${namespace}`,
      `--field-selector=spec.nodeName=${node}`,
    );
    return (
      pods.every(({ status }) => status.containerStatuses.every(({ restartCount }) => restartCount > 0)) || undefined
    );
  };
  await eventually(`the pods of ${node} were started again`, startedSince, 180_000);
  await world.untilNodesReady();
  await world.untilAgentsReady();
  await expectInOrder(world, await world.untilReady(namespace, nodes.length * 3, "app in (one,two,host)"));
  await checkPods(world, false);
  await checkPods(world, true);
  await expectNoLeak(world);
}
