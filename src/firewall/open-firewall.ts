// The firewall as the configuration asks for it: looks at the host, chooses the backend, says why, and gives what keeps the rules.
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { readBackendFacts } from "./backend-facts.ts";
import { createFirewall } from "./backends.ts";
import { type BackendSetting, chooseBackend, type Detection } from "./detection.ts";
import type { Firewall } from "./firewall.ts";

export interface OpenFirewallOptions {
  readonly setting: BackendSetting;
  /** Of the rulesets that will be applied. */
  readonly name: string;
  readonly log: Log;
}

export interface OpenFirewall {
  readonly firewall: Firewall;
  readonly detection: Detection;
}

/** A FirewallError says which program or module is missing. */
export async function openFirewall(kernel: Kernel, { setting, name, log }: OpenFirewallOptions): Promise<OpenFirewall> {
  const detection = chooseBackend(setting, await readBackendFacts(kernel, name));
  const { choice, reason, caution } = detection;
  const fields = { backend: choice.kind === "nftables" ? "nftables" : `iptables (${choice.variant})`, reason };
  log.info("Chose the firewall backend", fields);
  if (caution !== undefined) log.warning("The firewall backend cannot do all that is needed", { ...fields, caution });
  return { firewall: createFirewall(kernel, choice, log), detection };
}
