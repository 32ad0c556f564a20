// Test support: fast-check generators for everything a runtime can send, right and wrong. The unit tests of this folder
// use them, and so does the fuzz test, which hands the same calls to the built executable.
import fc from "fast-check";
import { Address, bitsOf, type Family } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import type { Environment } from "./environment.ts";
import type { Dns, Others, Result, ResultAddress, ResultInterface, ResultRoute } from "./result.ts";
import { resultJson } from "./result-json.ts";
import { hasVerb, isAtLeast, type Verb, type Version, verbs, versions } from "./versions.ts";

const family: fc.Arbitrary<Family> = fc.constantFrom("v4", "v6");

export const address: fc.Arbitrary<Address> = family
  .chain((of) => fc.bigInt(0n, (1n << BigInt(bitsOf(of))) - 1n).map((value) => Address.of(of, value)))
  // ::ffff:0:0/96 is IPv4 written as IPv6, which src/ip refuses to read.
  .filter((each) => each.family === "v4" || each.value >> 32n !== 0xffffn);

export const interfaceAddress: fc.Arbitrary<InterfaceAddress> = address.chain((of) =>
  fc.nat(bitsOf(of.family)).map((length) => new InterfaceAddress(of, length)),
);

export const prefix: fc.Arbitrary<Prefix> = interfaceAddress
  .map((each) => each.prefix)
  .filter((each) => each.family === "v4" || each.address.value >> 32n !== 0xffffn);

export const mac: fc.Arbitrary<Mac> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => Mac.fromBytes(bytes));

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,30}$/);
const interfaceName = fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/);
const text = fc.string({ minLength: 1, maxLength: 12 });
const number = fc.nat(2 ** 31 - 1);

/** Keys no version of the specification knows, with any JSON that is not null. */
const others: fc.Arbitrary<Others> = fc.dictionary(
  fc.stringMatching(/^x-[a-z]{1,5}$/),
  fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("null")),
  { minKeys: 1, maxKeys: 3 },
);

/** A record of which each member may be absent. */
function some<T>(members: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record<T, never>({ ...members }, { requiredKeys: [] });
}

function all<One extends object, Two extends object>(one: fc.Arbitrary<One>, two: fc.Arbitrary<Two>) {
  return fc.tuple(one, two).map(([first, second]) => ({ ...first, ...second }));
}

function interfaceOf(version: Version): fc.Arbitrary<ResultInterface> {
  const newer = some({ mtu: number, socketPath: text, pciId: text });
  const older = some({ mac, sandbox: text, others });
  const base = all(fc.record({ name: interfaceName }), older);
  return isAtLeast(version, "1.1.0") ? all(base, newer) : base;
}

function addressOf(interfaces: number): fc.Arbitrary<ResultAddress> {
  const index = interfaces === 0 ? fc.constant({}) : some({ interface: fc.nat(interfaces - 1) });
  return all(all(fc.record({ address: interfaceAddress }), some({ gateway: address, others })), index);
}

function routeOf(version: Version): fc.Arbitrary<ResultRoute> {
  const newer = some({
    mtu: number,
    advmss: number,
    priority: number,
    table: number,
    scope: fc.constantFrom(0, 253, 254),
  });
  const base = all(fc.record({ destination: prefix }), some({ gateway: address, others }));
  return isAtLeast(version, "1.1.0") ? all(base, newer) : base;
}

const list = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 4 });
const words = fc.array(text, { maxLength: 3 });
const dns: fc.Arbitrary<Dns> = some({ nameservers: words, domain: text, search: words, options: words, others }).filter(
  (each) => Object.keys(each).length > 0,
);

/** A result that this version can express completely. */
export function resultOf(version: Version): fc.Arbitrary<Result> {
  return list(interfaceOf(version)).chain((interfaces) => {
    const rest = { ips: list(addressOf(interfaces.length)), routes: list(routeOf(version)) };
    return all(fc.record({ interfaces: fc.constant(interfaces), ...rest }), some({ dns, others }));
  });
}

export interface Call {
  readonly environment: Environment;
  readonly stdin: string;
}

const version: fc.Arbitrary<Version> = fc.constantFrom(...versions);
const port = fc.integer({ min: 1, max: 65535 });

const containerAddress = address.filter((each) => !(each.isMulticast || each.isLoopback || each.isUnspecified));
const interfaceMac = mac.filter((each) => !(each.isMulticast || each.isZero));
const hostIp = fc.oneof(fc.constant(""), address.map(String));

const runtimeConfig = some({
  ips: list(
    fc
      .oneof(
        containerAddress,
        containerAddress.map((each) => Prefix.host(each)),
      )
      .map(String),
  ),
  mac: interfaceMac.map(String),
  portMappings: list(
    fc.record({ hostPort: port, containerPort: port, protocol: fc.constantFrom("tcp", "UDP", "sctp"), hostIP: hostIp }),
  ),
  bandwidth: some({ ingressRate: number, ingressBurst: number, egressRate: number, egressBurst: number }),
  dns: some({ servers: words, Searches: words, options: words }),
  ipRanges: list(list(fc.record({ subnet: prefix.map(String) }))),
  cgroupPath: text,
  "io.kubernetes.cri.pod-annotations": fc.dictionary(text, text, { maxKeys: 2 }),
});

const ipam = some({ type: name, ranges: list(list(fc.record({ subnet: prefix.map(String) }))), assign: text });

function documentOf(of: Version): fc.Arbitrary<Record<string, unknown>> {
  const head = fc.record({ cniVersion: fc.constant(of), name, type: name });
  const rest = some({
    runtimeConfig,
    args: some({ cni: some({ ips: list(containerAddress.map(String)), mac: interfaceMac.map(String) }) }),
    prevResult: resultOf(of).map((each) => resultJson(each, of)),
    "cni.dev/valid-attachments": list(fc.record({ containerID: name, ifname: interfaceName })),
    capabilities: fc.dictionary(name, fc.boolean(), { maxKeys: 3 }),
    mode: fc.constantFrom("routed", "bridge", "macvlan"),
    mtu: number,
    ipam,
  });
  return all(head, rest);
}

function environmentOf(verb: Verb): fc.Arbitrary<Environment> {
  const args = [
    "IgnoreUnknown=1",
    "IP=fd00::5",
    "MAC=02:00:00:00:00:01",
    "K8S_POD_NAME=web-0",
    "K8S_POD_NAMESPACE=shop",
  ];
  return fc.record({
    CNI_COMMAND: fc.constant(verb),
    CNI_CONTAINERID: name,
    CNI_NETNS: fc.constantFrom("/run/netns/pod1", "/proc/17/ns/net"),
    CNI_IFNAME: interfaceName,
    CNI_PATH: fc.constantFrom("/opt/cni/bin", "/opt/cni/bin:/usr/lib/cni"),
    CNI_ARGS: fc.subarray(args).map((each) => each.join(";")),
  });
}

/** A call as a runtime makes it: everything required is there, and everything optional may be. */
export const call: fc.Arbitrary<Call> = fc
  .tuple(fc.constantFrom(...verbs), version)
  .filter(([verb, of]) => hasVerb(of, verb))
  .chain(([verb, of]) =>
    fc.record({ environment: environmentOf(verb), stdin: documentOf(of).map((each) => JSON.stringify(each)) }),
  );

const junkText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    " ",
    "..",
    "/",
    "::",
    "fd00::1/129",
    "10.0.0.1/33",
    "0",
    "-1",
    "\u0000",
    "x".repeat(300),
    "__proto__",
  ),
);
const junk = fc.oneof(
  junkText,
  fc.constantFrom(null, true, -1, 1.5, 2 ** 53, 1e308, [], {}, [null], [[]], { "": {} }),
  fc.jsonValue({ maxDepth: 3 }),
);

const changedEnvironment = (environment: Environment) =>
  fc
    .dictionary(
      fc.constantFrom(...Object.keys(environment), "CNI_NETNS_OVERRIDE"),
      fc.option(junkText, { nil: undefined }),
    )
    .map((changes) => ({ ...environment, ...changes }));

/** The document with something else in one place, at any depth, or with that place gone. */
function changedValue(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return junk;
  const inside = fc
    .constantFrom(...Object.entries(value))
    .chain(([key, member]) =>
      fc.oneof(
        { arbitrary: changedValue(member).map((other) => replaced(value, key, other)), weight: 4 },
        { arbitrary: junk.map((other) => replaced(value, key, other)), weight: 1 },
        { arbitrary: fc.constant(replaced(value, key, undefined)), weight: 1 },
        { arbitrary: fc.tuple(text, junk).map(([added, other]) => replaced(value, added, other)), weight: 1 },
      ),
    );
  return fc.oneof({ arbitrary: inside, weight: 9 }, { arbitrary: junk, weight: 1 });
}

function replaced(value: object, key: string, member: unknown): unknown {
  if (Array.isArray(value)) return value.map((each, at) => (String(at) === key ? member : each));
  return { ...value, [key]: member };
}

const changedText = (stdin: string) =>
  fc.oneof(
    { arbitrary: changedValue(JSON.parse(stdin)).map((value) => JSON.stringify(value) ?? ""), weight: 8 },
    { arbitrary: fc.nat(stdin.length).map((end) => stdin.slice(0, end)), weight: 1 },
    { arbitrary: junkText, weight: 1 },
  );

/** The calls with one or several things wrong: in the environment, in the document's values, or in its very text. */
export function broken(calls: fc.Arbitrary<Call>): fc.Arbitrary<Call> {
  return calls.chain(({ environment, stdin }) =>
    fc.record({
      environment: fc.oneof(fc.constant(environment), changedEnvironment(environment)),
      stdin: fc.oneof({ arbitrary: fc.constant(stdin), weight: 1 }, { arbitrary: changedText(stdin), weight: 3 }),
    }),
  );
}

export const brokenCall: fc.Arbitrary<Call> = broken(call);
