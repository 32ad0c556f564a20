// What a pod asks of its network by annotations, and what people are told where it cannot be had: the events of a pod that does not start are
// all that most of them see.
import { Prefix } from "../../../src/ip/prefix.ts";
import { eventually } from "../../runtimes/eventually.ts";
import { type Check, expectNone } from "../check.ts";
import { addressesOf, familyOf } from "../objects.ts";
import { pod, podSpec } from "../workload.ts";
import { namespace, type World } from "../world.ts";

const asked = "asked";
const refused = "refused";
/** Beyond what pods get in turn. */
const offset = 200n;

export const requestChecks: readonly Check[] = [
  { name: "a pod gets the addresses that it asks for by its annotation, in the cluster's order", run: checkGiven },
  { name: "kubectl describe says of a pod that cannot be attached why, and what to do", run: checkRefused },
];

function lastNode({ nodes }: World) {
  const node = nodes.at(-1);
  if (node === undefined) throw new Error("the cluster has no node");
  return { name: node.metadata.name, prefixes: node.spec.podCIDRs.map((text) => Prefix.parse(text)) };
}

async function askFor(world: World, name: string, addresses: readonly string[]): Promise<void> {
  const spec = podSpec({ image: world.image, nodeName: lastNode(world).name });
  await world.kubectl.apply([pod({ namespace, name }, spec, { "hextet.dev/ips": addresses.join(",") })]);
}

async function remove({ kubectl }: World, name: string): Promise<void> {
  await kubectl.run("delete", "pod", name, `--namespace=${namespace}`, "--ignore-not-found", "--grace-period=1");
}

async function checkGiven(world: World): Promise<void> {
  await world.ready();
  const wanted = lastNode(world).prefixes.map((prefix) => `${prefix.at(offset)}`);
  // Whichever way round they are asked for.
  await askFor(world, asked, wanted.toReversed());
  const [given] = await world.untilReady(namespace, 1, `app=${asked}`);
  const found = given === undefined ? [] : addressesOf(given);
  expectNone(String(found) === String(wanted) ? [] : [`${asked} has [${found.join(" ")}], not [${wanted.join(" ")}]`]);
}

/** One that asks for what the pod of the check before holds, and one for what no pod of this node can have. */
async function checkRefused(world: World): Promise<void> {
  await world.ready();
  const { prefixes } = lastNode(world);
  const held = prefixes.map((prefix) => `${prefix.at(offset)}`);
  const foreign = prefixes.map(({ address }) => (familyOf(`${address}`) === "v6" ? "2001:db8::25" : "192.0.2.25"));
  await askFor(world, asked, held);
  await world.untilReady(namespace, 1, `app=${asked}`);
  const why = String.raw`Failed to create pod sandbox: .*plugin type="hextet" failed \(add\): `;
  await expectEvent(world, held, new RegExp(`${why}.*(${held.join("|")}) .*${namespace}/${asked}\\).*Ask for another`));
  await expectEvent(
    world,
    foreign,
    new RegExp(`${why}.*(${foreign.join("|")}) .* lies outside every range, which are`),
  );
  await remove(world, asked);
}

async function expectEvent(world: World, addresses: readonly string[], told: RegExp): Promise<void> {
  await askFor(world, refused, addresses);
  let described = "";
  const isTold = async () => {
    described = await world.kubectl.run("describe", "pod", refused, `--namespace=${namespace}`);
    return told.test(described) ? true : undefined;
  };
  try {
    await eventually(`an event of ${refused} is like ${told}`, isTold, 60_000);
  } catch (error) {
    throw new Error(`no event is like ${told}\n${described.slice(described.indexOf("Events:"))}`, { cause: error });
  } finally {
    await remove(world, refused);
  }
}
