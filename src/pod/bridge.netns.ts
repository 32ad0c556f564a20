import { spawn } from "node:child_process";
import { once } from "node:events";
import { test as base, describe, expect } from "vitest";
import { InterfaceAddress } from "../ip/prefix.ts";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { AddressInUse } from "./pod-error.ts";
import { bridge, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { connectUplink, freshNode, ping, type TestNode, waitFor } from "./test-node.ts";

const test = base.extend<{ node: TestNode; lan: TestNamespace; pod: TestNamespace; other: TestNamespace }>({
  node: freshNode,
  lan: fresh,
  pod: fresh,
  other: fresh,
});

const dual = severalOfEach;
const adopted = { ...bridge, bridge: "br0", adopt: true };

/** A bridge as an administrator makes it: with the node's uplink as a port, the router behind it. */
function makeBridge(node: TestNode, lan: TestNamespace): void {
  connectUplink(node, lan);
  node.ip("link", "add", "br0", "address", "02:00:00:00:00:b0", "type", "bridge");
  node.ip("link", "set", "uplink", "master", "br0");
  node.ip("link", "set", "br0", "addrgenmode", "none");
  node.ip("link", "set", "br0", "up");
  waitFor(() => node.ip("-br", "link", "show", "br0").includes("UP "));
}

describe("the bridge", () => {
  test("is made with all gateways, no snooping, and a mark", async ({ node, pod }) => {
    await attach(node.kernel, sample(2, dual, { mode: bridge, mtu: 1400 }), pod.path);
    const details = node.ip("-d", "link", "show", "hextet0");
    for (const part of ["mtu 1400", "alias hextet bridge", "mcast_snooping 0", "addrgenmode none"]) {
      expect(details).toContain(part);
    }
    const held = node.ip("address", "show", "dev", "hextet0");
    for (const gateway of bridge.gateways) expect(held).toContain(` ${gateway} `);
    expect(held).not.toContain("tentative");
    expect(node.kernel.sysctl().get("net/ipv6/conf/hextet0/accept_ra")).toBe("0");
  });

  test("is completed where another process has only just made it", async ({ node, pod, other }) => {
    await attach(node.kernel, sample(2, dual, { mode: bridge }), pod.path);
    node.ip("address", "flush", "dev", "hextet0");
    node.ip("link", "set", "hextet0", "alias", "");
    await attach(node.kernel, sample(3, dual, { mode: bridge }), other.path);
    expect(() => check(node.kernel, sample(3, dual, { mode: bridge }), other.path)).not.toThrow();
  });

  test("gets the gateway of a second network beside that of the first", async ({ node, pod, other }) => {
    const gateways = ["2001:db8:1::1/64", "10.1.0.1/24"].map((text) => InterfaceAddress.parse(text));
    await attach(node.kernel, sample(2, stacks[2] ?? dual, { mode: { ...bridge, gateways } }), pod.path);
    await attach(node.kernel, sample(3, dual, { mode: bridge }), other.path);
    expect(node.ip("address", "show", "dev", "hextet0")).toContain("fd00:1::1/64");
  });

  test("pods of an isolated network reach the node and not one another", async ({ node, pod, other }) => {
    const mode = { ...bridge, isolated: true };
    await attach(node.kernel, sample(2, dual, { mode }), pod.path);
    await attach(node.kernel, sample(3, dual, { mode }), other.path);
    for (const gateway of ["2001:db8:1::1", "10.1.0.1"]) expect(ping(pod, gateway)).toContain("1 received");
    for (const neighbor of ["2001:db8:1::3", "10.1.0.3"]) expect(() => ping(pod, neighbor)).toThrow("Command failed");
  });

  test.for([true, false])("hairpin %j is the port's", async (hairpin, { node, pod }) => {
    const { host } = await attach(node.kernel, sample(2, dual, { mode: { ...bridge, hairpin } }), pod.path);
    const port = node.namespace.run("bridge", "-d", "link", "show", "dev", host?.name ?? "");
    expect(port).toContain(`hairpin ${hairpin ? "on" : "off"}`);
  });

  test("is made by one of many processes that find it missing at the same moment", async ({ node }) => {
    using stack = new DisposableStack();
    const pods = Array.from({ length: 6 }, () => stack.use(TestNamespace.create()));
    const script = new URL("./test-attach.ts", import.meta.url).pathname;
    const processes = pods.map(({ path }, at) => {
      const child = spawn(process.execPath, [script, node.namespace.path, path, String(at + 2)], { stdio: "inherit" });
      return once(child, "exit");
    });
    expect(await Promise.all(processes)).toEqual(pods.map(() => [0, null]));
    for (const [at, pod] of pods.entries()) {
      expect(() => check(node.kernel, sample(at + 2, dual, { mode: bridge }), pod.path)).not.toThrow();
      expect(ping(pod, "2001:db8:1::1")).toContain("1 received");
    }
  });
});

describe("a bridge somebody else made", () => {
  test("is refused unless it is to be adopted", async ({ node, lan, pod }) => {
    makeBridge(node, lan);
    const failed = attach(node.kernel, sample(2, stacks[2] ?? dual, { mode: { ...adopted, adopt: false } }), pod.path);
    await expect(failed).rejects.toThrow(
      "Cannot use bridge br0: Hextet did not make it and does not have the gateway 2001:db8:1::1/64 and fd00:1::1/64 and " +
        '10.1.0.1/24 and 10.2.0.1/24; set "adopt": true to use it as it is, or name another bridge',
    );
    // Not the whole dump: the kernel is still bringing the new bridge up.
    expect(node.dump()).not.toMatch(/hx[0-9a-f]{13}/);
    expect(node.ip("address", "show", "dev", "br0")).not.toContain("2001:db8:1::1/64");
    expect(pod.run("ip", "-br", "link")).not.toContain("eth0");
  });

  test("is used where it has the gateways, and left as it is", async ({ node, pod }) => {
    node.ip("link", "add", "br0", "type", "bridge");
    node.ip("link", "set", "br0", "up");
    for (const gateway of bridge.gateways) {
      node.ip("address", "add", gateway.toString(), "dev", "br0", ...(gateway.family === "v6" ? ["nodad"] : []));
    }
    const network = sample(2, dual, { mode: { ...adopted, adopt: false } });
    await attach(node.kernel, network, pod.path);
    expect(() => check(node.kernel, network, pod.path)).not.toThrow();
    for (const gateway of bridge.gateways) expect(ping(pod, gateway.address.toString())).toContain("1 received");
    await detach(node.kernel, { attachment: network.attachment });
    expect(node.ip("link", "show", "br0")).not.toContain("hextet");
  });

  test.for(stacks)(
    "adopted, it leads pods to the machines behind its uplink at once: $name",
    async (stack, { node, lan, pod }) => {
      makeBridge(node, lan);
      const network = sample(2, stack, { mode: adopted });
      await attach(node.kernel, network, pod.path);
      const router = { v6: "2001:db8:1::1", v4: "10.1.0.1" };
      for (const family of stack.families) expect(ping(pod, router[family])).toContain("1 received");
      expect(() => check(node.kernel, network, pod.path)).not.toThrow();
    },
  );

  test.for([
    { family: "IPv6", held: "2001:db8:1::2/64", taken: "2001:db8:1::2" },
    { family: "IPv4", held: "10.1.0.2/24", taken: "10.1.0.2" },
  ])(
    "an $family address that a machine behind its uplink has is found, nothing is left",
    async ({ held, taken }, { node, lan, pod }) => {
      makeBridge(node, lan);
      lan.run("ip", "address", "add", held, "dev", "lan0", ...(held.includes(":") ? ["nodad"] : []));
      const before = node.ip("-br", "link");
      const failure = await attach(node.kernel, sample(2, dual, { mode: adopted }), pod.path).catch((error) => error);
      expect(failure).toBeInstanceOf(AddressInUse);
      expect(failure.address.toString()).toBe(taken);
      expect(node.ip("-br", "link")).toBe(before);
      expect(pod.run("ip", "-br", "link")).not.toContain("eth0");
    },
  );

  test("is refused while it is down", async ({ node, pod }) => {
    node.ip("link", "add", "br0", "type", "bridge");
    await expect(attach(node.kernel, sample(2, dual, { mode: adopted }), pod.path)).rejects.toThrow(
      "Cannot use bridge br0: it is down; run ip link set br0 up",
    );
  });

  test("is refused where it is no bridge", async ({ node, lan, pod }) => {
    connectUplink(node, lan);
    const mode = { ...bridge, bridge: "uplink" };
    await expect(attach(node.kernel, sample(2, dual, { mode }), pod.path)).rejects.toThrow(
      "bridge: link uplink is no bridge but veth; name another",
    );
  });
});

describe("gateways that conflict", () => {
  test.for(["2001:db8:1::1/64", "10.1.0.1/24"])(
    "%s is on another link of the node",
    async (gateway, { node, lan, pod }) => {
      connectUplink(node, lan);
      node.ip("address", "add", gateway, "dev", "uplink");
      await expect(attach(node.kernel, sample(2, dual, { mode: bridge }), pod.path)).rejects.toThrow(
        `Cannot give bridge hextet0 the gateway ${gateway}: link uplink has this address; choose another subnet or gateway`,
      );
    },
  );

  test.for([
    { was: "2001:db8:1::fe/64", wanted: "2001:db8:1::1/64" },
    { was: "10.1.0.254/24", wanted: "10.1.0.1/24" },
  ])("$wanted where the bridge has $was", async ({ was, wanted }, { node, pod, other }) => {
    const gateways = (text: string) => [InterfaceAddress.parse(text)];
    await attach(node.kernel, sample(2, dual, { mode: { ...bridge, gateways: gateways(was) } }), pod.path);
    const failed = attach(
      node.kernel,
      sample(3, dual, { mode: { ...bridge, gateways: gateways(wanted) } }),
      other.path,
    );
    await expect(failed).rejects.toThrow(
      `Cannot give bridge hextet0 the gateway ${wanted}: it has ${was} in the same prefix; ` +
        `set "gateway": "${was.replace(/\/.*/, "")}", use another bridge, or run ip address del ${was} dev hextet0`,
    );
  });
});
