// What both kernels do with the forwarding entries of bridges and VXLAN links.
import { describe, expect, test } from "vitest";
import { Mac } from "../../ip/mac.ts";
import { addForwarding, listForwardings, removeForwarding, replaceForwarding } from "../../netlink/forwarding.ts";
import { changeLink, createLink, deleteLink } from "../../netlink/link.ts";
import { address, connectPod, nodeEnd, type OpenWorld, outcome, type World } from "./world.ts";

const link = nodeEnd;
const families = ["v6", "v4"] as const;
const mac = Mac.parse("02:00:00:00:00:77");

export function forwardingContract(open: OpenWorld): void {
  describe("a bridge's forwarding entry", () => {
    const one = { kind: "bridge", link, mac } as const;

    function bridged(): World {
      const world = open();
      connectPod(world);
      world.node.execute([
        createLink({ kind: "bridge", name: "br0", index: 50 }),
        changeLink({ index: 50 }, { addressGeneration: "none" }),
        changeLink({ index: 50 }, { up: true }),
        changeLink({ index: link }, { master: 50 }),
      ]);
      return world;
    }

    const added = ({ node }: World) =>
      node.dump(listForwardings({ master: 50 })).filter((entry) => !entry.local && entry.static);

    test("is there as it was added, until it is removed", () => {
      using world = bridged();
      world.node.execute([addForwarding(one)]);
      expect(added(world)).toEqual([{ link, mac, master: 50, local: false, static: true, learned: false }]);
      expect(outcome(world.node, addForwarding(one))).toBe("EEXIST");
      world.node.execute([removeForwarding(one)]);
      expect(added(world)).toEqual([]);
      expect(outcome(world.node, removeForwarding(one))).toBe("ENOENT");
    });

    test("of the port's own MAC is local, and listed with the port", () => {
      using world = bridged();
      const own = world.node.dump(listForwardings({ link })).filter(({ local }) => local);
      expect(own).toEqual([
        { link, mac: Mac.parse("02:00:00:00:00:01"), master: 50, local: true, static: true, learned: false },
      ]);
    });

    test("goes with the port, and when the port is released", () => {
      using world = bridged();
      world.node.execute([addForwarding(one), changeLink({ index: link }, { master: "none" })]);
      expect(added(world)).toEqual([]);
      world.node.execute([
        changeLink({ index: link }, { master: 50 }),
        addForwarding(one),
        deleteLink({ index: link }),
      ]);
      expect(added(world)).toEqual([]);
    });

    test("is refused on a link that is no port, and on none", () => {
      using world = open();
      connectPod(world);
      expect(outcome(world.node, addForwarding(one))).toBe("EOPNOTSUPP");
      expect(outcome(world.node, addForwarding({ ...one, link: 999 }))).toBe("ENODEV unknown ifindex");
    });
  });

  describe.for(families)("a forwarding entry of a VXLAN link over IP%s", (family) => {
    const local = { v6: address("fd00::1"), v4: address("10.0.0.1") };
    const remote = { v6: address("fd00::9"), v4: address("10.0.0.9") }[family];
    const other = { v6: address("fd00::8"), v4: address("10.0.0.8") }[family];
    const one = { kind: "vxlan", link: 60, mac, remote } as const;
    const forEveryone = { ...one, mac: "everyone" } as const;

    function tunneled(): World {
      const world = open();
      world.node.execute([
        createLink({
          kind: "vxlan",
          name: "vx0",
          index: 60,
          id: 42,
          port: 8472,
          learning: false,
          local: local[family],
        }),
      ]);
      return world;
    }

    const listed = ({ node }: World) =>
      node
        .dump(listForwardings({ link: 60 }))
        .map(({ mac, remote }) => `${mac} ${remote}`)
        .sort();

    test("is there once, and replaced by another remote end", () => {
      using world = tunneled();
      world.node.execute([addForwarding(one)]);
      expect(outcome(world.node, addForwarding({ ...one, remote: other }))).toBe("EEXIST");
      world.node.execute([replaceForwarding({ ...one, remote: other })]);
      expect(listed(world)).toEqual([`${mac} ${other}`]);
      world.node.execute([removeForwarding({ ...one, remote: other })]);
      expect(listed(world)).toEqual([]);
      expect(outcome(world.node, removeForwarding(one))).toBe("ENOENT");
    });

    test("for everyone may lead to several remote ends, each once", () => {
      using world = tunneled();
      world.node.execute([
        addForwarding(forEveryone),
        addForwarding({ ...forEveryone, remote: other }),
        addForwarding(forEveryone),
      ]);
      expect(listed(world)).toEqual([`everyone ${other}`, `everyone ${remote}`]);
      world.node.execute([removeForwarding(forEveryone)]);
      expect(listed(world)).toEqual([`everyone ${other}`]);
    });

    test("is refused for a remote end of the other family", () => {
      using world = tunneled();
      const foreign = local[family === "v6" ? "v4" : "v6"];
      expect(outcome(world.node, addForwarding({ ...one, remote: foreign }))).toBe("EAFNOSUPPORT");
    });
  });
}
