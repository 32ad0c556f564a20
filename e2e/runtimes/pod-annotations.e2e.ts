// containerd as Kubernetes uses it, with pods that ask by annotations: what the kubelet would write into status.podIPs and into an
// event. containerd 1.6 hands annotations over as later ones do (since 1.5, pkg/cri/server/sandbox_run.go, cniNamespaceOpts).
import { beforeAll, describe, expect, test } from "vitest";
import { podAnnotationsCapability } from "../../src/cni/runtime-config.ts";
import { build } from "../runtime/built.ts";
import { CallFailed, Cri, type Sandbox } from "./cri.ts";
import { columns, type Families } from "./machine.ts";
import { hextet, ours } from "./networks.ts";
import { Site } from "./site.ts";

const capabilities = { bandwidth: true, [podAnnotationsCapability]: true };
const annotated = { ...ours, main: { ...hextet, capabilities }, chain: [] };
const asked: Readonly<Record<Families, readonly string[]>> = {
  v6: ["fd77:0:0:1::2025"],
  v4: ["10.77.0.250"],
  dual: ["fd77:0:0:1::2025", "10.77.0.250"],
};

beforeAll(() => void build());

async function failureOf(cri: Cri, sandbox: Sandbox): Promise<string> {
  const failure = await cri.run(sandbox).catch((error: unknown) => error);
  if (failure instanceof CallFailed) return failure.message;
  throw failure instanceof Error ? failure : new Error(`${sandbox.name} was started`);
}

describe.for(columns)("containerd's pods on a %s network", (families) => {
  test("have the addresses and limits they ask for, or a sentence that says why not", async () => {
    await using site = await Site.make(families, annotated);
    const cri = await Cri.start(site.machine);
    const annotations = {
      "hextet.dev/ips": asked[families].join(","),
      "kubernetes.io/ingress-bandwidth": "8M",
      "kubernetes.io/egress-bandwidth": "4M",
    };
    const pod = { namespace: "shop", name: "db-0", annotations };
    const first = await cri.run(pod);
    expect(await cri.addresses(first)).toEqual(asked[families].toSorted());
    const limits = await site.machine.run("tc", "qdisc", "show");
    expect([...limits.matchAll(/rate (\S+)/g)].map(([, rate = ""]) => rate).toSorted()).toEqual(["4Mbit", "8Mbit"]);

    const [address = ""] = asked[families];
    const other = { ...pod, namespace: "bank", name: "thief" };
    const held = await failureOf(cri, other);
    expect(held).toMatch(/plugin type="hextet" failed \(add\): Cannot lease address [^\n]*$/);
    expect(held).toContain(
      `${address} (asked for in annotation hextet.dev/ips): container ${first} holds it as eth0 (pod shop/db-0)`,
    );
    const typo = await failureOf(cri, { ...other, annotations: { "hextet.dev/assign": "stabel" } });
    expect(typo).toMatch(
      / failed \(add\): annotation hextet.dev\/assign: "stabel" is unknown; did you mean stable\? There are [^\n]*$/,
    );

    await cri.remove(first);
    expect(await failureOf(cri, other)).toContain(
      "pod shop/db-0 had it, and no pod of another namespace is given it before",
    );
    const again = await cri.run(pod);
    expect(await cri.addresses(again)).toEqual(asked[families].toSorted());
    await cri.remove(again);
    expect(await site.left()).toEqual([]);
  });
});
