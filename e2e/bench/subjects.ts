// What the attach bench compares: the plugin pairs that are at hand, each with its network configuration per set of families.
import { existsSync } from "node:fs";
import { join } from "node:path";

export type Families = "v4" | "v6" | "dual";

export interface Subject {
  readonly name: string;
  /** The executable, one absolute path. */
  readonly program: string;
  readonly conf: (families: Families, dataDirectory: string) => object;
  /** Answers through an agent, which the bench starts for it. */
  readonly withAgent?: true;
}

export interface Places {
  /** Where `npm run build` left ours. */
  readonly binDirectory: string;
  /** Where the reference plugins are: package containernetworking-plugins puts them into /usr/lib/cni. */
  readonly referenceDirectory: string;
}

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

/** In the order in which they run and are printed; the first of the reference's is what ratios are taken against. */
export function subjects(places: Places): Subject[] {
  const reference = (plugin: string) => join(places.referenceDirectory, plugin);
  const hostLocal = (families: Families, dataDir: string) => ({
    type: "host-local",
    ranges: ranges[families],
    routes: defaultRoutes[families],
    dataDir,
  });
  const all: Subject[] = [
    {
      name: "hextet, agent",
      program: join(places.binDirectory, "hextet"),
      conf: hextetConf,
      withAgent: true,
    },
    {
      name: "hextet standalone",
      program: join(places.binDirectory, "hextet"),
      conf: hextetConf,
    },
    {
      name: "bridge + host-local",
      program: reference("bridge"),
      conf: (families, dataDir) => ({
        ...common("bridge"),
        bridge: "bench0",
        isGateway: true,
        ipam: hostLocal(families, dataDir),
      }),
    },
    {
      name: "ptp + host-local",
      program: reference("ptp"),
      conf: (families, dataDir) => ({ ...common("ptp"), ipam: hostLocal(families, dataDir) }),
    },
  ];
  return all.filter((subject) => existsSync(subject.program));
}

function hextetConf(families: Families, dataDir: string): object {
  return { ...common("hextet"), ipam: { type: "hextet-ipam", ranges: ranges[families], dataDir } };
}

function common(type: string): object {
  return { cniVersion: "1.0.0", name: `bench-${type}`, type };
}
