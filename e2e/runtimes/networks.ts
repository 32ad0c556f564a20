// The networks a runtime is given: a main plugin, an IPAM plugin and a chain behind them, ours and the reference's in any mixture,
// and how to read which addresses are leased. Bridge over host-local stands beside ours to prove that the harness tells the truth.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { Address } from "../../src/ip/address.ts";
import type { NetworkList, PluginConfig } from "../conformance/runtime.ts";
import { buildInside, type Families, type Machine } from "./machine.ts";
import { demand, type Program } from "./programs.ts";

/** From which containers get addresses, per family; gateway addresses, where a network has them, are host 1. */
export const subnets = { v6: "fd77:0:0:1::/64", v4: "10.77.0.0/24" } as const;
export const networkName = "pods";

export interface Ipam {
  readonly section: (families: Families) => PluginConfig;
  /** Every lease of the network, as "address container interface". */
  readonly leases: (machine: Machine) => readonly string[];
}

export interface Recipe {
  readonly main: PluginConfig;
  readonly ipam: Ipam;
  readonly chain: readonly PluginConfig[];
}

/** host-local keeps a file per address, with the container and the interface on two lines. */
export const hostLocal: Ipam = {
  section: (families) => ({ type: "host-local", ranges: ranges(families), routes: defaultRoutes(families) }),
  leases(machine) {
    const directory = `/var/lib/cni/networks/${networkName}`;
    if (!machine.has(directory)) return [];
    const addresses = readdirSync(machine.path(directory)).filter((name) => /^[0-9a-f:.]+$/.test(name));
    return addresses.map(
      (address) => `${address} ${machine.read(`${directory}/${address}`).trim().split(/\s+/).join(" ")}`,
    );
  },
};

const leaseRow = v.object({
  address: v.instance(Uint8Array),
  container_id: v.string(),
  interface: v.string(),
  state: v.string(),
});

/** Hextet keeps a row per address; one nobody holds any more says when it was released. A pending one is said to be. */
export const hextetIpam: Ipam = {
  section: (families) => ({ type: "hextet-ipam", ranges: ranges(families) }),
  leases(machine) {
    if (!machine.has("/var/lib/hextet/leases.db")) return [];
    // SQLite resolves symbolic links by their text, and so would leave the machine by its own root.
    using copy = copyOf(machine.path("/var/lib/hextet"), ["leases.db", "leases.db-wal"]);
    using database = new DatabaseSync(join(copy.directory, "leases.db"));
    const rows = database.prepare("SELECT * FROM lease WHERE network = ? AND released_at IS NULL").all(networkName);
    return v.parse(v.array(leaseRow), rows).map((row) => {
      const held = `${Address.fromBytes(row.address)} ${row.container_id} ${row.interface}`;
      return row.state === "active" ? held : `${held} ${row.state}`;
    });
  },
};

/** For main plugins that make no default route of a gateway by themselves. */
export const hextetIpamWithRoutes: Ipam = {
  ...hextetIpam,
  section: (families) => ({ ...hextetIpam.section(families), routes: defaultRoutes(families) }),
};

export const hextet: PluginConfig = { type: "hextet", capabilities: { ips: true, mac: true } };
export const bridge: PluginConfig = { type: "bridge", bridge: "reference0", isGateway: true };
export const portmap: PluginConfig = { type: "portmap", capabilities: { portMappings: true } };
export const ours: Recipe = { main: hextet, ipam: hextetIpam, chain: [portmap] };

/** CNI 1.0.0 is the newest that the packages of Debian 12 speak. */
export function listOf({ main, ipam, chain }: Recipe, families: Families, cniVersion = "1.0.0"): NetworkList {
  return { cniVersion, name: networkName, plugins: [{ ...main, ipam: ipam.section(families) }, ...chain] };
}

/** Gives the machine the network, the reference's plugins beside ours, and its neighbor a way to the containers. */
export async function installNetwork(machine: Machine, recipe: Recipe): Promise<void> {
  machine.write(`/etc/cni/net.d/10-${networkName}.conflist`, listOf(recipe, machine.families));
  for (const plugin of [
    "bandwidth",
    "bridge",
    "firewall",
    "host-local",
    "ipvlan",
    "macvlan",
    "portmap",
    "ptp",
    "tuning",
  ] as const) {
    const program: Program = `/usr/lib/cni/${plugin}`;
    demand(program);
    machine.link(program, `/opt/cni/bin/${plugin}`);
  }
  for (const plugin of ["hextet", "hextet-ipam"])
    machine.link(`../../..${buildInside}/bin/hextet`, `/opt/cni/bin/${plugin}`);
  for (const address of machine.addresses(1)) {
    const subnet = address.includes(":") ? subnets.v6 : subnets.v4;
    await machine.run("ip", "-netns", "neighbor", "route", "add", subnet, "via", address);
  }
}

function copyOf(directory: string, names: readonly string[]): Disposable & { readonly directory: string } {
  const copy = mkdtempSync(join(tmpdir(), "hextet-leases-"));
  for (const name of names.filter((each) => existsSync(join(directory, each)))) {
    copyFileSync(join(directory, name), join(copy, name));
  }
  return { directory: copy, [Symbol.dispose]: () => rmSync(copy, { recursive: true }) };
}

/** A second network with other prefixes, of hextet alone, whose only routes are these prefixes. */
export function installSecondNetwork(machine: Machine, name: string): void {
  const prefixes = perFamily(machine.families, "fd77:0:0:2::/64", "10.77.2.0/24");
  const ipam = { ranges: prefixes.map((subnet) => [{ subnet }]), routes: prefixes.map((dst) => ({ dst })) };
  machine.write(`/etc/cni/net.d/20-${name}.conflist`, { cniVersion: "1.0.0", name, plugins: [{ ...hextet, ipam }] });
}

function ranges(families: Families): object[][] {
  return perFamily(families, [{ subnet: subnets.v6 }], [{ subnet: subnets.v4 }]);
}

function defaultRoutes(families: Families): object[] {
  return perFamily(families, { dst: "::/0" }, { dst: "0.0.0.0/0" });
}

function perFamily<T>(families: Families, v6: T, v4: T): T[] {
  return families === "dual" ? [v6, v4] : [families === "v6" ? v6 : v4];
}
