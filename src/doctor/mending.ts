// Does the safe remedies of a diagnosis, each once and in their order, and says what became of each. Commands for people are left to them.
import { chmodSync } from "node:fs";
import type { Kernel } from "../kernel/kernel.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { commandOf, isSafe, type Remedy } from "./finding.ts";

export interface Mended {
  readonly command: string;
  /** Why it could not be done. */
  readonly failure?: string;
}

export interface Hands {
  readonly kernel: Pick<Kernel, "sysctl">;
  readonly chmod?: (path: string, mode: number) => void;
}

export function safeRemedies({ findings }: Diagnosis): readonly Remedy[] {
  const all = findings.flatMap(({ remedies }) => remedies.filter(isSafe));
  return [...new Map(all.map((remedy) => [commandOf(remedy), remedy])).values()];
}

/** Up to the first that fails: forwarding must not be switched on where accept_ra could not be. */
export function mend(remedies: readonly Remedy[], hands: Hands): readonly Mended[] {
  const done: Mended[] = [];
  for (const remedy of remedies) {
    const command = commandOf(remedy);
    try {
      apply(remedy, hands);
      done.push({ command });
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      return [...done, { command, failure: error.message }];
    }
  }
  return done;
}

function apply(remedy: Remedy, { kernel, chmod = chmodSync }: Hands): void {
  switch (remedy.kind) {
    case "sysctl":
      return kernel.sysctl().set(remedy.name, remedy.value);
    case "mode":
      return chmod(remedy.path, remedy.mode);
    case "command":
      throw new RangeError(`${remedy.text} is for a person to do`);
  }
}
