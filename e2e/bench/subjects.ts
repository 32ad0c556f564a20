// What the attach bench compares: ours, the kernel's own price, and the plugin pairs that are at hand, each with its command and its
// network configuration per set of families. docs/performance.md says in words what each of them is.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compiled } from "./compiled.ts";

export type Families = "v4" | "v6" | "dual";

export interface Subject {
  readonly name: string;
  /** What must be there, by absolute path; a subject that lacks any of it is left out. */
  readonly needs: readonly string[];
  readonly call: (place: CallPlace) => Call;
  /** Answers through an agent, which the bench starts for it with such a cluster. */
  readonly agent?: { readonly nodeName: string; readonly cluster: object };
}

export interface CallPlace {
  readonly families: Families;
  /** The subject's own. */
  readonly directory: string;
}

export interface Call {
  readonly command: readonly string[];
  readonly stdin: string;
  /** Files that the command reads, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Places {
  /** Where `npm run build` left ours. */
  readonly binDirectory: string;
  /** Where the reference plugins are: package containernetworking-plugins puts them into /usr/lib/cni. */
  readonly referenceDirectory: string;
  /** Where the bench's own programs are compiled to. */
  readonly scratchDirectory: string;
}

/** What ratios are taken against. */
export const referenceSubject = "bridge + host-local";
export const floorSubject = "floor";

const mtu = 1500;

const ranges: Readonly<Record<Families, readonly object[][]>> = {
  v4: [[{ subnet: "10.77.0.0/16" }]],
  v6: [[{ subnet: "fd77::/64" }]],
  dual: [[{ subnet: "fd77::/64" }], [{ subnet: "10.77.0.0/16" }]],
};

const defaultRoutes: Readonly<Record<Families, readonly object[]>> = {
  v4: [{ dst: "0.0.0.0/0" }],
  v6: [{ dst: "::/0" }],
  dual: [{ dst: "::/0" }, { dst: "0.0.0.0/0" }],
};

const nodeName = "bench";
const cluster = { nodes: { [nodeName]: { addresses: ["2001:db8::1"], prefixes: ["fd77::/64", "10.77.0.0/16"] } } };

const namespace = "bench";
/** More than are there at once. */
const names = 2000;

/** What runtimes of Kubernetes say of a pod. */
export function podArgs(number: number): string {
  return `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${nameOf(number)}`;
}

function nameOf(number: number): string {
  return `web-${number % names}`;
}

/** A policy selects every pod, so nothing passes before the packet filter knows it, and ADD waits for that. */
const policed = {
  pods: Object.fromEntries(
    Array.from({ length: names }, (_, at) => [`${namespace}/${nameOf(at)}`, { labels: { app: "web" } }]),
  ),
  policies: [
    {
      metadata: { name: "web", namespace },
      spec: { podSelector: { matchLabels: { app: "web" } }, ingress: [{ ports: [{ port: 80 }] }] },
    },
  ],
};

/** In the order in which they run and are printed. */
export function subjects(places: Places): Subject[] {
  const all = [...ours(places), ...references(places)];
  return all.filter(({ needs }) => needs.every((path) => existsSync(path)));
}

function ours({ binDirectory, scratchDirectory }: Places): Subject[] {
  const program = join(binDirectory, "hextet");
  const call = ({ families, directory }: CallPlace) => ({
    command: [program],
    stdin: JSON.stringify({
      ...common("hextet"),
      mtu,
      ipam: { type: "hextet-ipam", ranges: ranges[families], dataDir: join(directory, "data") },
    }),
  });
  return [
    {
      name: floorSubject,
      needs: [],
      call: ({ families }) => ({ command: [compiled("floor", scratchDirectory), families], stdin: "" }),
    },
    { name: "hextet, agent", needs: [program], call, agent: { nodeName, cluster } },
    {
      name: "hextet, agent, policies",
      needs: [program],
      call,
      agent: { nodeName, cluster: { ...cluster, ...policed } },
    },
    { name: "hextet standalone", needs: [program], call },
  ];
}

function references({ referenceDirectory, scratchDirectory }: Places): Subject[] {
  const reference = (plugin: string) => join(referenceDirectory, plugin);
  const hostLocal = reference("host-local");
  const chained = ["portmap", "bandwidth", "tuning"];
  return [
    {
      name: referenceSubject,
      needs: [reference("bridge"), hostLocal],
      call: (place) => ({ command: [reference("bridge")], stdin: JSON.stringify(bridge(place)) }),
    },
    {
      name: `${referenceSubject} with the usual chain`,
      needs: [reference("bridge"), hostLocal, ...chained.map(reference)],
      call: (place) => chain(place, { reference, program: compiled("chain", scratchDirectory), chained }),
    },
    {
      name: "ptp + host-local",
      needs: [reference("ptp"), hostLocal],
      call: (place) => ({
        command: [reference("ptp")],
        stdin: JSON.stringify({ ...common("ptp"), mtu, ipam: hostLocalOf(place) }),
      }),
    },
  ];
}

function bridge(place: CallPlace) {
  return { ...common("bridge"), bridge: "bench0", isGateway: true, mtu, ipam: hostLocalOf(place) };
}

interface Chained {
  readonly reference: (plugin: string) => string;
  readonly program: string;
  readonly chained: readonly string[];
}

/** As on a node whose configuration has them, for a pod that asks nothing of them. */
function chain(place: CallPlace, { reference, program, chained }: Chained): Call {
  const configurations = [
    { ...bridge(place), name: "bench-chain", bridge: "bench1" },
    ...chained.map((type) => ({ cniVersion: "1.0.0", name: "bench-chain", type })),
  ];
  const cache = join(place.directory, "stdout");
  const parts = configurations.map((configuration) => ({
    plugin: reference(configuration.type),
    file: join(place.directory, `${configuration.type}.conf`),
    text: JSON.stringify(configuration),
  }));
  return {
    command: [program, cache, ...parts.flatMap(({ plugin, file }) => [plugin, file])],
    stdin: "",
    files: Object.fromEntries(parts.map(({ file, text }) => [file, text])),
  };
}

function hostLocalOf({ families, directory }: CallPlace): object {
  return {
    type: "host-local",
    ranges: ranges[families],
    routes: defaultRoutes[families],
    dataDir: join(directory, "data"),
  };
}

function common(type: string): { readonly cniVersion: string; readonly name: string; readonly type: string } {
  return { cniVersion: "1.0.0", name: `bench-${type}`, type };
}
