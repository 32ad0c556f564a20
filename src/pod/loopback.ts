// The plugin `loopback`: brings the pod's lo up, as the reference plugin does. The kernel gives it its addresses by itself.
// https://www.cni.dev/plugins/current/main/loopback/
import type { InterfaceAddress } from "../ip/prefix.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { listAddresses } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { changeLink, getLink, type Link } from "../netlink/link.ts";
import { CheckFailed, PodError } from "./pod-error.ts";
import { openNamespace } from "./site.ts";

const lo = { name: "lo" };

export interface Loopback {
  readonly link: Link;
  /** ::1/128 and 127.0.0.1/8, as far as the kernel speaks these families. */
  readonly addresses: readonly InterfaceAddress[];
}

export function attachLoopback(kernel: Kernel, namespacePath: string): Loopback {
  using namespace = openNamespace(kernel, namespacePath);
  using pod = new Connection(kernel.socket("route", namespace));
  const [, link] = pod.execute([changeLink(lo, { up: true }), getLink(lo)]);
  return { link, addresses: addressesOf(pod, link) };
}

export function checkLoopback(kernel: Kernel, namespacePath: string): void {
  using namespace = openNamespace(kernel, namespacePath);
  using pod = new Connection(kernel.socket("route", namespace));
  if (!pod.get(getLink(lo)).up) {
    throw new CheckFailed([`Link lo is down in the pod (nsenter --net=${namespacePath} ip link show lo)`]);
  }
}

export function detachLoopback(kernel: Kernel, namespacePath: string | undefined): void {
  if (namespacePath === undefined || namespacePath === "") return;
  try {
    using namespace = openNamespace(kernel, namespacePath);
    using pod = new Connection(kernel.socket("route", namespace));
    pod.execute([changeLink(lo, { up: false })]);
  } catch (error) {
    if (!(error instanceof PodError)) throw error;
  }
}

function addressesOf(pod: Connection, { index }: Link): InterfaceAddress[] {
  const held = pod.dump(listAddresses({ link: index })).map(({ address }) => address);
  return held.sort((one, other) => one.address.compare(other.address));
}
