import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { stacks } from "./arbitraries.ts";
import { localPodsOf } from "./local-pods.ts";
import type { PolicyPod } from "./policy-view.ts";

const written = { v4: ["10.1.0.1", "10.1.0.2"], v6: ["fd00::1", "fd00::2"] } as const;

describe.for(stacks)("localPodsOf(), %s", ([, families]) => {
  const addressesOf = (at: 0 | 1) => families.map((family) => Address.parse(written[family][at]));
  const web: PolicyPod = { namespace: "shop", name: "web", labels: {}, addresses: addressesOf(0), ports: [] };
  const view = { namespaces: new Map(), pods: new Map([["shop/web", web]]), policies: new Map() };

  test("takes the runtime's word for which pod it is", () => {
    const pod = { namespace: "shop", name: "db", uid: "u" };
    expect(localPodsOf([{ pod, addresses: addressesOf(0) }], view)).toEqual([{ ...pod, addresses: addressesOf(0) }]);
  });

  test("knows a container without a name by its address", () => {
    expect(localPodsOf([{ addresses: addressesOf(0) }], view)).toEqual([
      { namespace: "shop", name: "web", addresses: addressesOf(0) },
    ]);
    expect(localPodsOf([{ addresses: addressesOf(1) }], view)).toEqual([]);
  });
});
