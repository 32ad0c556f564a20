// A node for tests without root: a fake kernel with an uplink that leads to a switch, and namespaces for pods.
import { FakeKernel } from "../kernel/fake.ts";
import { Connection } from "../netlink/connection.ts";
import { changeLink, createLink } from "../netlink/link.ts";
import { type Attached, attach } from "./attach.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Target } from "./removal.ts";

export const POD = "/run/netns/pod2";
export const OTHER_POD = "/run/netns/pod3";

export function fakeNode({ ipv6 = true }: { readonly ipv6?: boolean } = {}): FakeKernel {
  const kernel = new FakeKernel({ ipv6 });
  using lan = kernel.addNamespace("/run/netns/lan");
  for (const path of [POD, OTHER_POD]) kernel.addNamespace(path);
  using node = new Connection(kernel.socket("route"));
  node.execute([
    createLink({ kind: "veth", name: "uplink", peer: { name: "lan0", namespace: lan } }),
    // No address that comes by itself, so that all that is shown was attached.
    ...(ipv6 ? [changeLink({ name: "uplink" }, { addressGeneration: "none" })] : []),
    changeLink({ name: "uplink" }, { up: true }),
  ]);
  using inside = new Connection(kernel.socket("route", lan));
  inside.execute([changeLink({ name: "lan0" }, { up: true })]);
  return kernel;
}

export function attachTo(kernel: FakeKernel, network: PodNetwork, path = POD): Promise<Attached> {
  return attach(kernel, network, path, { wait: kernel.wait });
}

/** What the node and the pod hold; the derived names and MACs as words. */
export function shown(kernel: FakeKernel, { hostLink, hostMac, podMac }: PodNetwork): string {
  const words = [
    [hostLink, "HOST"],
    [hostMac, "H"],
    [podMac, "P"],
    [podMac.linkLocal, "fe80::P"],
  ] as const;
  const node = kernel.show().replaceAll(/^.*(?:uplink|: lo).*\n/gm, "");
  const pod = kernel.show(POD).replaceAll(/^.*: lo.*\n/gm, "");
  return words.reduce((text, [value, word]) => text.replaceAll(String(value), word), `${node}--\n${pod}`);
}

/** What the node, and a pod beside it, have of this attachment, by the name, the MACs and the alias of its links: one line each. */
export function leftOf(kernel: FakeKernel, { hostLink, podMac, hostMac, attachment }: PodNetwork): readonly string[] {
  const { network, containerId, interfaceName } = attachment;
  const marks = [` ${network}/${containerId}/${interfaceName}"`, ` dev ${hostLink} `, `${podMac}`, `${hostMac}`];
  const lines = [kernel.show(), kernel.show(OTHER_POD)].join("").split("\n");
  return lines.filter((line) => marks.some((mark) => line.includes(mark)));
}

/** What DEL is told of it, the namespace's path aside. */
export function targetOf({ attachment, mode }: PodNetwork): Target {
  return { attachment, ...(mode.kind === "bridge" ? { bridge: mode.bridge } : {}) };
}
