// Facts about what is Hextet's own on this host: the installed build, the network's file, the lease database and its strays.
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { AgentConfig } from "../../agent/config.ts";
import { conflistFaults } from "../../agent/conflist-file.ts";
import { confirmed, noStrays, type Strays, straysOf } from "../../agent/strays.ts";
import { guardFileName, readGuard } from "../../firewall/guard-file.ts";
import { programNames } from "../../install/installation.ts";
import { readInstallation } from "../../install/read.ts";
import { LeaseError } from "../../ipam/lease-error.ts";
import { LeaseReader } from "../../ipam/store/lease-reader.ts";
import { pathsIn } from "../../ipam/store/store-paths.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isForbidden } from "../../kernel/system-error.ts";
import { Connection } from "../../netlink/connection.ts";
import { listLinks } from "../../netlink/link.ts";
import { parseAlias } from "../../pod/alias.ts";
import { inventory } from "../../pod/inventory.ts";
import type { Installed, Networks, Store } from "../facts.ts";

export function readInstalled(directory: string): Installed {
  const { versions, current, names } = readInstallation(directory);
  const version = versions.find(({ name }) => name === current);
  return {
    directory,
    ...(version === undefined ? {} : { buildId: version.buildId }),
    whole: version?.whole ?? false,
    missing: programNames.filter((name) => names.get(name) !== "ours"),
  };
}

export async function readNetworks({ directory, fileName, network }: AgentConfig["cni"]): Promise<Networks> {
  if (existsSync(directory)) readdirSync(directory); // who may not read it must not take it for empty
  const files = existsSync(directory) ? readdirSync(directory) : [];
  const configurations = files.filter((name) => [".conf", ".conflist", ".json"].includes(extname(name)));
  return {
    directory,
    fileName,
    written: files.includes(fileName),
    faults: await conflistFaults({ directory, fileName }, network),
    others: configurations.filter((name) => name !== fileName),
  };
}

export function readStore(directory: string): Store {
  const { database: path } = pathsIn(directory);
  requireReadable(path);
  try {
    using reader = LeaseReader.open(directory);
    if (reader === undefined) return { path, state: "missing" };
    const why = reader.damage();
    return why === undefined ? { path, state: "sound" } : { path, state: "damaged", why };
  } catch (error) {
    if (!(error instanceof LeaseError)) throw error;
    const why = error.details === undefined ? error.message : `${error.message}: ${error.details}`;
    return { path, state: error.reason === "store" ? "damaged" : "unsafe", why };
  }
}

/** What SQLite says of a file that is not the caller's to read sounds like damage. */
function requireReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    if (isForbidden(error)) {
      throw new Error(`${path} is root's alone to read: run it as root`, { cause: error });
    }
  }
}

/** Longer than an ADD or DEL takes, which pass through what looks like a stray. */
const betweenLooksMs = 1_000;

/** What two looks found; where the first finds nothing there is no second. */
export async function readStrays(kernel: Kernel, { dataDirectory, cni }: AgentConfig): Promise<Strays> {
  const before = lookForStrays(kernel, dataDirectory, cni.network);
  if (before.links.length + before.unknown.length + before.leases.length === 0) return noStrays;
  await wait(betweenLooksMs);
  return confirmed(before, lookForStrays(kernel, dataDirectory, cni.network));
}

function lookForStrays(kernel: Kernel, directory: string, network: string): Strays {
  requireReadable(pathsIn(directory).database);
  // Links first, as a DEL takes away both.
  const links = inventory(kernel).filter((each) => each.attachment.network === network && each.hostLink !== undefined);
  using host = new Connection(kernel.socket("route"));
  const named = host.dump(listLinks()).flatMap(({ alias }) => parseAlias(alias) ?? []);
  using reader = LeaseReader.open(directory);
  if (reader === undefined) return { links: [], unknown: links, leases: [] };
  return straysOf({
    links,
    named,
    held: reader.leases({ network }),
    wasReleased: ({ containerId, interfaceName }) =>
      reader.leases({ network, containerId, interfaceName, states: ["released"] }).length > 0,
  });
}

export function readGuardedBoot(directory: string): string | undefined {
  const path = join(directory, guardFileName);
  if (!existsSync(path)) return undefined;
  return readGuard(path).bootId;
}
