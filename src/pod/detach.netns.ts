import { test as base, describe, expect } from "vitest";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { BackgroundRemoval } from "./background-removal.ts";
import { detach } from "./detach.ts";
import { hostLinkOf, limitLinkOf } from "./identity.ts";
import { bridge, macvlan, routed, sample, severalOfEach } from "./sample-networks.ts";
import { connectUplink, freshNode, ping, type TestNode } from "./test-node.ts";

const test = base.extend<{ node: TestNode; lan: TestNamespace; pod: TestNamespace }>({
  node: freshNode,
  lan: fresh,
  pod: fresh,
});

const pairs = [routed, bridge];
const modes = [...pairs, macvlan];
const dual = severalOfEach;

describe("detach", () => {
  test.for(modes)("$kind: succeeds twice, and for what never was", async (mode, { node, lan, pod }) => {
    connectUplink(node, lan);
    const network = sample(2, dual, { mode });
    const target = { attachment: network.attachment, namespacePath: pod.path };
    await detach(node.kernel, target);
    await attach(node.kernel, network, pod.path);
    await detach(node.kernel, target);
    await detach(node.kernel, target);
    expect(pod.run("ip", "-br", "link")).not.toContain("eth0");
  });

  test.for(pairs)("$kind: needs no namespace", async (mode, { node, pod }) => {
    // The bridge stays; another pod makes it.
    using other = TestNamespace.create();
    await attach(node.kernel, sample(9, dual, { mode }), other.path);
    const before = node.dump();
    const network = sample(2, dual, { mode });
    await attach(node.kernel, network, pod.path);
    await detach(node.kernel, { attachment: network.attachment });
    expect(node.dump()).toBe(before);
  });

  test.for(["/nowhere/pod1", "/proc/self/status", ""])(
    "a namespace path that leads nowhere is no error: %j",
    async (path, { node }) => {
      const { attachment } = sample(2, dual, { mode: routed });
      await expect(detach(node.kernel, { attachment, namespacePath: path })).resolves.toBeUndefined();
    },
  );

  test("a namespace that has vanished leaves neighbors on the bridge, which are removed too", async ({ node, pod }) => {
    await attach(node.kernel, sample(9, dual, { mode: bridge }), pod.path);
    const before = node.dump();
    const network = sample(2, dual, { mode: bridge });
    {
      using vanishing = TestNamespace.create();
      await attach(node.kernel, network, vanishing.path);
    }
    await expect.poll(() => node.ip("-br", "link"), { timeout: 5000 }).not.toContain(network.hostLink);
    await detach(node.kernel, { attachment: network.attachment, bridge: "hextet0" });
    expect(node.dump()).toBe(before);
  });

  test("a second DEL does not harm the pod that has the address by now", async ({ node, pod }) => {
    const first = sample(2, dual, { mode: bridge });
    const attachment = { ...first.attachment, containerId: "later" };
    {
      using earlier = TestNamespace.create();
      await attach(node.kernel, first, earlier.path);
      await detach(node.kernel, { attachment: first.attachment, bridge: "hextet0" });
    }
    await attach(node.kernel, sample(2, dual, { mode: bridge, attachment }), pod.path);
    const before = node.dump();
    await detach(node.kernel, { attachment: first.attachment, bridge: "hextet0" });
    expect(node.dump()).toBe(before);
  });

  test("a link of the name that is another's by its alias stays", async ({ node, pod }) => {
    const network = sample(2, dual, { mode: routed });
    await attach(node.kernel, network, pod.path);
    node.ip("link", "set", network.hostLink, "alias", "hextet pods/another/eth0");
    await detach(node.kernel, { attachment: network.attachment, namespacePath: pod.path });
    expect(node.ip("-br", "link")).toContain(network.hostLink);
  });

  test.for(pairs)(
    "$kind: a link that somebody renamed, or wrote another alias on, is known",
    async (mode, { node, pod }) => {
      using other = TestNamespace.create();
      await attach(node.kernel, sample(9, dual, { mode }), other.path);
      const before = node.dump();
      const network = sample(2, dual, { mode, bandwidth: { fromPod: { bitsPerSecond: 1e6 } } });
      const target = { attachment: network.attachment, namespacePath: pod.path };
      const changes: readonly (readonly string[])[] = [
        ["alias", "cable 7"],
        ["name", "cable7"],
        ["name", "cable7", "alias", "cable 7"],
      ];
      for (const change of changes) {
        await attach(node.kernel, network, pod.path);
        node.ip("link", "set", network.hostLink, "down");
        node.ip("link", "set", network.hostLink, ...change, "up");
        node.ip("link", "set", limitLinkOf(network.attachment), "alias", "cable 8");
        await detach(node.kernel, target);
        expect(node.dump(), change.join(" ")).toBe(before);
      }
    },
  );

  test("a link of the name that somebody else made stays, and ADD says what to do", async ({ node, pod }) => {
    const network = sample(2, dual, { mode: routed });
    const { hostLink, attachment } = network;
    node.ip("link", "add", hostLink, "type", "ifb");
    node.ip("link", "set", hostLink, "alias", "cable 7");
    const before = node.dump();
    await expect(attach(node.kernel, network, pod.path)).rejects.toThrow(
      `Cannot create link ${hostLink}: there is a ifb (cable 7) of that name; it is not of Hextet: rename or delete it (ip link delete ${hostLink})`,
    );
    await detach(node.kernel, { attachment, namespacePath: pod.path });
    expect(node.dump()).toBe(before);
  });

  test.for(modes)(
    "$kind: other names of other links are no names of ours, and ADD says so",
    async (mode, { node, lan, pod }) => {
      connectUplink(node, lan);
      const network = sample(2, dual, { mode });
      const target = { attachment: network.attachment, namespacePath: pod.path };
      pod.run("ip", "link", "add", "cable0", "type", "ifb");
      pod.run("ip", "link", "property", "add", "dev", "cable0", "altname", "eth0");
      await expect(attach(node.kernel, network, pod.path)).rejects.toThrow(
        /^Cannot create eth0 in .*: it has a ifb of that name; choose another CNI_IFNAME, or run DEL of what made it$/,
      );
      await detach(node.kernel, target);
      expect(pod.run("ip", "link")).toContain("altname eth0");
      pod.run("ip", "link", "property", "del", "dev", "cable0", "altname", "eth0");
      await attach(node.kernel, network, pod.path);
    },
  );

  test.for(pairs)("$kind: another name of another link is no name of the host's end", async (mode, { node, pod }) => {
    const network = sample(2, dual, { mode });
    node.ip("link", "add", "cable0", "type", "ifb");
    node.ip("link", "property", "add", "dev", "cable0", "altname", network.hostLink);
    await expect(attach(node.kernel, network, pod.path)).rejects.toThrow(
      new RegExp(`^Cannot create link ${network.hostLink}: there is a ifb of that name; `),
    );
    await detach(node.kernel, { attachment: network.attachment, namespacePath: pod.path });
    expect(node.ip("link")).toContain("cable0");
    expect(pod.run("ip", "link")).not.toContain("eth0");
  });

  test("a link whose maker died before it had an alias is removed by its MAC", async ({ node, pod }) => {
    const { attachment, hostMac } = sample(2, dual, { mode: routed });
    node.ip(
      "link",
      "add",
      hostLinkOf(attachment),
      "address",
      `${hostMac}`,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      pod.path,
    );
    await detach(node.kernel, { attachment, namespacePath: pod.path });
    expect(node.ip("-br", "link")).not.toContain(hostLinkOf(attachment));
  });

  test("an interface of the pod that another plugin made stays", async ({ node, pod }) => {
    pod.run("ip", "link", "add", "eth0", "type", "veth");
    await detach(node.kernel, { ...sample(2, dual, { mode: routed }), namespacePath: pod.path });
    expect(pod.run("ip", "-br", "link")).toContain("eth0");
  });
});

describe("removal in the background", () => {
  test.for(pairs)("$kind: a taken name for what is out of use is no obstacle", async (mode, { node, pod }) => {
    const network = sample(2, dual, { mode });
    const failures: unknown[] = [];
    await using removal = new BackgroundRemoval(node.kernel, (error) => failures.push(error));
    const { host, pod: inner } = await attach(node.kernel, network, pod.path);
    node.ip("link", "add", `hxgone${host?.index.toString(16)}`, "type", "ifb");
    pod.run("ip", "link", "add", `hxgone${inner.index.toString(16)}`, "type", "ifb");
    await detach(node.kernel, { attachment: network.attachment, namespacePath: pod.path }, removal.remove);
    await removal.settled();
    expect(pod.run("ip", "-br", "link")).not.toContain("eth0");
    expect(node.ip("-br", "link")).not.toContain(network.hostLink);
    expect(failures).toEqual([]);
  });

  test.for(pairs)(
    "$kind: the pod can be attached again at once, and in the end nothing is left",
    async (mode, { node, pod }) => {
      using other = TestNamespace.create();
      await attach(node.kernel, sample(9, dual, { mode }), other.path);
      const before = node.dump();
      const network = sample(2, dual, { mode });
      const failures: unknown[] = [];
      {
        await using removal = new BackgroundRemoval(node.kernel, (error) => failures.push(error));
        for (let round = 0; round < 3; round++) {
          await attach(node.kernel, network, pod.path);
          expect(ping(node.namespace, "10.1.0.2")).toContain("1 received");
          await detach(node.kernel, { attachment: network.attachment, namespacePath: pod.path }, removal.remove);
          expect(pod.run("ip", "-br", "link")).not.toContain("eth0");
          expect(node.ip("route", "show", "proto", "72")).not.toContain("10.1.0.2");
        }
      }
      expect(failures).toEqual([]);
      expect(node.dump()).toBe(before);
    },
  );

  test("what an agent that died had taken out of use, the next deletes", async ({ node, pod }) => {
    const before = node.dump();
    const network = sample(2, dual, { mode: routed });
    await attach(node.kernel, network, pod.path);
    const link = network.hostLink;
    node.ip("link", "set", link, "down", "group", String(0x68657874));
    await new BackgroundRemoval(node.kernel, () => {})[Symbol.asyncDispose]();
    expect(node.dump()).toBe(before);
  });

  test("32 pods taken away together are gone together", async ({ node }) => {
    const before = node.dump();
    const networks = Array.from({ length: 32 }, (_, at) => sample(at + 2, dual, { mode: routed }));
    using stack = new DisposableStack();
    const pods = networks.map(() => stack.use(TestNamespace.create()));
    await Promise.all(networks.map((network, at) => attach(node.kernel, network, pods[at]?.path ?? "")));
    await using removal = new BackgroundRemoval(node.kernel, () => {});
    await Promise.all(
      networks.map(({ attachment }, at) =>
        detach(node.kernel, { attachment, namespacePath: pods[at]?.path ?? "" }, removal.remove),
      ),
    );
    await removal.settled();
    expect(node.dump()).toBe(before);
  });
});
