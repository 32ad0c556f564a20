// Who reaches whom, in each family of the cluster: pods of other nodes and of the same, nodes, services in their several forms, the world
// outside, and whose address is seen there.
import { Address } from "../../../src/ip/address.ts";
import { Prefix } from "../../../src/ip/prefix.ts";
import { type Check, expectNone, untilNone } from "../check.ts";
import { OutsideHost } from "../machines.ts";
import { addressesOf, internalAddresses, type PodObject, serviceSchema, urlOf } from "../objects.ts";
import type { Asked, Served } from "../pod-program.ts";
import { hostPort, httpPort } from "../workload.ts";
import { hostHttpPort, namespace, type World } from "../world.ts";

export const reachChecks: readonly Check[] = [
  {
    name: "pods reach pods of other nodes, and are seen by their own addresses",
    run: (world) => checkPods(world, false),
  },
  {
    name: "pods reach pods of the same node, and are seen by their own addresses",
    run: (world) => checkPods(world, true),
  },
  { name: "pods reach every node, by each of its addresses", run: checkNodes },
  { name: "nodes reach pods of every node", run: checkFromNodes },
  { name: "pods reach a service by each of its cluster addresses", run: checkClusterAddresses },
  { name: "pods reach a service by its port on every node", run: checkNodePorts },
  { name: "nodes and pods reach a pod by its port of the node", run: checkHostPorts },
  { name: "the name of a headless service leads to every pod of it, in each family", run: checkNames },
  {
    name: "pods reach a host outside of the cluster, and private addresses are translated",
    needs: "machines",
    run: checkOutside,
  },
  { name: "a host outside reaches services and pods by ports of the nodes", needs: "machines", run: checkFromOutside },
];

/** What is wrong with an answer; undefined where nothing is. */
type Judge = (served: Served, url: string) => string | undefined;

const anybody: Judge = () => undefined;

export async function checkPods(world: World, sameNode: boolean): Promise<void> {
  await world.ready();
  const [from, to] = [await world.pods("one"), await world.pods("two")];
  const isWanted = (one: PodObject, other: PodObject) => (one.spec.nodeName === other.spec.nodeName) === sameNode;
  const faults = from.map((pod) => {
    const urls = to.filter((other) => isWanted(pod, other)).flatMap((other) => podUrls(other));
    return faultsOfAsking(world, pod, { urls, judge: seenAs(addressesOf(pod)) });
  });
  expectNone((await Promise.all(faults)).flat());
}

function seenAs(addresses: readonly string[]): Judge {
  return ({ from }) => (addresses.includes(from) ? undefined : `was seen as ${from}, not as ${addresses.join(" or ")}`);
}

export function podUrls(pod: PodObject, port = httpPort): readonly string[] {
  return addressesOf(pod).map((address) => urlOf(address, port));
}

interface Asking {
  readonly urls: readonly string[];
  readonly judge: Judge;
}

async function faultsOfAsking(world: World, pod: PodObject, { urls, judge }: Asking): Promise<readonly string[]> {
  return urls.length === 0 ? [] : faultsOf(pod.metadata.name, await world.ask(pod, urls), judge);
}

function faultsOf(who: string, answers: readonly Asked[], judge: Judge): readonly string[] {
  return answers.flatMap(({ url, served, error }) => {
    const why = served === undefined ? `got no answer: ${error}` : judge(served, url);
    return why === undefined ? [] : [`${who} -> ${url} ${why}`];
  });
}

/** All of these URLs from one pod of each node. */
async function expectFromEveryNode(world: World, urls: readonly string[], app = "two"): Promise<void> {
  await world.ready();
  const pods = await world.pods(app);
  const faults = pods.map((pod) => faultsOfAsking(world, pod, { urls, judge: anybody }));
  expectNone((await Promise.all(faults)).flat());
}

/** Addresses of nodes, of the families that pods have. */
function nodeAddresses({ nodes, families }: World): readonly string[] {
  return nodes.flatMap(internalAddresses).filter((text) => families.includes(text.includes(":") ? "v6" : "v4"));
}

function checkNodes(world: World): Promise<void> {
  return expectFromEveryNode(
    world,
    nodeAddresses(world).map((address) => urlOf(address, hostHttpPort)),
  );
}

async function checkFromNodes(world: World): Promise<void> {
  await world.ready();
  await expectFromEveryNode(
    world,
    (await world.pods("one")).flatMap((pod) => podUrls(pod)),
    "host",
  );
}

async function checkClusterAddresses(world: World): Promise<void> {
  await world.ready();
  const { spec } = await serviceNamed(world, "one");
  if (spec.clusterIPs.length < world.families.length) {
    throw new Error(`the service has [${spec.clusterIPs.join(" ")}], the cluster has ${world.families.join(" and ")}`);
  }
  await expectFromEveryNode(
    world,
    spec.clusterIPs.map((address) => urlOf(address, 80)),
  );
}

async function serviceNamed({ kubectl }: World, name: string) {
  const selector = `--field-selector=metadata.name=${name}`;
  const [found] = await kubectl.get(serviceSchema, "services", `--namespace=${namespace}`, selector);
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}

async function nodePortUrls(world: World): Promise<readonly string[]> {
  await world.ready();
  const port = (await serviceNamed(world, "node-port")).spec.ports[0]?.nodePort;
  if (port === undefined) throw new Error("the service has no port on nodes");
  return nodeAddresses(world).map((address) => urlOf(address, port));
}

async function checkNodePorts(world: World): Promise<void> {
  await expectFromEveryNode(world, await nodePortUrls(world));
}

function hostPortUrls(world: World): readonly string[] {
  return nodeAddresses(world).map((address) => urlOf(address, hostPort));
}

async function checkHostPorts(world: World): Promise<void> {
  await expectFromEveryNode(world, hostPortUrls(world));
  await expectFromEveryNode(world, hostPortUrls(world), "host");
}

/** Name servers are told of a service some time after it was made, and remember for half a minute that there was none. */
async function checkNames(world: World): Promise<void> {
  await world.ready();
  await untilNone(() => faultsOfNames(world));
}

async function faultsOfNames(world: World): Promise<readonly string[]> {
  const wanted = (await world.pods("one")).flatMap(addressesOf).toSorted();
  const name = `headless.${namespace}.svc.cluster.local`;
  const faults = (await world.pods("two")).map(async ({ metadata }) => {
    const where = ["exec", `--namespace=${namespace}`, metadata.name, "--"];
    const found: string[] = JSON.parse(await world.kubectl.run(...where, "hextetctl", "resolve", name));
    return String(found.toSorted()) === String(wanted) ? [] : [`${metadata.name}: ${name} is [${found.join(" ")}]`];
  });
  return (await Promise.all(faults)).flat();
}

async function checkOutside(world: World): Promise<void> {
  await world.ready();
  await using outside = await OutsideHost.start(world.image);
  const urls = outside.addresses
    .filter((address) => world.families.includes(address.includes(":") ? "v6" : "v4"))
    .map((address) => urlOf(address, httpPort));
  const faults = (await world.pods("two")).map((pod) => {
    const node = world.nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName);
    const judge: Judge = ({ from }) => {
      const isOfPod = addressesOf(pod).includes(from);
      if (isPrivate(from))
        return node !== undefined && internalAddresses(node).includes(from) ? undefined : `was seen as ${from}`;
      return isOfPod ? undefined : `was seen as ${from}`;
    };
    return faultsOfAsking(world, pod, { urls, judge });
  });
  expectNone([
    ...(urls.length === 0 ? ["the host outside has no address"] : []),
    ...(await Promise.all(faults)).flat(),
  ]);
}

/** Nobody outside has a route to these: RFC 1918, RFC 4193. */
const privatePrefixes = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"].map((text) => Prefix.parse(text));

function isPrivate(text: string): boolean {
  return privatePrefixes.some((prefix) => prefix.contains(Address.parse(text)));
}

async function checkFromOutside(world: World): Promise<void> {
  const urls = [...(await nodePortUrls(world)), ...hostPortUrls(world)];
  await using outside = await OutsideHost.start(world.image);
  expectNone(faultsOf("outside", await outside.ask(urls), anybody));
}
