// What a check is and what it finds: values that the command prints and `--fix` acts on. A check is pure; where a fact it asks for
// could not be read it ends there, and the diagnosis says why.
import type { Facts } from "./facts.ts";

/** `problem`: pods suffer, or will with the next one. `warning`: they will when something else comes to it. */
export type Severity = "problem" | "warning";

/** What mends it. Sysctls and modes are safe to set by themselves; commands are for a person who knows what hangs on them. */
export type Remedy =
  | { readonly kind: "sysctl"; readonly name: string; readonly value: string }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  /** `inKubernetes` stands in its place where the agent is a pod; NODE is the node's name. */
  | { readonly kind: "command"; readonly text: string; readonly inKubernetes?: string };

export interface Finding {
  readonly severity: Severity;
  /** With names and values. */
  readonly seen: string;
  /** In the order in which to do them. */
  readonly remedies: readonly Remedy[];
}

export interface Check {
  readonly id: string;
  readonly why: string;
  /** It goes by what only packets can tell. */
  readonly sends?: true;
  readonly look: (facts: Facts) => readonly Finding[];
}

export function problem(seen: string, ...remedies: readonly Remedy[]): Finding {
  return { severity: "problem", seen, remedies };
}

export function warning(seen: string, ...remedies: readonly Remedy[]): Finding {
  return { severity: "warning", seen, remedies };
}

export function sysctl(name: string, value: string | number): Remedy {
  return { kind: "sysctl", name, value: `${value}` };
}

export function command(text: string, inKubernetes?: string): Remedy {
  return { kind: "command", text, ...(inKubernetes === undefined ? {} : { inKubernetes }) };
}

/** What to type. Names of interfaces may hold dots, so sysctls are written with slashes. */
export function commandOf(remedy: Remedy): string {
  switch (remedy.kind) {
    case "sysctl":
      return `sysctl -w ${remedy.name}=${/\s/.test(remedy.value) ? `"${remedy.value}"` : remedy.value}`;
    case "mode":
      return `chmod ${remedy.mode.toString(8)} ${remedy.path}`;
    case "command":
      return remedy.text;
  }
}

export function isSafe({ kind }: Remedy): boolean {
  return kind !== "command";
}
