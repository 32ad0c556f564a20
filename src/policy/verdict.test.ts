import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { stacks } from "./arbitraries.ts";
import { readNetworkPolicy } from "./parse-network-policy.ts";
import type { PolicyPod, PolicyView } from "./policy-view.ts";
import { type Flow, type FlowEnd, verdict } from "./verdict.ts";

const written = { v4: ["10.1.0.1", "10.1.0.2", "192.0.2.1"], v6: ["fd00::1", "fd00::2", "2001:db8::1"] } as const;

function policyOf(name: string, spec: unknown) {
  const { value } = readNetworkPolicy({ metadata: { namespace: "shop", name }, spec });
  if (value === undefined) throw new Error(`The policy ${name} cannot be read`);
  return value;
}

const allPolicies = [
  policyOf("db-in", {
    podSelector: { matchLabels: { app: "db" } },
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: "cron" } } }] },
      { from: [{ podSelector: { matchLabels: { app: "web" } } }], ports: [{ port: "sql" }] },
    ],
  }),
  policyOf("web-out", {
    podSelector: { matchLabels: { app: "web" } },
    policyTypes: ["Egress"],
    egress: [{ to: [{ podSelector: {} }], ports: [{ port: 5432 }, { port: 9999 }] }],
  }),
];

describe.for(stacks)("verdict(), %s", ([, families]) => {
  const addressesOf = (at: 0 | 1 | 2) => families.map((family) => Address.parse(written[family][at]));
  const [web, db] = (["web", "db"] as const).map((app, at): PolicyPod => {
    const addresses = addressesOf(at === 0 ? 0 : 1);
    return {
      namespace: "shop",
      name: app,
      labels: { app },
      addresses,
      ports: [{ name: "sql", protocol: "tcp", port: 5432 }],
    };
  });
  if (web === undefined || db === undefined) throw new Error("There are no pods");
  const view: PolicyView = {
    namespaces: new Map([["shop", { name: "shop", labels: {} }]]),
    pods: new Map([web, db].map((pod) => [`shop/${pod.name}`, pod])),
    policies: new Map(allPolicies.map((policy) => [`shop/${policy.name}`, policy])),
  };

  /** What is said for each family, which must be the same. */
  function said(flowOf: (endOf: (who: PolicyPod | "node" | "outside") => FlowEnd) => Flow) {
    const answers = families.map((_, at) => {
      const flow = flowOf((who) => {
        const address = (typeof who === "string" ? addressesOf(2) : who.addresses)[at];
        if (address === undefined) throw new Error("There is no address");
        return typeof who === "string" ? { kind: who, address } : { kind: "pod", pod: who, address };
      });
      const { allowed, egress, ingress } = verdict(view, flow);
      const rules = [egress, ingress].map((each) => {
        if (each === undefined) return "-";
        const policies = each.isolatedBy.map(({ name }) => name).join();
        return [each.because, policies, each.allowedBy.map(({ policy, rule }) => `${policy.name}[${rule}]`).join()]
          .filter((word) => word !== "")
          .join(" ");
      });
      return [allowed, ...rules].join("; ");
    });
    expect(new Set(answers).size).toBe(1);
    return answers[0];
  }

  const tcp = (number: number) => ({ protocol: "tcp", number }) as const;

  test("names the policies that isolate and the rules that allow, in both directions", () => {
    expect(said((end) => ({ source: end(web), destination: end(db), port: tcp(5432) }))).toBe(
      "true; rule web-out web-out[0]; rule db-in db-in[1]",
    );
  });

  test("denies what one of the two directions denies", () => {
    expect(said((end) => ({ source: end(web), destination: end(db), port: tcp(9999) }))).toBe(
      "false; rule web-out web-out[0]; no-rule db-in",
    );
    expect(said((end) => ({ source: end(web), destination: end(db) }))).toBe("false; no-rule web-out; no-rule db-in");
  });

  test("lets a pod without policies do what it likes", () => {
    expect(said((end) => ({ source: end(db), destination: end(web), port: tcp(1) }))).toBe("true; open; open");
  });

  test("lets a node reach its pods, and pods the node as their policies say", () => {
    expect(said((end) => ({ source: end("node"), destination: end(db), port: tcp(1) }))).toBe("true; -; node");
    expect(said((end) => ({ source: end(web), destination: end("node"), port: tcp(5432) }))).toBe(
      "false; no-rule web-out; -",
    );
    expect(said((end) => ({ source: end("outside"), destination: end(db), port: tcp(5432) }))).toBe(
      "false; -; no-rule db-in",
    );
  });

  test("lets a pod reach itself", () => {
    expect(said((end) => ({ source: end(web), destination: end(web), port: tcp(1) }))).toBe("true; self; self");
  });
});
