// A Node that is registered anew, as after `kubectl delete node`: without a prefix nothing can be attached, which its agent says; with another
// prefix than before new pods get addresses of that, and those that kept theirs are told of. In the end it has the prefixes it had.
import * as v from "valibot";
import { Address } from "../../../src/ip/address.ts";
import { Prefix } from "../../../src/ip/prefix.ts";
import { type Check, expectNone, untilNone } from "../check.ts";
import { addressesOf, type PodObject } from "../objects.ts";
import { undo } from "../program.ts";
import { pod, podSpec } from "../workload.ts";
import { namespace, type World } from "../world.ts";
import { expectTold } from "./bad-input.ts";
import { podUrls } from "./reach.ts";

export const prefixChecks: readonly Check[] = [
  {
    name: "a Node registered anew says that it has no prefix, serves pods of the one it gets, and tells of those from before",
    needs: "machines",
    run: checkAnew,
  },
];

const newcomer = "newcomer";
/** The kube-controller-manager, whose name the kernel keeps so much of, would give it prefixes at once. */
const giver = "kube-controller";

const nodeSchema = v.object({
  metadata: v.object({
    name: v.string(),
    labels: v.optional(v.record(v.string(), v.string()), {}),
    annotations: v.optional(v.record(v.string(), v.string()), {}),
  }),
  spec: v.looseObject({ podCIDRs: v.array(v.string()) }),
});
type Registration = v.InferOutput<typeof nodeSchema>;

async function checkAnew(world: World): Promise<void> {
  const { kubectl, machines, nodes } = world;
  const [head, node] = [nodes[0]?.metadata.name ?? "", nodes.at(-1)?.metadata.name ?? ""];
  await world.ready();
  const before = v.parse(nodeSchema, JSON.parse(await kubectl.run("get", `node/${node}`, "--output=json")));
  const others = before.spec.podCIDRs.map((text) => `${shifted(Prefix.parse(text))}`);
  await machines?.run(head, `pkill -STOP -x ${giver}`);
  try {
    await register(world, before, []);
    await expectTold(world, { node, told: new RegExp(`Node ${node} has no prefix, .*--allocate-node-cidrs=true`) });
    await register(world, before, others);
    await expectServed(world, node, others);
    const kept = new RegExp(`Pod \\S+ .*kept addresses outside of the prefixes of node ${node} .*: delete them`);
    await expectTold(world, { node, told: kept });
  } finally {
    await undo(async () => {
      await kubectl.run(
        "delete",
        "pod",
        newcomer,
        `--namespace=${namespace}`,
        "--ignore-not-found",
        "--grace-period=1",
      );
      await register(world, before, before.spec.podCIDRs);
      await machines?.run(head, `pkill -CONT -x ${giver}`);
    });
  }
  await world.untilNodesReady();
  await world.untilAgentsReady();
}

/** As far away as clusters in which this is tried have no node. */
function shifted(prefix: Prefix): Prefix {
  return Prefix.of(Address.of(prefix.family, prefix.address.value + prefix.size * 100n), prefix.length);
}

/** The kubelet goes on with what it finds by the name of its node. */
async function register(
  { kubectl }: World,
  { metadata, spec }: Registration,
  prefixes: readonly string[],
): Promise<void> {
  const { podCIDRs: _all, podCIDR: _first, ...rest } = spec;
  const given = prefixes.length === 0 ? rest : { ...rest, podCIDR: prefixes[0], podCIDRs: prefixes };
  await kubectl.run("delete", `node/${metadata.name}`, "--wait=true");
  await kubectl.apply([{ apiVersion: "v1", kind: "Node", metadata, spec: given }]);
}

async function expectServed(world: World, nodeName: string, prefixes: readonly string[]): Promise<void> {
  const spec = podSpec({ image: world.image, nodeName });
  // Before its kubelet has told of its capacity a node takes no pods.
  await world.untilNodesReady();
  await world.kubectl.apply([pod({ namespace, name: newcomer }, spec)]);
  const [served] = await world.untilReady(namespace, 1, `app=${newcomer}`);
  if (served === undefined) throw new Error(`there is no pod ${newcomer}`);
  const addresses = addressesOf(served);
  const isIn = (text: string) => prefixes.some((prefix) => Prefix.parse(prefix).contains(Address.parse(text)));
  expectNone([
    ...(addresses.length === prefixes.length ? [] : [`${newcomer} has [${addresses.join(" ")}]`]),
    ...addresses
      .filter((text) => !isIn(text))
      .map((text) => `${newcomer} has ${text}, outside of ${prefixes.join(" and ")}`),
  ]);
  await untilNone(() => unreached(world, served));
}

/** Other nodes need a route to it first. */
async function unreached(world: World, served: PodObject): Promise<readonly string[]> {
  const asking = (await world.pods("one")).filter(({ spec }) => spec.nodeName !== served.spec.nodeName);
  const answers = await Promise.all(asking.map((each) => world.ask(each, podUrls(served))));
  return answers.flat().flatMap(({ url, error }) => (error === undefined ? [] : [`${url}: ${error}`]));
}
