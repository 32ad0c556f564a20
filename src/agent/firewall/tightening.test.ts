import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { PolicyCompiler } from "../../policy/compile.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import type { PolicyPod } from "../../policy/policy-view.ts";
import { localPods, pod, policyOf, policyView, stacks } from "./sample-shop.ts";
import { mayDenyMore } from "./tightening.ts";

interface State {
  readonly pods: readonly PolicyPod[];
  readonly policies: readonly NetworkPolicy[];
  readonly local?: readonly string[];
}

function mayDeny(families: readonly Family[], before: State | undefined, after: State): boolean {
  const compiler = new PolicyCompiler();
  const compile = ({ pods, policies, local = ["web", "db"] }: State) =>
    compiler.compile({
      view: policyView(pods, ...policies),
      localPods: localPods(families).filter(({ name }) => local.includes(name)),
    });
  const first = before && compile(before);
  return mayDenyMore(first, compile(after));
}

describe.for(stacks)("%s: connections are looked through", ([, families]) => {
  const [web, db] = [pod("web", families), pod("db", families)];
  const friendly = { pods: [web, db], policies: [policyOf.friendly] };

  test("after a policy came, or says something else", () => {
    expect(mayDeny(families, { pods: [web, db], policies: [] }, friendly)).toBe(true);
    expect(mayDeny(families, friendly, { ...friendly, policies: [policyOf.closed] })).toBe(true);
  });

  test("after a peer is one no more", () => {
    expect(mayDeny(families, friendly, { ...friendly, pods: [pod("web", families, "stranger"), db] })).toBe(true);
    expect(mayDeny(families, friendly, { ...friendly, pods: [db] })).toBe(true);
  });

  test("after a pod under a policy came, whose address may have been another's", () => {
    expect(mayDeny(families, { ...friendly, local: ["web"] }, friendly)).toBe(true);
  });

  test("by an agent that does not know what was before, where any pod is under a policy", () => {
    expect(mayDeny(families, undefined, friendly)).toBe(true);
    expect(mayDeny(families, undefined, { pods: [web, db], policies: [] })).toBe(false);
  });

  test("not where nothing changed, a policy went, or a pod came that is under none", () => {
    expect(mayDeny(families, friendly, friendly)).toBe(false);
    expect(mayDeny(families, friendly, { ...friendly, policies: [] })).toBe(false);
    expect(mayDeny(families, { ...friendly, local: ["db"] }, friendly)).toBe(false);
    expect(mayDeny(families, friendly, { ...friendly, local: ["db"] })).toBe(false);
  });
});
