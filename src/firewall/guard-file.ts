// What the agent leaves for the standalone runtime, which has neither a view of the cluster nor the time to get one: the namespaces
// that have policies, and the boot of the kernel that has them in force. docs/decisions/network-policy.md says what follows from it.
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { parse } from "../config/parse.ts";

export interface Guard {
  readonly bootId: string;
  readonly namespaces: readonly string[];
}

/** Beside the lease database: it must outlive a reboot, because what it guards against is a ruleset that did not. */
export const guardFileName = "guard.json";

const schema = v.object({ bootId: v.string(), namespaces: v.array(v.string()) });

/** Throws where it is not there, cannot be read, or is not what the agent wrote. */
export function readGuard(path: string): Guard {
  return parse(schema, JSON.parse(readFileSync(path, "utf8")));
}

export function printGuard({ bootId, namespaces }: Guard): string {
  return `${JSON.stringify({ bootId, namespaces: namespaces.toSorted() })}\n`;
}
