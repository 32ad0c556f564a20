// Calls that a runtime could make of Hextet: every verb, version, mode, set of families and way to assign, on pods that are there.
// The fuzz test breaks them; about one in ten goes through whole.
import fc from "fast-check";
import { broken, type Call } from "../../src/cni/arbitraries.ts";
import { hasVerb, verbs, versions } from "../../src/cni/versions.ts";
import { assigns } from "../../src/ipam/assign.ts";

export interface Ground {
  /** Paths of network namespaces that exist. */
  readonly pods: readonly string[];
  /** A link for macvlan. */
  readonly master: string;
  readonly dataDir: string;
  readonly pluginPath: string;
}

const rangeSets: readonly object[][][] = [
  [[{ subnet: "fd77::/64" }]],
  [[{ subnet: "10.77.0.0/24", rangeStart: "10.77.0.10", rangeEnd: "10.77.0.90" }]],
  [[{ subnet: "fd77::/64", gateway: "fd77::1" }], [{ subnet: "10.77.0.0/24" }]],
  [[{ subnet: "fd77::/64" }], [{ subnet: "fd78::/96" }], [{ subnet: "10.77.0.0/30" }, { subnet: "10.78.0.0/28" }]],
];

export function brokenCalls(ground: Ground): fc.Arbitrary<Call> {
  return broken(calls(ground));
}

function calls(ground: Ground): fc.Arbitrary<Call> {
  return fc
    .tuple(fc.constantFrom(...verbs), fc.constantFrom(...versions))
    .filter(([verb, version]) => hasVerb(version, verb))
    .chain(([verb, version]) =>
      fc.record({
        environment: environments(verb, ground),
        stdin: documents(version, ground).map((each) => JSON.stringify(each)),
      }),
    );
}

function environments(verb: string, { pods, pluginPath }: Ground) {
  return fc.record({
    CNI_COMMAND: fc.constant(verb),
    CNI_CONTAINERID: fc.constantFrom("one", "two", "three"),
    CNI_NETNS: fc.constantFrom(...pods),
    CNI_IFNAME: fc.constantFrom("eth0", "net1"),
    CNI_PATH: fc.constant(pluginPath),
    CNI_ARGS: fc.constantFrom("", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0", "IP=fd77::5"),
  });
}

function documents(cniVersion: string, ground: Ground) {
  return fc.record(
    {
      cniVersion: fc.constant(cniVersion),
      name: fc.constantFrom("pods", "other"),
      type: fc.constant("hextet"),
      ...settings(ground),
      runtimeConfig: fc.constantFrom(
        {},
        { ips: ["fd77::77"] },
        { mac: "02:00:00:00:00:07" },
        { ips: ["10.77.0.20/24"] },
      ),
      "cni.dev/valid-attachments": fc.constantFrom([], [{ containerID: "one", ifname: "eth0" }]),
      prevResult: fc.constant({
        cniVersion,
        interfaces: [{ name: "eth0", sandbox: "/run/netns/x" }],
        ips: [{ version: "6", address: "fd77::2/128", interface: 0 }],
      }),
      ipam: ipamSections(ground),
    },
    { requiredKeys: ["cniVersion", "name", "type", "master", "probe", "ipam"] },
  );
}

function settings({ master }: Ground) {
  return {
    mode: fc.constantFrom("routed", "routed", "bridge", "macvlan"),
    master: fc.constant(master),
    bridge: fc.constantFrom("hextet0", "fuzz0"),
    mtu: fc.constantFrom(1280, 1400, 9000),
    // Nobody else is on these links, and asking takes time.
    probe: fc.constant({ count: 0 }),
    isolated: fc.boolean(),
    sysctl: fc.constantFrom({}, { "net/ipv4/ip_unprivileged_port_start": "0" }),
  };
}

const routes = [
  [],
  [{ dst: "::/0" }],
  [
    { dst: "10.0.0.0/8", priority: 5 },
    { dst: "2001:db8::/32", mtu: 1300 },
  ],
];

function ipamSections({ dataDir }: Ground) {
  return fc.record(
    {
      type: fc.constantFrom("hextet-ipam", "hextet-ipam", "host-local"),
      ranges: fc.constantFrom(...rangeSets),
      assign: fc.constantFrom(...assigns),
      exclude: fc.constantFrom([], ["fd77::/96"], ["10.77.0.16/28"]),
      cooldownSeconds: fc.constantFrom(0, 150),
      routes: fc.constantFrom(...routes),
      dataDir: fc.constant(dataDir),
    },
    { requiredKeys: ["ranges", "dataDir"] },
  );
}
