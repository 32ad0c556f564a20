import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { addAddress, listAddresses } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { connections, deleteConnections } from "../netlink/conntrack.ts";
import { addForwarding } from "../netlink/forwarding.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { changeLink, createLink, getLink, listLinks } from "../netlink/link.ts";
import { messageFlag, messageType, readMessages, writeMessage } from "../netlink/message.ts";
import { addNeighbor, addProxyNeighbor } from "../netlink/neighbor.ts";
import { watchTables } from "../netlink/netfilter-events.ts";
import { addRoute, listRoutes } from "../netlink/route.ts";
import { addRule } from "../netlink/rule.ts";
import { createConnection, sampleConnection, samplePing } from "../netlink/sample-connections.ts";
import { addQueue, addRedirect } from "../netlink/tc.ts";
import { Writer } from "../netlink/wire.ts";
import { FakeKernel } from "./fake.ts";
import { inside } from "./inside.ts";

const POD = "/run/netns/pod";
const onLink = (text: string) => InterfaceAddress.parse(text);
const route = { destination: Prefix.parse("fd01::/64"), nextHop: { kind: "blackhole" }, protocol: 72 } as const;

/** A node with a pod on a pair of links, both ends up, both families. */
function connected(kernel: FakeKernel): { readonly node: Connection; readonly pod: Connection } {
  const namespace = kernel.addNamespace(POD);
  const node = new Connection(kernel.socket("route"));
  const pod = new Connection(kernel.socket("route", namespace));
  const peer = { name: "eth0", mac: Mac.parse("02:00:00:00:00:02"), namespace };
  const mac = Mac.parse("02:00:00:00:00:01");
  node.execute([createLink({ kind: "veth", name: "hx1", index: 10, mac, mtu: 1400, peer })]);
  const quiet = changeLink({ name: "hx1" }, { alias: "hextet net/c1/eth0", addressGeneration: "none" });
  node.execute([quiet, changeLink({ name: "hx1" }, { up: true })]);
  pod.execute([changeLink({ name: "eth0" }, { up: true })]);
  return { node, pod };
}

describe("a list", () => {
  test("comes in two datagrams, so that who reads only the first has half of it", () => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    node.execute([createLink({ kind: "bridge", name: "br0" }), createLink({ kind: "bridge", name: "br1" })]);
    using socket = kernel.socket("route");
    const { type, body } = listLinks();
    const out = new Writer();
    writeMessage(out, { type, flags: messageFlag.request | messageFlag.dump, sequence: 7, port: 0 }, body);
    socket.send(out.copy());
    const parts = [socket.receive(), socket.receive()].map((datagram) =>
      readMessages(datagram).map(({ type }) => type),
    );
    expect(parts).toEqual([
      [16, 16],
      [16, 16, messageType.done],
    ]);
    expect(() => socket.receive()).toThrow("there is no answer, and none will come");
  });
});

describe("a fault that was ordered", () => {
  test("fails the next message of its kind, once, and leaves nothing of it", () => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    kernel.fail("RTM_NEWROUTE", "ENOBUFS");
    expect(() => node.execute([addRoute(route)])).toThrow(
      "Cannot add route fd01::/64 blackhole: No buffer space available",
    );
    expect(node.dump(listRoutes({ protocol: 72 }))).toEqual([]);
    node.execute([addRoute(route)]);
  });

  test("fails the third message of its kind, with words if there are any", () => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    kernel.fail("RTM_NEWADDR", "EPERM", { nth: 3, detail: "not today" });
    const requests = ["fd00::1/64", "fd00::2/64", "fd00::3/64", "fd00::4/64"].map((text) =>
      addAddress({ link: 10, address: onLink(text), noDad: true }),
    );
    const refusal = { code: "EPERM", detail: "not today", index: 2, operation: "add address fd00::3/64 on link 10" };
    expect(() => node.execute(requests)).toThrow(expect.objectContaining(refusal));
    const left = node.dump(listAddresses({ link: 10 })).map(({ address }) => `${address}`);
    expect(left).toEqual(["fd00::1/64", "fd00::2/64", "fd00::4/64"]);
  });

  test("fails a list and a get", () => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    kernel.fail("RTM_GETLINK", "ENOMEM");
    expect(() => node.dump(listLinks())).toThrow(expect.objectContaining({ code: "ENOMEM" }));
    kernel.fail("RTM_GETLINK", "ENOMEM");
    expect(() => node.get(getLink({ name: "hx1" }))).toThrow(expect.objectContaining({ code: "ENOMEM" }));
    expect(node.get(getLink({ name: "hx1" })).index).toBe(10);
  });

  test("fails opening a socket, a namespace, a sysctl and a program, each by its name", async () => {
    const kernel = new FakeKernel();
    kernel.addNamespace(POD);
    kernel.addProgram("nft", () => ({ stdout: "done" }));
    kernel.fail("socket", "EMFILE");
    expect(() => kernel.socket("route")).toThrow("Cannot open route netlink socket: Too many open files");
    kernel.fail("namespace", "EACCES");
    expect(() => kernel.namespace(POD)).toThrow(`Cannot open network namespace ${POD}: Permission denied`);
    kernel.fail("sysctl net/ipv4/ip_forward", "EROFS");
    expect(kernel.sysctl().get("net/ipv6/conf/all/forwarding")).toBe("0");
    expect(() => kernel.sysctl().set("net/ipv4/ip_forward", "1")).toThrow(
      "Cannot set sysctl net/ipv4/ip_forward to 1: Read-only file system",
    );
    kernel.fail("run", "ENOENT");
    await expect(kernel.run("nft", [])).rejects.toThrow("Cannot run nft: No such file or directory");
    await expect(kernel.run("nft", [])).resolves.toEqual({ code: 0, stdout: "done", stderr: "" });
  });

  test("that names no errno is a mistake of the test", () => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    kernel.fail("RTM_NEWROUTE", "ENOTHING");
    expect(() => node.execute([addRoute(route)])).toThrow("ENOTHING is not the name of an errno");
  });
});

describe("a namespace", () => {
  test("that was not made is not there", () => {
    expect(() => new FakeKernel().namespace("/run/netns/none")).toThrow(
      "Cannot open network namespace /run/netns/none: No such file or directory",
    );
  });

  test("without a path lives on until its last handle is closed, and its links with it", () => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    const handle = kernel.namespace(POD);
    kernel.removeNamespace(POD);
    expect(() => kernel.namespace(POD)).toThrow("No such file or directory");
    // `connected` holds another one.
    handle[Symbol.dispose]();
    expect(node.get(getLink({ name: "hx1" })).linkNamespace).toBe(0);
    expect(() => kernel.socket("route", handle)).toThrow(`Cannot use network namespace ${POD}: Bad file descriptor`);
  });

  test("seen from inside is where everything happens", async () => {
    const kernel = new FakeKernel();
    const namespace = kernel.addNamespace(POD);
    const pod = inside(kernel, namespace);
    kernel.addProgram("ip6tables-restore", (args, { stdin, namespacePath }) => ({
      stdout: [...args, stdin, namespacePath].join(" "),
    }));
    pod.sysctl().set("net/ipv4/ip_forward", "1");
    expect([kernel.sysctl().get("net/ipv4/ip_forward"), pod.sysctl().get("net/ipv4/ip_forward")]).toEqual(["0", "1"]);
    const { stdout } = await pod.run("ip6tables-restore", ["--noflush"], { stdin: "*filter" });
    expect(stdout).toBe(`--noflush *filter ${POD}`);
  });
});

describe("programs", () => {
  test("give what they are made to give, and the code 0 unless they say otherwise", async () => {
    const kernel = new FakeKernel();
    kernel.addProgram("ipset", async (args) => ({ code: args.length, stderr: "no such set" }));
    expect(await kernel.run("ipset", ["list", "pods"])).toEqual({ code: 2, stdout: "", stderr: "no such set" });
  });

  test("that are not there are not found", async () => {
    await expect(new FakeKernel().run("nft", [])).rejects.toBeInstanceOf(KernelError);
  });
});

describe("a kernel without IPv6", () => {
  test("has links without a mode of address generation, and no sysctls of IPv6", () => {
    const kernel = new FakeKernel({ ipv6: false });
    const { node } = connected4(kernel);
    expect(node.get(getLink({ name: "hx1" }))).not.toHaveProperty("addressGeneration");
    expect(() => kernel.sysctl().get("net/ipv6/conf/all/forwarding")).toThrow(
      "Cannot read sysctl net/ipv6/conf/all/forwarding: No such file or directory",
    );
    expect(node.dump(listAddresses({ family: "v6" }))).toEqual([]);
  });

  test("takes IPv4 and refuses IPv6", () => {
    const kernel = new FakeKernel({ ipv6: false });
    const { node } = connected4(kernel);
    node.execute([addAddress({ link: 10, address: onLink("10.0.0.1/24") })]);
    const unsupported = expect.objectContaining({ errno: constants.errno.EOPNOTSUPP });
    expect(() => node.execute([addAddress({ link: 10, address: onLink("fd00::1/64") })])).toThrow(unsupported);
    expect(() => node.execute([addRoute(route)])).toThrow(unsupported);
  });

  function connected4(kernel: FakeKernel): { readonly node: Connection } {
    const node = new Connection(kernel.socket("route"));
    node.execute([
      createLink({ kind: "veth", name: "hx1", index: 10, peer: { name: "hx2" } }),
      changeLink({ name: "hx1" }, { up: true }),
      changeLink({ name: "hx2" }, { up: true }),
    ]);
    return { node };
  }
});

describe("a netfilter socket", () => {
  test("tracks connections, which a namespace shows, and of which messages can be made to fail", () => {
    const kernel = new FakeKernel();
    using connection = new Connection(kernel.socket("netfilter"));
    connection.execute([createConnection(sampleConnection("v6", "udp")), createConnection(samplePing("v4"))]);
    expect(kernel.show()).toContain(
      "connection udp [fd00::2]:5000 to [fd00::1]:53\nconnection icmp 10.0.0.2 to 10.0.0.1 type 8 code 0 id 7\n",
    );
    kernel.fail("IPCTNL_MSG_CT_DELETE", "EPERM");
    expect(() => deleteConnections(connection, () => true)).toThrow("Operation not permitted");
    expect(connections(connection)).toHaveLength(1);
  });

  test("has nothing to watch, and says so", () => {
    using socket = new FakeKernel().socket("netfilter");
    const listener = { onChange: () => {}, onError: () => {} };
    expect(() => watchTables(socket, listener)).toThrow("the fake kernel logs no packets and tells of no changes");
    expect(() => new FakeKernel().socket("generic")).toThrow("Cannot open generic netlink socket");
  });
});

describe("forwarding", () => {
  const learned = {
    destination: Prefix.parse("::/0"),
    nextHop: { kind: "gateway", gateway: Address.parse("fe80::99"), link: 10 },
    protocol: 9,
  } as const;

  test.for<[acceptRa: string, left: number]>([
    ["0", 0],
    ["1", 0],
    ["2", 1],
  ])("switched on with accept_ra=%s leaves %d of the default routes that routers advertised", ([acceptRa, left]) => {
    const kernel = new FakeKernel();
    const { node } = connected(kernel);
    kernel.sysctl().set("net/ipv6/conf/hx1/accept_ra", acceptRa);
    node.execute([addRoute(learned), addRoute({ ...learned, destination: Prefix.parse("fd02::/64") })]);
    kernel.sysctl().set("net/ipv6/conf/all/forwarding", "1");
    const found = node.dump(listRoutes({ protocol: 9 })).filter(({ destination }) => destination.length === 0);
    expect(found).toHaveLength(left);
  });
});

describe("show", () => {
  test("tells of all that a namespace holds, in the words of ip, links by their names", () => {
    const kernel = new FakeKernel();
    const { node, pod } = connected(kernel);
    fill(node);
    pod.execute([addAddress({ link: 2, address: onLink("fd00::2/64"), noDad: true })]);
    expect(kernel.show()).toMatchInlineSnapshot(`
      "1: lo: <DOWN> loopback mtu 65536
      10: hx1@if2: <UP,LOWER_UP> veth mtu 1400 address 02:00:00:00:00:01 addrgenmode none alias "hextet net/c1/eth0"
          inet6 fd00::1/64 nodad
          inet6 fd00::5/64 tentative
          inet 10.0.0.1/32 peer 10.0.0.9 noprefixroute valid_lft 60
      20: br0: <UP,LOWER_UP> bridge mtu 1500 address 02:fa:4e:00:00:08
          inet6 fe80::fa:4eff:fe00:5/64 tentative
      30: ifb0: <UP,LOWER_UP> ifb mtu 1500 address 02:fa:4e:00:00:06 group 7
          inet6 fe80::fa:4eff:fe00:6/64
      40: port@port-peer: <DOWN> veth mtu 1500 address 02:fa:4e:00:00:08 master br0 hairpin on isolated on
      41: port-peer@port: <DOWN> veth mtu 1500 address 02:fa:4e:00:00:07
      45: mv0@hx1: <DOWN> macvlan mtu 1400 address 02:fa:4e:00:00:09 mode bridge
      50: vx0: <DOWN> vxlan mtu 1500 address 02:fa:4e:00:00:0a id 42 local fd00::1 dstport 8472
      route fd00::/64 dev hx1 proto 2 metric 256
      route fd01::/64 via fd00::2 dev hx1 proto 72 metric 1024 mtu 1300
      route fe80::/64 dev br0 proto 2 metric 256
      route fe80::/64 dev ifb0 proto 2 metric 256
      route 10.1.0.0/24 blackhole table 1000 proto 72 metric 5
      neigh fd00::2 dev hx1 lladdr 02:00:00:00:00:77 permanent proto 72
      neigh proxy fd00::7 dev hx1 proto 72
      fdb 02:00:00:00:00:77 dev port master br0
      fdb everyone dev vx0 dst fd00::9
      IPv6 rule 100: lookup 1000
      qdisc tbf dev hx1 rate 1250000Bps burst 32768b limit 100000b
      qdisc ingress dev hx1
      redirect hx1 to ifb0
      "
    `);
    expect(kernel.show(POD)).toMatchInlineSnapshot(`
      "1: lo: <DOWN> loopback mtu 65536
      2: eth0@if10: <UP,LOWER_UP> veth mtu 1500 address 02:00:00:00:00:02
          inet6 fe80::ff:fe00:2/64 tentative
          inet6 fd00::2/64 nodad
      route fd00::/64 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      "
    `);
    expect(() => kernel.show("/run/netns/none")).toThrow("Cannot show /run/netns/none: No such file or directory");
  });

  function fill(node: Connection): void {
    const mac = Mac.parse("02:00:00:00:00:77");
    const peer = Address.parse("10.0.0.9");
    node.execute([
      createLink({ kind: "bridge", name: "br0", index: 20, mtu: 1500, up: true }),
      createLink({ kind: "ifb", name: "ifb0", index: 30, group: 7, up: true }),
      createLink({ kind: "veth", name: "port", index: 40, master: 20, peer: { name: "port-peer", index: 41 } }),
      changeLink({ index: 40 }, { port: { hairpin: true, isolated: true } }),
      createLink({ kind: "macvlan", name: "mv0", index: 45, link: 10, mode: "bridge" }),
      createLink({
        kind: "vxlan",
        name: "vx0",
        index: 50,
        id: 42,
        port: 8472,
        learning: false,
        local: Address.parse("fd00::1"),
      }),
      addAddress({ link: 10, address: onLink("fd00::1/64"), noDad: true }),
      addAddress({ link: 10, address: onLink("fd00::5/64") }),
      addAddress({ link: 10, address: onLink("10.0.0.1/32"), peer, noPrefixRoute: true, validSeconds: 60 }),
      addRoute({ ...route, nextHop: { kind: "gateway", gateway: Address.parse("fd00::2"), link: 10 }, mtu: 1300 }),
      addRoute({ ...route, destination: Prefix.parse("10.1.0.0/24"), table: 1000, priority: 5 }),
      addNeighbor({ link: 10, address: Address.parse("fd00::2"), mac, protocol: 72 }),
      addProxyNeighbor({ link: 10, address: Address.parse("fd00::7"), protocol: 72 }),
      addForwarding({ kind: "bridge", link: 40, mac }),
      addForwarding({ kind: "vxlan", link: 50, mac: "everyone", remote: Address.parse("fd00::9") }),
      addRule({ family: "v6", priority: 100, action: { kind: "lookup", table: 1000 }, protocol: 72 }),
      addQueue({ link: 10, kind: "tbf", bytesPerSecond: 1_250_000, burstBytes: 32_768, limitBytes: 100_000 }),
      addQueue({ link: 10, kind: "ingress" }),
      addRedirect({ link: 10, to: 30 }),
    ]);
  }
});
