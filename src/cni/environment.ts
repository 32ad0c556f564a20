// The environment a runtime calls a plugin with (specification, section 2, "Parameters"): which variables a verb needs, and
// what their values may be. Every missing or wrong variable is named in one error.
import { nearest } from "../config/nearest.ts";
import { faultOfInterfaceName } from "../config/values.ts";
import { CniError } from "./cni-error.ts";
import { type Verb, verbs } from "./versions.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The specification's "Required environment parameters" of each verb. */
const required = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME"],
  GC: ["CNI_PATH"],
  STATUS: [],
  VERSION: [],
} as const satisfies Record<Verb, readonly string[]>;

/** The verb, once all it needs is there and right. */
export function readVerb(environment: Environment): Verb {
  const command = environment["CNI_COMMAND"];
  if (!command) {
    const { message } = missing(["CNI_COMMAND"]);
    const details = "Container runtimes call this program, by the rules of CNI; the one for people is hextetctl";
    throw new CniError("invalidEnvironment", message, { details });
  }
  const verb = verbs.find((each) => each === command);
  if (verb === undefined) {
    const guess = nearest(command, verbs);
    const fix = guess === undefined ? `it is one of ${verbs.join(", ")}` : `did you mean ${guess}`;
    throw new CniError("invalidEnvironment", `CNI_COMMAND: ${JSON.stringify(command)} is unknown; ${fix}`);
  }
  const lacking = absent(environment, required[verb]);
  if (lacking.length > 0) throw missing(lacking);
  const faults = faultsOf(environment, [...new Set([...required[verb], ...withZeroByte(environment)])]);
  if (faults.length > 0) throw new CniError("invalidEnvironment", faults.join("; "));
  return verb;
}

/** Container ids and network names: a letter or digit first, then also underscore, dot and hyphen. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(text);
}

function absent(environment: Environment, names: readonly string[]): readonly string[] {
  return names.filter((name) => !environment[name]);
}

function missing(names: readonly string[]): CniError {
  const [are, variables] = names.length === 1 ? ["is", "variable"] : ["are", "variables"];
  return new CniError("invalidEnvironment", `The environment ${variables} ${names.join(", ")} ${are} missing`);
}

function faultsOf(environment: Environment, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const why = faultOf(name, environment[name] ?? "");
    return why === undefined ? [] : [`${name}: ${JSON.stringify(environment[name])} is not valid: ${why}`];
  });
}

/** No process can have such a variable; a request that comes over the agent's socket can. */
function withZeroByte(environment: Environment): readonly string[] {
  return Object.keys(environment).filter((name) => environment[name]?.includes("\0"));
}

function faultOf(name: string, value: string): string | undefined {
  if (value.includes("\0")) return "it contains a zero byte";
  if (name === "CNI_IFNAME") return faultOfInterfaceName(value);
  if (name !== "CNI_CONTAINERID" || isName(value)) return undefined;
  return "it starts with a letter or digit, followed by letters, digits, underscores, dots and hyphens";
}
