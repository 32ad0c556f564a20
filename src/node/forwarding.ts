// Makes the node forward, in the families its pods have, without losing what routers advertise to it: first accept_ra, then
// forwarding. It heals what others reset, in the same order, and records what was there before. Neither is ever switched off
// here. https://docs.kernel.org/networking/ip-sysctl.html
import { type Family, families, familyName } from "../ip/address.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import { isGone, KernelError } from "../netlink/kernel-error.ts";
import type { Fault } from "./fault.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";
import {
  acceptRaOf,
  findListeners,
  type Listener,
  listenerFaults,
  mustBeRaised,
  readIfThere,
} from "./router-advertisements.ts";
import type { SysctlRecord } from "./sysctl-record.ts";
import type { Uplinks } from "./uplink.ts";

export interface ForwardingInput {
  /** Those of the node's own prefixes. */
  readonly families: readonly Family[];
  readonly host: Host;
  readonly uplinks: Uplinks;
  readonly heard: Set<string>;
}

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** A greater one is as good. */
  readonly orMore?: true;
}

/** What is to be set, in this order; if one cannot be, those behind it must not. */
function forwardingSettings(family: Family, listeners: readonly Listener[], uplinks: readonly string[]): Setting[] {
  const raised = family === "v6" ? listeners.filter(mustBeRaised) : [];
  return [
    ...raised.map(({ link }) => ({ name: acceptRaOf(link), value: "2" })),
    // For all links there are, and for those to come. IPv4 and the answers of neighbor proxies heed what the single link has.
    ...["all", "default", ...uplinks].map(
      (link) => ({ name: forwardingOf(family, link), value: "1", orMore: true }) as const,
    ),
  ];
}

export function applyForwarding(sysctl: Sysctl, record: SysctlRecord, input: ForwardingInput): Report {
  const wanted = families.filter((family) => input.families.includes(family));
  const listeners = wanted.includes("v6")
    ? findListeners(input.host, input.uplinks, { sysctl, record, heard: input.heard })
    : [];
  const uplinks = input.uplinks.links.map(({ name }) => name);
  const done = wanted.map((family) => {
    rememberSingleLinks(sysctl, record, { family, host: input.host });
    return applySettings(sysctl, record, forwardingSettings(family, listeners, uplinks));
  });
  return {
    changes: done.flatMap(({ changes }) => changes),
    faults: [...listeners.flatMap(listenerFaults), ...done.flatMap(({ faults }) => faults)],
  };
}

/** Sets what is not as it must be, up to the first that cannot be set. A link that has gone needs nothing. */
export function applySettings(sysctl: Sysctl, record: SysctlRecord, settings: readonly Setting[]): Report {
  const changes: string[] = [];
  for (const { name, value, orMore } of settings) {
    try {
      const have = sysctl.get(name);
      if (have === value || (orMore && Number(have) > Number(value))) continue;
      record.set(sysctl, name, value);
      changes.push(`sysctl ${name} ${have} -> ${value}`);
    } catch (error) {
      if (isGone(error)) continue;
      return { changes, faults: [refusal(error, { name, value })] };
    }
  }
  return { changes, faults: [] };
}

/** Switching forwarding on for all links overwrites what each has; what is not as `all` was must be remembered link by link. */
function rememberSingleLinks(
  sysctl: Sysctl,
  record: SysctlRecord,
  { family, host }: { readonly family: Family; readonly host: Host },
): void {
  const valueOf = (link: string) => readIfThere(sysctl, forwardingOf(family, link));
  const all = valueOf("all");
  if (all !== "0") return;
  for (const link of ["default", ...host.links.map(({ name }) => name)]) {
    const have = valueOf(link);
    if (have !== undefined && have !== all) record.remember(forwardingOf(family, link), have, "1");
  }
}

function refusal(error: unknown, { name, value }: Setting): Fault {
  if (!(error instanceof KernelError)) throw error;
  const fix =
    error.code === "EROFS"
      ? "give the agent a writable /proc/sys, as a privileged container on the host's network has"
      : "run the agent as root with CAP_NET_ADMIN on the host's network";
  const message = `${error.message}; ${fix}, or set it on the host: sysctl -w ${name}=${value}`;
  return { code: "sysctl-refused", message };
}

function forwardingOf(family: Family, link: string): string {
  return `net/${familyName(family).toLowerCase()}/conf/${link}/forwarding`;
}
