import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import type { LoggedPacket } from "../../netlink/packet-log.ts";
import { describing } from "./denied-packet.ts";
import { addressesOf, pod, policyOf, policyView, stacks } from "./sample-shop.ts";

/** The beginning of a UDP packet of `web` to port 53 of `db`. */
function packet(family: Family, prefix: string, more: Partial<LoggedPacket> = {}): LoggedPacket {
  const [source, destination] = [addressesOf("web", [family]), addressesOf("db", [family])].map(([address]) =>
    address?.bytes(),
  );
  const header = family === "v6" ? [0x60, 0, 0, 0, 0, 8, 17, 64] : [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
  const ports = [0x13, 0x88, 0, 53, 0, 8, 0, 0];
  return {
    family,
    prefix,
    payload: Uint8Array.from([...header, ...(source ?? []), ...(destination ?? []), ...ports]),
    ...more,
  };
}

describe.for(stacks)("%s: a packet that was dropped", ([, families]) => {
  const view = policyView([pod("web", families), pod("db", families)], policyOf.closed);
  const describePacket = describing(view, [], (index) => (index === 7 ? "hx0007" : undefined));

  test("by a policy is told with its direction, the policies, and the pods", () => {
    for (const family of families) {
      const [source, destination] = [addressesOf("web", [family])[0], addressesOf("db", [family])[0]];
      expect(describePacket(packet(family, "hextet ingress ", { inLink: 7, outLink: 8 }))).toEqual({
        reason: "policy",
        direction: "ingress",
        policies: ["shop/db"],
        inLink: "hx0007",
        source,
        destination,
        protocol: "udp",
        sourcePort: 5000,
        destinationPort: 53,
        sourcePod: "shop/web",
        destinationPod: "shop/db",
      });
    }
  });

  test("for another reason is told with that", () => {
    for (const family of families) {
      const told = describePacket(packet(family, "hextet spoofed "));
      expect(told).toMatchObject({ reason: "spoofed", sourcePod: "shop/web" });
      expect(told).not.toHaveProperty("policies");
    }
  });

  test("of pods that no view knows is told by the names their leases have", () => {
    for (const family of families) {
      const attached = [{ pod: { namespace: "shop", name: "web" }, addresses: addressesOf("web", [family]) }];
      const told = describing(policyView([]), attached, () => undefined)(packet(family, "hextet rogue "));
      expect(told).toMatchObject({ reason: "rogue", sourcePod: "shop/web" });
      expect(told).not.toHaveProperty("destinationPod");
    }
  });

  test("and cannot be read is told by its reason alone", () => {
    for (const family of families) {
      expect(describePacket({ family, prefix: "hextet egress ", payload: new Uint8Array(3) })).toEqual({
        reason: "egress",
      });
    }
  });
});
