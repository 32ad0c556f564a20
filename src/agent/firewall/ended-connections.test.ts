import { describe, expect, test } from "vitest";
import { Address, type Family } from "../../ip/address.ts";
import type { TrackedConnection } from "../../netlink/conntrack.ts";
import { ends, sampleConnection, samplePing } from "../../netlink/sample-connections.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import { deniedNow } from "./ended-connections.ts";
import { localPods, pod, policyOf, policyView, stacks } from "./sample-shop.ts";

const outside = { v6: Address.parse("2001:db8::9"), v4: Address.parse("192.0.2.9") } as const;

function ended(families: readonly Family[], policy: NetworkPolicy, nodeAddresses: readonly Address[] = []) {
  const view = policyView([pod("web", families), pod("db", families)], policy);
  const denied = deniedNow({ view, localPods: localPods(families), nodeAddresses });
  return (connection: Pick<TrackedConnection, "family" | "protocol" | "original" | "reply">) =>
    denied({ status: 0, mark: 0, id: 1, ...connection });
}

describe.for(stacks)("%s: a connection", ([, families]) => {
  test.for(["tcp", "udp", "sctp"] as const)(
    "by %s is ended where no policy allows it, and stays where one does",
    (by) => {
      for (const family of families) {
        expect(ended(families, policyOf.closed)(sampleConnection(family, by))).toBe(true);
        expect(ended(families, policyOf.friendly)(sampleConnection(family, by))).toBe(false);
      }
    },
  );

  test("of ICMP as well", () => {
    for (const family of families) {
      expect(ended(families, policyOf.closed)(samplePing(family))).toBe(true);
      expect(ended(families, policyOf.friendly)(samplePing(family))).toBe(false);
    }
  });

  test("through a service is judged by the pod it came to", () => {
    for (const family of families) {
      const { original, ...rest } = sampleConnection(family, "tcp");
      const translated = { ...rest, original: { ...original, destination: outside[family] } };
      expect(ended(families, policyOf.closed)(translated)).toBe(true);
      expect(ended(families, policyOf.friendly)(translated)).toBe(false);
    }
  });

  test("of the node itself stays, one of anybody else does not", () => {
    for (const family of families) {
      const [, db] = ends[family];
      const { original, ...rest } = sampleConnection(family, "tcp");
      const from = (source: Address) => ({
        ...rest,
        original: { ...original, source },
        reply: { ...rest.reply, source: db, destination: source },
      });
      expect(ended(families, policyOf.closed, [outside[family]])(from(outside[family]))).toBe(false);
      expect(ended(families, policyOf.closed)(from(outside[family]))).toBe(true);
    }
  });

  test("of others that pass through the node is left alone", () => {
    for (const family of families) {
      const view = policyView([pod("web", families), pod("db", families)], policyOf.closed);
      const denied = deniedNow({ view, localPods: [], nodeAddresses: [] });
      expect(denied({ status: 0, mark: 0, id: 1, ...sampleConnection(family, "tcp") })).toBe(false);
    }
  });
});
