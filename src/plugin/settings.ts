// What a network configuration says to the plugin `hextet` itself: the mode, and what belongs to each. The keys every plugin
// shares are read in src/cni, the `ipam` section in src/ipam. docs/configuration.md is the reference.
import { isAbsolute } from "node:path";
import * as v from "valibot";
import type { NetworkConfig } from "../cni/network-config.ts";
import type { Dns } from "../cni/result.ts";
import { describeUnknownKey, unknownKeys } from "../config/nearest.ts";
import { closedObject, openObject, parse, text } from "../config/parse.ts";
import { remembered } from "../config/remembered.ts";
import { integer, interfaceName } from "../config/values.ts";
import type { BackendSetting } from "../firewall/detection.ts";
import type { InterfaceAddress } from "../ip/prefix.ts";
import type { Log } from "../log/log.ts";
import type { MacvlanKind, Mode, Probe } from "../pod/pod-network.ts";
import type { Own } from "./ipam-section.ts";

/** RFC 5227 asks three times a second apart; on a switched link an answer takes well under a millisecond. */
const defaultProbe: Probe = { count: 3, intervalMs: 20 };
/** Routers answer a solicitation within half a second (RFC 4861, 6.2.6), and the solicitation is sent again after four. */
const defaultSlaacTimeoutMs = 10_000;

const entries = {
  mode: v.optional(v.picklist(["routed", "bridge", "macvlan"]), "routed"),
  mtu: v.optional(integer(68, 65_535)),
  bridge: v.optional(interfaceName(), "hextet0"),
  hairpin: v.optional(v.boolean(), false),
  isolated: v.optional(v.boolean(), false),
  adopt: v.optional(v.boolean(), false),
  master: v.optional(interfaceName()),
  macvlanMode: v.optional(v.picklist(["bridge", "private", "vepa", "passthru"]), "bridge"),
  probe: v.optional(
    closedObject({
      count: v.optional(integer(0, 10), defaultProbe.count),
      intervalMs: v.optional(integer(1, 5000), defaultProbe.intervalMs),
    }),
    defaultProbe,
  ),
  slaacTimeoutMs: v.optional(integer(100, 60_000), defaultSlaacTimeoutMs),
  sysctl: v.optional(v.record(v.string(), v.string()), {}),
  guard: v.exactOptional(text(absolutePath)),
  firewall: v.optional(closedObject({ backend: v.optional(v.picklist(["auto", "iptables", "nftables"]), "auto") }), {
    backend: "auto",
  }),
  dns: v.optional(
    openObject({
      nameservers: v.exactOptional(v.array(v.string())),
      domain: v.exactOptional(v.string()),
      search: v.exactOptional(v.array(v.string())),
      options: v.exactOptional(v.array(v.string())),
    }),
  ),
};

function absolutePath(path: string): string {
  if (isAbsolute(path)) return path;
  throw new SyntaxError(`${JSON.stringify(path)} is not a path from the root; write it from the first / on`);
}

const schema = openObject(entries);

/** Every key the plugin knows, `ipam` among them, which src/ipam reads. */
export const settingKeys: readonly string[] = [...Object.keys(entries), "ipam"];

/** Which keys mean something in one mode only. */
export const keysOfMode: Readonly<Record<string, readonly string[]>> = {
  routed: ["guard"],
  bridge: ["bridge", "hairpin", "isolated", "adopt"],
  macvlan: ["master", "macvlanMode", "slaacTimeoutMs"],
};

export interface Settings {
  readonly mode: "routed" | "bridge" | "macvlan";
  readonly mtu?: number | undefined;
  readonly bridge: string;
  readonly hairpin: boolean;
  readonly isolated: boolean;
  readonly adopt: boolean;
  readonly master?: string | undefined;
  readonly macvlanMode: MacvlanKind;
  readonly probe: Probe;
  readonly slaacTimeoutMs: number;
  readonly sysctl: Readonly<Record<string, string>>;
  /** A file of the agent's that says which pods a policy may be meant for. */
  readonly guard?: string;
  /** Which of the host's packet filters leads ports of the node to pods. */
  readonly firewall: { readonly backend: BackendSetting };
  readonly dns?: Dns | undefined;
}

export function parseSettings(own: Own): Settings {
  return parse(schema, own);
}

/** Reads the plugin's own keys and warns of those that mean nothing. */
export function readSettings(log: Log, { name, own }: NetworkConfig): Settings {
  const { settings, warnings } = readOwn(own);
  for (const warning of warnings) log.warning("configuration", { network: name, warning });
  return settings;
}

const readOwn = remembered((own: Own) => {
  const settings = parseSettings(own);
  return { settings, warnings: settingsWarnings(own, settings) };
});

/** For freeing, which goes on whatever the configuration says. */
export function tolerantSettings({ own }: NetworkConfig): Settings | undefined {
  const read = v.safeParse(schema, own);
  return read.success ? read.output : undefined;
}

/** What is there and means nothing: keys nobody knows, and keys of another mode than the one that is set. */
export function settingsWarnings(own: Own, settings: Settings): string[] {
  const unknown = unknownKeys(own, settingKeys).map(({ path }) => `${path}: ${describeUnknownKey(path, settingKeys)}`);
  const misplaced = Object.entries(keysOfMode)
    .filter(([mode]) => mode !== settings.mode)
    .flatMap(([mode, keys]) => keys.filter((key) => key in own).map((key) => ({ key, mode })))
    .map(({ key, mode }) => `${key}: this key belongs to mode ${mode} and means nothing in mode ${settings.mode}`);
  return [...unknown, ...misplaced];
}

export interface ModeFacts {
  /** Addresses the bridge is to hold: the gateways of its pods. */
  readonly gateways: readonly InterfaceAddress[];
  readonly slaac: boolean;
}

export function modeOf(settings: Settings, facts: ModeFacts): Mode {
  switch (settings.mode) {
    case "routed":
      return { kind: "routed" };
    case "bridge": {
      const { bridge, hairpin, isolated, adopt, probe } = settings;
      return { kind: "bridge", bridge, gateways: facts.gateways, hairpin, isolated, adopt, probe };
    }
    case "macvlan": {
      const { master, macvlanMode, probe, slaacTimeoutMs } = settings;
      return {
        kind: "macvlan",
        ...(master === undefined ? {} : { master }),
        macvlanMode,
        probe,
        ...(facts.slaac ? { slaac: { timeoutMs: slaacTimeoutMs } } : {}),
      };
    }
  }
}
