// All checks over one set of facts, sorted by what they came to. Pure; what it comes to as an exit code is here as well.
import type { Facts } from "./facts.ts";
import { type Check, command, type Finding, type Remedy } from "./finding.ts";
import { Unseen } from "./reading.ts";

export interface Found extends Finding {
  readonly check: Check;
}

export interface Diagnosis {
  /** Problems first, each group in the order of the checks. */
  readonly findings: readonly Found[];
  /** Ids of checks that found nothing. */
  readonly well: readonly string[];
  readonly unseen: readonly { readonly id: string; readonly why: string }[];
}

export function diagnose(checks: readonly Check[], facts: Facts): Diagnosis {
  const findings: Found[] = [];
  const well: string[] = [];
  const unseen: { readonly id: string; readonly why: string }[] = [];
  for (const check of checks) {
    try {
      const found = check.look(facts);
      findings.push(...found.map((finding) => ({ ...finding, remedies: finding.remedies.map(inPlace(facts)), check })));
      if (found.length === 0) well.push(check.id);
    } catch (error) {
      if (!(error instanceof Unseen)) throw error;
      unseen.push({ id: check.id, why: error.message });
    }
  }
  return { findings: inOrder(withoutRepeats(findings)), well, unseen };
}

/** In Kubernetes nobody starts the agent by systemctl. */
function inPlace({ config }: Facts): (remedy: Remedy) => Remedy {
  const isPod = !("unseen" in config) && config.value.cluster.source === "kubernetes";
  return (remedy) => {
    if (!isPod || remedy.kind !== "command" || remedy.inKubernetes === undefined) return remedy;
    return command(remedy.inKubernetes.replaceAll("NODE", config.value.nodeName));
  };
}

/** 0: all that matters is well. 1: there are problems. 2: there may be, as not everything could be looked at. */
export function exitCodeOf({ findings, unseen }: Diagnosis): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === "problem")) return 1;
  return unseen.length > 0 ? 2 : 0;
}

/** The agent's faults come from the same functions, and so in the same words. */
function withoutRepeats(findings: readonly Found[]): Found[] {
  const told = new Set<string>();
  return findings.filter(({ seen }) => {
    const isNew = !told.has(seen);
    told.add(seen);
    return isNew;
  });
}

function inOrder(findings: readonly Found[]): Found[] {
  const of = (severity: Finding["severity"]) => findings.filter((each) => each.severity === severity);
  return [...of("problem"), ...of("warning")];
}
