import { expect, test } from "vitest";
import { configOf, plansOf } from "./kind.ts";

test("plansOf() makes a cluster of every family with every mode of kube-proxy", () => {
  const plans = plansOf({ families: ["v6", "dual"], proxies: ["iptables", "nftables"] });
  expect(plans.map(({ name }) => name)).toEqual([
    "hextet-v6-iptables",
    "hextet-v6-nftables",
    "hextet-dual-iptables",
    "hextet-dual-nftables",
  ]);
});

test.for([
  { families: "v4", networking: { ipFamily: "ipv4" } },
  { families: "v6", networking: { ipFamily: "ipv6" } },
  { families: "dual", networking: { ipFamily: "dual" } },
  { families: "v6-first", networking: { ipFamily: "dual", podSubnet: expect.stringMatching(/^fd.*,10\./) } },
] as const)("configOf() leaves the network of a $families cluster to Hextet", ({ families, networking }) => {
  const plan = { name: "x", families, proxy: "nftables" } as const;
  expect(configOf(plan, {})).toMatchObject({
    networking: { ...networking, disableDefaultCNI: true, kubeProxyMode: "nftables" },
  });
});

test("configOf() adds what the user wants of the cluster", () => {
  const plan = { name: "x", families: "dual", proxy: "iptables" } as const;
  expect(configOf(plan, { featureGates: { A: true } })).toMatchObject({ kind: "Cluster", featureGates: { A: true } });
});
