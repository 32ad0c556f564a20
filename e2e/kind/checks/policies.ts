// NetworkPolicy as users write it: each case is policies and who then reaches the server. Verdicts come about some time after the policy, so a
// case is asked again until they are as they must be.
import { type Check, untilNone } from "../check.ts";
import { addressesOf, type PodObject, urlOf } from "../objects.ts";
import { daemonSet, httpPort, namespaceNamed, otherPort, pod, podSpec, scriptsIn } from "../workload.ts";
import type { World } from "../world.ts";

const home = "hextet-e2e-policy";
const abroad = "hextet-e2e-abroad";
export const policyNamespaces = [home, abroad] as const;
/** What is let pass is answered far sooner; what is dropped takes this long to be known. */
const answerMs = 2500;
const everybody = ["friend", "stranger", "visitor"] as const;
type Who = (typeof everybody)[number];

interface Case {
  readonly name: string;
  readonly spec: (cast: Cast) => readonly object[];
  readonly allowed: readonly Who[];
  /** At the server's other port; the same as above where nothing is said. */
  readonly allowedOther?: readonly Who[];
}

/** friend, stranger and visitor are on every node, the visitor in a namespace of its own; one server. */
interface Cast {
  readonly server: PodObject;
  readonly clients: ReadonlyMap<Who, readonly PodObject[]>;
}

const all = { podSelector: {} };
const server = { podSelector: { matchLabels: { app: "server" } } };
const friend = { podSelector: { matchLabels: { app: "friend" } } };
const http = [{ protocol: "TCP", port: httpPort }];
const denyIngress = { ...all, policyTypes: ["Ingress"] };
const denyEgress = { ...all, policyTypes: ["Egress"] };

const cases: readonly Case[] = [
  { name: "without a policy everybody reaches everybody", spec: () => [], allowed: everybody },
  {
    name: "a policy that allows nothing to come denies all, but not the kubelet's probes",
    spec: () => [denyIngress],
    allowed: [],
  },
  {
    name: "a pod selector lets its pods in, of the policy's own namespace",
    spec: () => [denyIngress, { ...server, ingress: [{ from: [friend] }] }],
    allowed: ["friend"],
  },
  {
    name: "a port, by number, is let in and others are not",
    spec: () => [{ ...server, ingress: [{ ports: http }] }],
    allowed: everybody,
    allowedOther: [],
  },
  {
    name: "a port is let in by the name that the pod gives it",
    spec: () => [{ ...server, ingress: [{ ports: [{ protocol: "TCP", port: "http" }] }] }],
    allowed: everybody,
    allowedOther: [],
  },
  {
    name: "a namespace selector lets in the pods of those namespaces",
    spec: () => [{ ...server, ingress: [{ from: [{ namespaceSelector: { matchLabels: { side: "abroad" } } }] }] }],
    allowed: ["visitor"],
  },
  {
    name: "an ipBlock lets addresses in, of each family, and leaves out what it excepts",
    spec: ({ clients }) => [{ ...server, ingress: [{ from: blocks(clients.get("stranger") ?? []) }] }],
    allowed: ["friend", "visitor"],
  },
  {
    name: "a policy that allows nothing to go denies all that its namespace's pods ask",
    spec: () => [denyEgress],
    allowed: ["visitor"],
  },
  {
    name: "pods and ports that may be asked are reached, others are not",
    spec: () => [denyEgress, { ...friend, egress: [{ to: [server], ports: http }] }],
    allowed: ["friend", "visitor"],
    allowedOther: ["visitor"],
  },
];

export const policyChecks: readonly Check[] = cases.map((each) => ({
  name: `policy: ${each.name}`,
  run: (world) => tryCase(world, each),
}));

/** All addresses but those of these pods. */
function blocks(but: readonly PodObject[]): readonly object[] {
  const addresses = but.flatMap(addressesOf);
  const v6 = addresses.filter((text) => text.includes(":")).map((text) => `${text}/128`);
  const v4 = addresses.filter((text) => !text.includes(":")).map((text) => `${text}/32`);
  return [{ ipBlock: { cidr: "0.0.0.0/0", except: v4 } }, { ipBlock: { cidr: "::/0", except: v6 } }];
}

const casts = new WeakMap<World, Promise<Cast>>();

function castOf(world: World): Promise<Cast> {
  const known = casts.get(world) ?? makeCast(world);
  casts.set(world, known);
  return known;
}

async function makeCast(world: World): Promise<Cast> {
  const { kubectl, image, nodes } = world;
  const spec = podSpec({ image });
  const nodeName = nodes.at(-1)?.metadata.name ?? "";
  await kubectl.apply([
    namespaceNamed(home, { side: "home" }),
    namespaceNamed(abroad, { side: "abroad" }),
    await scriptsIn(home),
    await scriptsIn(abroad),
    pod({ namespace: home, name: "server" }, podSpec({ image, nodeName })),
    daemonSet({ namespace: home, name: "friend" }, spec),
    daemonSet({ namespace: home, name: "stranger" }, spec),
    daemonSet({ namespace: abroad, name: "visitor" }, spec),
  ]);
  const atHome = await world.untilReady(home, 1 + nodes.length * 2);
  const visitors = await world.untilReady(abroad, nodes.length);
  const [found] = atHome.filter(({ metadata }) => metadata.name === "server");
  if (found === undefined) throw new Error(`there is no pod server in ${home}`);
  const named = (app: string) => atHome.filter(({ metadata }) => metadata.labels["app"] === app);
  const clients = new Map([
    ["friend", named("friend")],
    ["stranger", named("stranger")],
    ["visitor", visitors],
  ] as const);
  return { server: found, clients };
}

async function tryCase(world: World, each: Case): Promise<void> {
  const { kubectl } = world;
  const cast = await castOf(world);
  const policies = each.spec(cast).map((spec, at) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: `policy-${at}`, namespace: home },
    spec,
  }));
  await kubectl.run("delete", "networkpolicies", "--all", `--namespace=${home}`, "--wait=true");
  if (policies.length > 0) await kubectl.apply(policies);
  await untilNone(() => faultsOfVerdicts(world, cast, each));
  await world.untilReady(home, 1 + world.nodes.length * 2);
}

async function faultsOfVerdicts(world: World, cast: Cast, each: Case): Promise<readonly string[]> {
  const [first, second] = [each.allowed, each.allowedOther ?? each.allowed];
  const found = everybody.flatMap((who) =>
    (cast.clients.get(who) ?? []).map(async (client) => {
      const urls = addressesOf(cast.server).flatMap((text) => [urlOf(text, httpPort), urlOf(text, otherPort)]);
      const answers = await world.ask(client, urls, answerMs);
      return answers.flatMap(({ url, served, error }) => {
        const wanted = (url.endsWith(`:${httpPort}/`) ? first : second).includes(who);
        if (wanted === (served !== undefined)) return [];
        const what = wanted ? `did not reach ${url}: ${error}` : `reached ${url}`;
        return [
          `${client.metadata.name} of ${client.spec.nodeName} ${what}; the server is on ${cast.server.spec.nodeName}`,
        ];
      });
    }),
  );
  return (await Promise.all(found)).flat();
}
