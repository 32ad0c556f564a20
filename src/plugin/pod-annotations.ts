// What a pod asks for by annotations of its own, `hextet.dev/ips` and `hextet.dev/assign`, as the container runtime hands them over.
// Anybody who may make a pod has written them: each is granted, or refused in one line, and none is printed that was not looked at.
import type { AddRequest } from "../cni/request.ts";
import type { FromPlace } from "../cni/requested.ts";
import { ConfigError } from "../config/config-error.ts";
import { nearest } from "../config/nearest.ts";
import { oneError } from "../config/parse.ts";
import { Address } from "../ip/address.ts";
import { type Assign, assigns } from "../ipam/assign.ts";
import { type Askable, askable, type IpamConfig } from "../ipam/config/config.ts";
import { assignFaults } from "../ipam/config/config-checks.ts";
import { meaninglessAssign } from "../ipam/config/config-warnings.ts";
import type { RangeSet } from "../ipam/ranges.ts";
import type { RequestedAddress } from "../ipam/requested.ts";

export interface Wishes {
  readonly ips: readonly RequestedAddress[];
  readonly assign?: Assign;
  /** What was not heard, for the log. */
  readonly remarks: readonly Remark[];
}

export interface Remark {
  readonly annotation: string;
  readonly why: string;
}

const prefix = "hextet.dev/";

/** The interface whose addresses are the pod's in Kubernetes (containerd's defaultIfName, CRI-O's DefaultInterfaceName). */
const podInterface = "eth0";

/** Six addresses of the longest kind. */
const maxLength = 256;
/** An IPv6 address has at most 45 characters. What is longer is not printed whole: an event of Kubernetes has 1024 bytes. */
const longestWord = 48;
const maxRemarks = 4;

const example = "2001:db8:0:1::25,10.1.0.25";

type Asking = Pick<AddRequest, "config" | "target" | "requestedAddresses">;

/** Throws a ConfigError that names every fault. What the runtime itself asks for comes first. */
export function wishesOf(request: Asking, ipam: IpamConfig): Wishes {
  const { config, requestedAddresses } = request;
  const annotations = ownAnnotations(request);
  const [before] = requestedAddresses;
  const faults: ConfigError[] = [];
  const read = <T>(key: Askable, valueOf: (text: string) => T): T | undefined => {
    const text = annotations.get(key);
    if (text === undefined) return undefined;
    if (ipam.annotations.includes(key)) return attempt(key, () => valueOf(readable(text)), faults);
    faults.push(faultOf(key, `network ${config.name} does not allow it (ipam.annotations); take it out`));
    return undefined;
  };
  const ips = read("ips", before === undefined ? readAddresses : () => []) ?? [];
  const assign = read("assign", readAssign);
  faults.push(...(assign === undefined ? [] : assignFaults(placed(ipam.rangeSets), assign, pathOf("assign"))));
  if (faults.length > 0) throw oneError(faults);
  const overruled = annotations.has("ips") && before !== undefined ? [overruledBy(before)] : [];
  const idle = assign === undefined ? undefined : meaninglessAssign(ipam.rangeSets, assign);
  return {
    ips,
    ...(assign === undefined ? {} : { assign }),
    remarks: [
      ...overruled,
      ...(idle === undefined ? [] : [{ annotation: `${prefix}assign`, why: idle }]),
      ...unknownOf(annotations),
    ],
  };
}

/** For a network whose addresses somebody else gives. */
export function refuseWishes(request: Asking, giver: string): void {
  const annotations = ownAnnotations(request);
  const asked = askable.filter((key) => annotations.has(key));
  const why = `${giver} gives the addresses of network ${request.config.name}, and hears no annotation; take it out`;
  if (asked.length > 0) throw oneError(asked.map((key) => faultOf(key, why)));
}

/** Those of ours, by what follows the prefix. */
function ownAnnotations({ config, target }: Asking): ReadonlyMap<string, string> {
  if (target.interfaceName !== podInterface) return new Map();
  const all = Object.entries(config.runtimeConfig.podAnnotations ?? {});
  return new Map(all.filter(([key]) => key.startsWith(prefix)).map(([key, text]) => [key.slice(prefix.length), text]));
}

function attempt<T>(key: Askable, valueOf: () => T, faults: ConfigError[]): T | undefined {
  try {
    return valueOf();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    faults.push(faultOf(key, error.message, error));
    return undefined;
  }
}

/** Without the line's end that a block of YAML leaves. */
function readable(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") throw new SyntaxError("it is empty; take it out to ask for nothing");
  if (trimmed.length > maxLength) {
    throw new SyntaxError(`it is ${trimmed.length} characters long; write at most ${maxLength}`);
  }
  if (/^[ -~]+$/.test(trimmed)) return trimmed;
  throw new SyntaxError("it has characters that are neither letters, digits nor punctuation of ASCII; leave them out");
}

function readAddresses(text: string): readonly RequestedAddress[] {
  const addresses = text.split(",").map((word) => readAddress(word.trim()));
  const different = addresses.filter((one, at) => addresses.findIndex((other) => other.equals(one)) === at);
  return different.map((address) => ({ address, from: pathOf("ips"), keepsCooldown: true }));
}

function readAddress(word: string): Address {
  try {
    return Address.parse(shortened(word));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`${error.message}; addresses stand with commas between them, as in ${example}`);
  }
}

/** No word that means something is as long. */
function shortened(word: string): string {
  return word.length <= longestWord ? word : `${word.slice(0, longestWord)}...`;
}

function readAssign(word: string): Assign {
  const assign = assigns.find((each) => each === word);
  if (assign !== undefined) return assign;
  const guess = nearest(word, assigns);
  const fix = guess === undefined ? "write" : `did you mean ${guess}? There are`;
  throw new SyntaxError(`${JSON.stringify(shortened(word))} is unknown; ${fix} ${assigns.join(", ")}`);
}

/** Where the ranges stand does not matter: none of the faults is theirs. */
function placed(rangeSets: readonly RangeSet[]) {
  return rangeSets.map((set) => ({ at: "", ranges: set.map((value) => ({ at: "", value })) }));
}

function overruledBy({ from }: FromPlace): Remark {
  return { annotation: `${prefix}ips`, why: `${from} asks for addresses, and comes first` };
}

function unknownOf(annotations: ReadonlyMap<string, string>): readonly Remark[] {
  const unknown = [...annotations.keys()].filter((word) => !askable.some((key) => key === word));
  return unknown.slice(0, maxRemarks).map((word) => {
    const guess = nearest(word, askable);
    const known = askable.map((key) => prefix + key).join(" and ");
    const why =
      guess === undefined ? `it is unknown; there are ${known}` : `it is unknown; did you mean ${prefix}${guess}`;
    return { annotation: prefix + word.slice(0, maxLength), why };
  });
}

function faultOf(key: Askable, why: string, cause?: Error): ConfigError {
  return new ConfigError(pathOf(key), why, cause === undefined ? {} : { cause });
}

function pathOf(key: Askable): string {
  return `annotation ${prefix}${key}`;
}
