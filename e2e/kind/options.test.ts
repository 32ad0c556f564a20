import { describe, expect, test } from "vitest";
import { parseOptions } from "./options.ts";

describe("parseOptions", () => {
  test("makes clusters of all families with both modes of kube-proxy where nothing is said", () => {
    const { families, proxies } = parseOptions([]);
    expect({ families, proxies }).toEqual({
      families: ["v4", "v6", "dual", "v6-first"],
      proxies: ["iptables", "nftables"],
    });
  });

  test("takes lists, and options that are repeated", () => {
    const args = ["--families", "v6,dual", "--only", "policy", "--only", "pods", "--build-arg", "A=1"];
    expect(parseOptions(args)).toMatchObject({
      families: ["v6", "dual"],
      only: ["policy", "pods"],
      buildArguments: ["A=1"],
    });
  });

  test.for([
    { args: ["--families", "v5"], fault: '--families: "v5" is not one of v4, v6, dual, v6-first' },
    { args: ["--proxy", "ipvs"], fault: '--proxy: "ipvs" is not one of iptables, nftables' },
    { args: ["--cluster", "a", "--kubeconfig", "b"], fault: "--cluster and --kubeconfig name two clusters" },
    { args: ["--nodes", "3"], fault: "Unknown option '--nodes'" },
  ])("refuses $args: $fault", ({ args, fault }) => {
    expect(() => parseOptions(args)).toThrow(TypeError);
    expect(() => parseOptions(args)).toThrow(fault);
  });
});
