import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { alreadyExists, isGone } from "./kernel-error.ts";
import { changeLink, createLink, deleteLink, getLink, type NewKind, type NewLink } from "./link.ts";
import { openSocket } from "./native.ts";

const test = base.extend<{ pod: TestNamespace; node: TestNamespace }>({ pod: fresh, node: fresh });

function connect(namespace: TestNamespace): Connection {
  return new Connection(openSocket("route", { namespace }));
}

/** What `ip -d -j link show` says of one link. */
function shown(namespace: TestNamespace, name: string): unknown {
  const [link]: unknown[] = JSON.parse(namespace.run("ip", "-d", "-j", "link", "show", "dev", name));
  return link;
}

function names(namespace: TestNamespace): string[] {
  const links: { readonly ifname: string }[] = JSON.parse(namespace.run("ip", "-j", "link", "show"));
  return links.map(({ ifname }) => ifname).filter((name) => name !== "lo");
}

describe("createLink", () => {
  test("makes a pair that ip shows on both sides as it was wanted", ({ node, pod }) => {
    using connection = connect(node);
    connection.execute([
      createLink({
        kind: "veth",
        name: "hx1",
        index: 100,
        mac: Mac.parse("02:00:00:00:00:01"),
        mtu: 1400,
        group: 7,
        transmitQueueLength: 500,
        queues: 1,
        up: true,
        peer: { name: "eth0", index: 200, mac: Mac.parse("02:00:00:00:00:02"), mtu: 1300, group: 8, namespace: pod },
      }),
    ]);
    expect(shown(node, "hx1")).toMatchObject({
      ifindex: 100,
      link_index: 200,
      link_netnsid: 0,
      address: "02:00:00:00:00:01",
      mtu: 1400,
      group: "7",
      txqlen: 500,
      num_tx_queues: 1,
      num_rx_queues: 1,
      flags: expect.arrayContaining(["UP"]),
      linkinfo: { info_kind: "veth" },
    });
    expect(shown(pod, "eth0")).toMatchObject({
      ifindex: 200,
      link_index: 100,
      address: "02:00:00:00:00:02",
      mtu: 1300,
      group: "8",
    });
  });

  test.for<[link: NewLink, info: object]>([
    [
      { kind: "bridge", name: "made", forwardDelayMs: 0, ageingTimeMs: 200_000, multicastSnooping: false },
      { info_kind: "bridge", info_data: { forward_delay: 0, ageing_time: 20_000, mcast_snooping: 0, stp_state: 0 } },
    ],
    [
      { kind: "bridge", name: "made", spanningTree: true },
      { info_kind: "bridge", info_data: { forward_delay: 1500, mcast_snooping: 1, stp_state: 1 } },
    ],
    [
      { kind: "vxlan", name: "made", id: 42, local: Address.parse("fd00::1"), port: 8472, learning: false, ttl: 64 },
      { info_kind: "vxlan", info_data: { id: 42, local6: "fd00::1", port: 8472, learning: false, ttl: 64 } },
    ],
    [
      {
        kind: "vxlan",
        name: "made",
        id: 43,
        local: Address.parse("10.0.0.1"),
        port: 4789,
        learning: true,
        ttl: "inherit",
        doNotFragment: "set",
      },
      { info_kind: "vxlan", info_data: { id: 43, local: "10.0.0.1", port: 4789, learning: true, df: "set" } },
    ],
    [{ kind: "ifb", name: "made" }, { info_kind: "ifb" }],
  ])("makes %j, and ip shows it", ([link, info], { node }) => {
    using connection = connect(node);
    connection.execute([createLink(link)]);
    expect(shown(node, "made")).toMatchObject({ linkinfo: info });
  });

  test.for<Extract<NewKind, { kind: "macvlan" }>["mode"]>(["private", "vepa", "bridge", "passthru", "source"])(
    "makes a macvlan of mode %s in another namespace",
    (mode, { node, pod }) => {
      using connection = connect(node);
      connection.execute([
        createLink({ kind: "veth", name: "lower", index: 100, peer: { name: "other" } }),
        createLink({ kind: "macvlan", name: "mv0", namespace: pod, link: 100, mode }),
      ]);
      expect(shown(pod, "mv0")).toMatchObject({
        link_index: 100,
        linkinfo: { info_kind: "macvlan", info_data: { mode } },
      });
      using inside = connect(pod);
      expect(inside.get(getLink({ name: "mv0" })).macvlan).toEqual({ mode });
    },
  );

  test("refuses what is there already", ({ node }) => {
    using connection = connect(node);
    const create = createLink({ kind: "bridge", name: "br0" });
    connection.execute([create]);
    expect(() => connection.execute([create])).toThrow(expect.toSatisfy(alreadyExists));
    expect(() => connection.execute([create])).toThrow("Cannot create bridge link br0: File already exists");
  });
});

describe("changeLink", () => {
  test("gives a link all it can have at once", ({ node }) => {
    using connection = connect(node);
    connection.execute([
      createLink({ kind: "veth", name: "hx1", index: 100, peer: { name: "other" } }),
      createLink({ kind: "bridge", name: "br0", index: 50 }),
      changeLink(
        { index: 100 },
        {
          name: "hx2",
          mac: Mac.parse("02:00:00:00:00:11"),
          mtu: 1300,
          transmitQueueLength: 400,
          alias: "hextet net/c1/eth0 ü",
          group: 77,
          addressGeneration: "none",
          master: 50,
          up: true,
        },
      ),
    ]);
    expect(shown(node, "hx2")).toMatchObject({
      address: "02:00:00:00:00:11",
      mtu: 1300,
      txqlen: 400,
      ifalias: "hextet net/c1/eth0 ü",
      group: "77",
      inet6_addr_gen_mode: "none",
      master: "br0",
      flags: expect.arrayContaining(["UP"]),
    });
    expect(connection.get(getLink({ index: 100 })).alias).toBe("hextet net/c1/eth0 ü");
  });

  test("sets each of a port's switches, and no other", ({ node }) => {
    using connection = connect(node);
    connection.execute([
      createLink({ kind: "bridge", name: "br0", index: 50 }),
      createLink({ kind: "veth", name: "hx1", index: 100, master: 50, peer: { name: "other" } }),
    ]);
    const switches = { hairpin: true, isolated: true, learning: false, flood: false, neighborSuppression: true };
    const words = { hairpin: "hairpin", isolated: "isolated", learning: "learning", flood: "flood" } as const;
    for (const [name, word] of Object.entries(words)) {
      const value = name === "hairpin" || name === "isolated";
      connection.execute([changeLink({ index: 100 }, { port: { [name]: value } })]);
      expect(shown(node, "hx1")).toMatchObject({ linkinfo: { info_slave_data: { [word]: value } } });
    }
    connection.execute([changeLink({ index: 100 }, { port: switches })]);
    expect(connection.get(getLink({ index: 100 })).port).toEqual(switches);
  });

  test.for(["eui64", "none", "stable-privacy", "random"] as const)("sets address generation %s", (mode, { node }) => {
    using connection = connect(node);
    node.run("sysctl", "-w", "net.ipv6.conf.default.stable_secret=2001:db8::1");
    connection.execute([
      createLink({ kind: "bridge", name: "br0" }),
      changeLink({ name: "br0" }, { addressGeneration: mode }),
    ]);
    const said = mode === "stable-privacy" ? "stable_secret" : mode;
    expect(shown(node, "br0")).toMatchObject({ inet6_addr_gen_mode: said });
    expect(connection.get(getLink({ name: "br0" })).addressGeneration).toBe(mode);
  });

  test("is refused with the kernel's own words", ({ node }) => {
    using connection = connect(node);
    connection.execute([createLink({ kind: "bridge", name: "br0" })]);
    expect(() => connection.execute([changeLink({ name: "br0" }, { mtu: 17, up: true })])).toThrow(
      "Cannot set MTU 17, up on link br0: Invalid argument (mtu less than device minimum)",
    );
  });
});

describe("deleteLink", () => {
  test("takes a link away, once", ({ node }) => {
    using connection = connect(node);
    connection.execute([createLink({ kind: "bridge", name: "br0" }), deleteLink({ name: "br0" })]);
    expect(names(node)).toEqual([]);
    expect(() => connection.execute([deleteLink({ name: "br0" })])).toThrow(expect.toSatisfy(isGone));
  });

  test("takes fifty pairs of one group away together", async ({ node, pod }) => {
    using connection = connect(node);
    const pairs = Array.from({ length: 50 }, (_, at) =>
      createLink({ kind: "veth", name: `hx${at}`, group: 5, peer: { name: `eth${at}`, namespace: pod } }),
    );
    connection.execute([...pairs, createLink({ kind: "bridge", name: "br0" })]);
    await connection.executeLater(deleteLink({ group: 5 }));
    expect([names(node), names(pod)]).toEqual([["br0"], []]);
  });
});

describe("a link that ip made", () => {
  test.for<[args: string, read: object]>([
    ["type bridge forward_delay 400 mcast_snooping 0", { kind: "bridge", bridge: { forwardDelayMs: 4000 } }],
    ["mtu 1400 group 9 type veth peer name other", { kind: "veth", mtu: 1400, group: 9 }],
    ["type vxlan id 7 dstport 4789", { kind: "vxlan", vxlan: { id: 7, port: 4789, learning: true, ttl: 0 } }],
    ["type ifb", { kind: "ifb" }],
  ])("%s is read", ([args, read], { node }) => {
    using connection = connect(node);
    node.run("ip", "link", "add", "made", ...args.split(" "));
    expect(connection.get(getLink({ name: "made" }))).toMatchObject(read);
  });
});
