// What a node may be given that is not as it must be, in a real cluster: each is told in the log of the node's agent and by `kubectl describe`
// of its pod, with the fix, and when it is mended the agent becomes ready again. Whatever is tried is undone.
import * as v from "valibot";
import { eventually } from "../../runtimes/eventually.ts";
import type { Check } from "../check.ts";
import { podSchema } from "../objects.ts";
import { undo } from "../program.ts";
import type { World } from "../world.ts";

const limitMs = 90_000;
const networks = "/etc/cni/net.d";

interface Trial {
  readonly name: string;
  readonly needs?: "machines";
  readonly told: RegExp;
  /** Of the agent's pod, the one that says it. */
  readonly container?: "agent" | "install";
  /** Only an agent that starts meets it. */
  readonly atStart?: true;
  /** Gives how it is mended. */
  readonly make: (world: World, node: string) => Promise<() => Promise<void>>;
}

const trials: readonly Trial[] = [
  {
    name: "another plugin's configuration that comes first is told of, with what to do",
    needs: "machines",
    told: /05-other\.conflist comes before 10-hextet\.conflist, .*: remove it and the plugin it belongs to, or give cni\.fileName/,
    make: async (world, node) => {
      await onMachine(world, node, `echo '{"name":"other"}' > ${networks}/05-other.conflist`);
      return () => onMachine(world, node, `rm ${networks}/05-other.conflist`);
    },
  },
  {
    name: "an agent that may not list networkpolicies says which right to grant",
    told: /Cannot list networkpolicies\S* at https:.*\(403, .*: grant the verbs list and watch on networkpolicies/,
    atStart: true,
    make: (world) => withdrawRight(world, "networkpolicies"),
  },
  {
    name: "an agent that may not list nodes says which right to grant",
    told: /Cannot list nodes at https:.*\(403, .*: grant the verbs list and watch on nodes in the ClusterRole/,
    atStart: true,
    make: (world) => withdrawRight(world, "nodes"),
  },
  {
    name: "/opt/cni/bin that cannot be written is told of, with what to do",
    needs: "machines",
    container: "install",
    told: /Cannot write in \/host\/opt\/cni\/bin: the file system is read-only; mount it writable/,
    atStart: true,
    make: (world, node) => makeReadOnly(world, node, "/opt/cni/bin"),
  },
  {
    name: `${networks} that cannot be written is told of, with what to do`,
    needs: "machines",
    told: /Cannot write \/etc\/cni\/net\.d\/10-hextet\.conflist: read-only file system: mount it writable for the agent/,
    atStart: true,
    make: async (world, node) => {
      // What is there and right is not written again.
      await onMachine(world, node, `rm ${networks}/10-hextet.conflist`);
      const mend = await makeReadOnly(world, node, networks);
      // What was mounted into a container stays as it was then.
      return () => mend().then(() => replaceAgent(world, node));
    },
  },
];

export const badInputChecks: readonly Check[] = trials.map((trial) => ({
  name: trial.name,
  ...(trial.needs === undefined ? {} : { needs: trial.needs }),
  run: (world) => tryTrial(world, trial),
}));

async function onMachine({ machines }: World, node: string, line: string): Promise<void> {
  if (machines === undefined) throw new Error("there is no way to nodes but Kubernetes");
  await machines.run(node, line);
}

async function makeReadOnly(world: World, node: string, directory: string): Promise<() => Promise<void>> {
  await onMachine(world, node, `mount --bind ${directory} ${directory} && mount -o remount,bind,ro ${directory}`);
  return () => onMachine(world, node, `umount ${directory}`);
}

const roleSchema = v.looseObject({
  metadata: v.object({
    name: v.string(),
    labels: v.optional(v.record(v.string(), v.string())),
    annotations: v.optional(v.record(v.string(), v.string())),
  }),
  rules: v.array(v.looseObject({ resources: v.array(v.string()) })),
});

async function withdrawRight({ kubectl }: World, resource: string): Promise<() => Promise<void>> {
  const role = v.parse(roleSchema, JSON.parse(await kubectl.run("get", "clusterrole/hextet-agent", "--output=json")));
  await kubectl.replace({ ...role, rules: role.rules.filter(({ resources }) => !resources.includes(resource)) });
  return () => kubectl.replace(role);
}

async function tryTrial(world: World, { make, told, container = "agent", atStart }: Trial): Promise<void> {
  const node = world.nodes.at(-1)?.metadata.name ?? "";
  await world.untilAgentsReady();
  const mend = await make(world, node);
  try {
    if (atStart) await replaceAgent(world, node);
    await expectTold(world, { node, told, container });
  } finally {
    await undo(mend);
  }
  await world.untilAgentsReady();
}

async function replaceAgent(world: World, node: string): Promise<void> {
  const [agent] = await agentsOf(world, node);
  if (agent !== undefined) await world.kubectl.run("delete", "pod", agent.metadata.name, "--namespace=kube-system");
}

function agentsOf({ kubectl }: World, node: string) {
  const selectors = ["--selector=app.kubernetes.io/name=hextet", `--field-selector=spec.nodeName=${node}`];
  return kubectl.get(podSchema, "pods", "--namespace=kube-system", ...selectors);
}

export interface Expectation {
  readonly node: string;
  readonly told: RegExp;
  readonly container?: "agent" | "install";
}

/** By the log and by `kubectl describe`. */
export async function expectTold(world: World, { node, told, container = "agent" }: Expectation): Promise<void> {
  const places = { described: "", logged: "" };
  const isTold = async () => {
    const [agent] = await agentsOf(world, node);
    if (agent === undefined) return undefined;
    const where = ["--namespace=kube-system", agent.metadata.name];
    places.described = await world.kubectl.run("describe", "pod", ...where);
    // There is no log before the container has been made.
    places.logged = await world.kubectl.run("logs", `--container=${container}`, ...where).catch(String);
    return told.test(places.described) && told.test(places.logged) ? true : undefined;
  };
  try {
    await eventually(`the agent of ${node} tells of ${told}`, isTold, limitMs);
  } catch (error) {
    const faults = places.logged.split("\n").filter((line) => !line.includes('"level":"info"'));
    const events = places.described.slice(places.described.indexOf("Events:"));
    throw new Error([`${node} does not tell of ${told}`, events, ...faults].join("\n"), { cause: error });
  }
}
