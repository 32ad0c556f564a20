import { test as base, describe, expect } from "vitest";
import { linux } from "../kernel/linux.ts";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import type { RoutingMode } from "./peer-routes.ts";
import { freshRacks, type Nodes, passOn, podIn, prefixesOf, type Racks, stacks, wire } from "./test-racks.ts";
import { cable, configure, pings } from "./test-wires.ts";

const test = base.extend<{ racks: Racks; pod: TestNamespace }>({ racks: freshRacks, pod: fresh });

/** Moves a node's pods from its loopback link to a namespace of their own behind it. */
function movePods(racks: Racks, pod: TestNamespace, nodes: Nodes, name: "alpha" | "beta" = "alpha"): void {
  const { [name]: node } = racks;
  cable({ namespace: node, name: "hx0" }, { namespace: pod, name: "eth0" });
  configure(node, "address add fe80::1/64 dev hx0 nodad", "address add 169.254.1.1/32 dev hx0");
  for (const address of prefixesOf(nodes[name]).map(podIn)) {
    configure(node, `address del ${address} dev lo`, `route add ${address} dev hx0`);
    configure(pod, `address add ${address} dev eth0`);
    if (address.family === "v6") configure(pod, "-6 route add default via fe80::1 dev eth0");
    else configure(pod, "route add default via 169.254.1.1 dev eth0 onlink");
  }
}

/** Pods of alpha are in the prefix of its link, and beta is a stranger. */
const shared4 = { alpha: ["192.0.2.10", "192.0.2.64/28"], beta: ["198.51.100.11"] };
const shared6 = { alpha: ["2001:db8:a::a", "2001:db8:a:0:a::/80"], beta: ["2001:db8:b::b"] };
const sharingTheLink = {
  "IPv4-only": shared4,
  "IPv6-only": shared6,
  "dual-stack": { alpha: [...shared6.alpha, ...shared4.alpha], beta: [...shared6.beta, ...shared4.beta] },
} as const;

/** The router knows where the pods are, as a fabric does. */
function routePods({ router }: Racks, nodes: Nodes): void {
  for (const name of ["alpha", "beta"] as const) {
    for (const prefix of prefixesOf(nodes[name])) {
      const family = prefix.includes(":");
      const gateway = nodes[name].find((text) => !text.includes("/") && text.includes(":") === family);
      configure(router, `${family ? "-6" : "-4"} route add ${prefix} via ${gateway}`);
    }
  }
}

function narrow({ router, beta }: Racks, mtu: number): void {
  configure(router, `link set beta mtu ${mtu}`);
  configure(beta, `link set eth0 mtu ${mtu}`);
}

/** A packet of this length, headers and all, without leave to fragment it; what is said of it in the end. */
async function sends(pod: TestNamespace, to: string, length: number): Promise<string> {
  const payload = length - (to.includes(":") ? 48 : 28);
  const args = [`--net=${pod.path}`, "ping", "-c5", "-i0.1", "-W1", "-Mdo", `-s${payload}`, to];
  const { stdout } = await linux.run("nsenter", args);
  const tooBig = /(?:Packet too big: mtu=|Frag needed and DF set \(mtu = )(\d+)/.exec(stdout)?.[1];
  return tooBig === undefined ? `${/(\d) received/.exec(stdout)?.[1]} of 5 received` : `too big for ${tooBig}`;
}

describe.concurrent("Packet Too Big", () => {
  test.for(["IPv4-only", "IPv6-only", "dual-stack"] as const)(
    "%s: reaches a pod from a router on the way, where packets are routed",
    async (stack, { racks, pod }) => {
      const nodes = stacks[stack];
      wire(racks, nodes);
      movePods(racks, pod, nodes);
      routePods(racks, nodes);
      narrow(racks, 1400);
      for (const name of ["alpha", "beta"] as const) {
        const { podMtu, faults } = await passOn(racks, name, { ...nodes }, routed("external"));
        expect({ podMtu, faults }).toEqual({ podMtu: name === "alpha" ? 1500 : 1400, faults: [] });
      }
      for (const to of prefixesOf(nodes.beta).map((prefix) => `${podIn(prefix)}`)) {
        expect(await sends(pod, to, 1500)).toBe("too big for 1400");
        expect(await sends(pod, to, 1400)).toBe("5 of 5 received");
      }
    },
  );

  test.for<[stack: keyof typeof stacks, answers: { readonly v4?: string; readonly v6?: string }]>([
    ["IPv6-only", { v6: "too big for 1330" }],
    ["dual-stack", { v4: "too big for 1330", v6: "too big for 1330" }],
    // Outer packets of IPv4 may be fragmented, so they are.
    ["IPv4-only", { v4: "5 of 5 received" }],
    ["dual-stack pods over an IPv4-only underlay", { v4: "5 of 5 received", v6: "5 of 5 received" }],
  ] as const)(
    "%s: reaches a pod that sends through a tunnel over a narrower way",
    async ([stack, answers], { racks, pod }) => {
      const nodes = stacks[stack];
      wire(racks, nodes);
      movePods(racks, pod, nodes);
      const { podMtu } = await passOn(racks, "alpha", { ...nodes });
      await passOn(racks, "beta", { ...nodes });
      expect(podMtu).toBe(answers.v6 === "too big for 1330" ? 1430 : 1450);
      const pods = prefixesOf(nodes.beta).map(podIn);
      for (const to of pods) expect(await sends(pod, `${to}`, podMtu ?? 0)).toBe("5 of 5 received");
      narrow(racks, 1400);
      for (const to of pods) {
        const answer: Partial<Record<"v4" | "v6", string>> = answers;
        expect(await sends(pod, `${to}`, podMtu ?? 0)).toBe(answer[to.family]);
        expect(await sends(pod, `${to}`, 1330)).toBe("5 of 5 received");
      }
    },
  );

  test.for([
    "IPv4-only",
    "IPv6-only",
    "dual-stack",
    "dual-stack pods over an IPv4-only underlay",
    "dual-stack pods over an IPv6-only underlay",
  ] as const)(
    "%s: reaches a pod through a tunnel, from the node at whose other side it is narrower",
    async (stack, { racks, pod }) => {
      using far = TestNamespace.create();
      const nodes = stacks[stack];
      wire(racks, nodes);
      movePods(racks, pod, nodes);
      movePods(racks, far, nodes, "beta");
      for (const name of ["alpha", "beta"] as const) await passOn(racks, name, { ...nodes });
      configure(racks.beta, "link set hx0 mtu 1300");
      configure(far, "link set eth0 mtu 1300");
      for (const to of prefixesOf(nodes.beta).map((prefix) => `${podIn(prefix)}`)) {
        expect(await sends(pod, to, 1400)).toBe("too big for 1300");
        expect(await sends(pod, to, 1300)).toBe("5 of 5 received");
      }
    },
  );

  test.for(["IPv4-only", "IPv6-only", "dual-stack"] as const)(
    "%s: reaches a pod that is answered for on the uplink, from a router behind which it is narrower",
    async (stack, { racks, pod }) => {
      const nodes = sharingTheLink[stack];
      wire(racks, nodes);
      movePods(racks, pod, nodes);
      const podAddresses = prefixesOf(nodes.alpha).map(podIn);
      const { faults } = await passOn(racks, "alpha", { alpha: nodes.alpha }, { podAddresses });
      expect(faults).toEqual([]);
      for (const to of nodes.beta) expect(await sends(pod, to, 1500)).toBe("5 of 5 received");
      narrow(racks, 1400);
      for (const to of nodes.beta) {
        expect(await sends(pod, to, 1500)).toBe("too big for 1400");
        expect(await sends(pod, to, 1400)).toBe("5 of 5 received");
      }
    },
  );

  test("reaches a pod whose own MTU is larger than the tunnel's", async ({ racks, pod }) => {
    const nodes = stacks["dual-stack"];
    wire(racks, nodes);
    movePods(racks, pod, nodes);
    for (const name of ["alpha", "beta"] as const) await passOn(racks, name, { ...nodes });
    for (const to of prefixesOf(nodes.beta).map((prefix) => `${podIn(prefix)}`)) {
      expect(await sends(pod, to, 1500)).toBe("too big for 1430");
    }
  });
});

test("an uplink too narrow for a tunnel makes none, and routes without a tunnel stay", async ({ racks }) => {
  const nodes = stacks["dual-stack"];
  wire(racks, nodes);
  configure(racks.alpha, "link set eth0 mtu 1300");
  const near = { ...nodes, gamma: ["2001:db8:a::c", "fd00:3::/64"] };
  const { podMtu, faults } = await passOn(racks, "alpha", near);
  expect(podMtu).toBeUndefined();
  expect(faults).toMatchObject([{ code: "mtu-too-small" }]);
  expect(racks.alpha.run("ip", "-6", "route", "show", "proto", "72")).toContain("fd00:3::/64 via 2001:db8:a::c");
  configure(racks.alpha, "link set eth0 mtu 1500");
  await passOn(racks, "alpha", near);
  await passOn(racks, "beta", near);
  expect(await pings(racks.alpha, "fd00:2::5")).toBe(true);
});

function routed(mode: RoutingMode) {
  return { routing: { mode, vxlan: { id: 18552, port: 4789 } } };
}
