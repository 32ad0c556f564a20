// A node for tests on real Linux: a namespace with addresses of its own, forwarding, and pods that are namespaces too. `dump` shows
// all that an attachment could leave behind.
import { inside } from "../kernel/inside.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { TestNamespace } from "../kernel/test-namespace.ts";

export class TestNode implements Disposable {
  readonly namespace: TestNamespace;
  readonly kernel: Kernel;
  /** Held by the node, on no link that pods are on. */
  readonly addresses = { v6: "2001:db8::1", v4: "192.0.2.1" };

  constructor() {
    this.namespace = TestNamespace.create().loopbackUp();
    this.kernel = inside(linux, this.namespace);
    this.ip("address", "add", this.addresses.v4, "dev", "lo");
    this.ip("address", "add", this.addresses.v6, "dev", "lo", "nodad");
    waitFor(() => this.ip("-6", "route", "show", "table", "local").includes(this.addresses.v6));
    this.kernel.sysctl().set("net/ipv6/conf/all/forwarding", "1");
    this.kernel.sysctl().set("net/ipv4/ip_forward", "1");
  }

  ip(...args: readonly string[]): string {
    return this.namespace.run("ip", ...args);
  }

  dump(): string {
    const tables = [
      ["ip", "-j", "link"],
      ["ip", "-j", "address"],
      ["ip", "-6", "-j", "route", "show", "table", "all"],
      ["ip", "-4", "-j", "route", "show", "table", "all"],
      ["ip", "-j", "neigh", "show", "nud", "permanent"],
      ["ip", "-j", "neigh", "show", "proxy"],
      ["bridge", "-j", "fdb"],
    ] as const;
    return tables.map(([program, ...args]) => this.namespace.run(program, ...args)).join("\n");
  }

  [Symbol.dispose](): void {
    this.namespace[Symbol.dispose]();
  }
}

/** What the kernel does in a work queue: an IPv6 address is not in use the moment it is added. */
export function waitFor(isSo: () => boolean): void {
  for (const end = Date.now() + 5000; !isSo(); ) if (Date.now() > end) throw new Error(`It never came true: ${isSo}`);
}

/** Another namespace on one link with the node's `uplink`: a machine of the network the node is in. */
export function connectUplink(node: TestNode, lan: TestNamespace): void {
  node.ip("link", "add", "uplink", "type", "veth", "peer", "name", "lan0", "netns", lan.path);
  // Nothing on the link is to change by itself while a test looks.
  node.ip("link", "set", "uplink", "addrgenmode", "none");
  node.ip("link", "set", "uplink", "up");
  lan.run("ip", "link", "set", "lan0", "addrgenmode", "none");
  for (const address of ["fe80::99/64", "2001:db8:1::1/64", "10.1.0.1/24"]) {
    lan.run("ip", "address", "add", address, "dev", "lan0", ...(address.includes(":") ? ["nodad"] : []));
  }
  lan.run("ip", "link", "set", "lan0", "up");
  waitFor(() => lan.run("ip", "-6", "route", "show", "table", "local").includes("2001:db8:1::1"));
  waitFor(() => node.ip("-br", "link", "show", "uplink").includes("UP"));
}

/** One packet there and one back, now. */
export function ping(from: TestNamespace, to: string): string {
  return from.run("ping", "-n", "-c", "1", "-W", "1", to);
}

// biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
export async function freshNode({}: object, use: (node: TestNode) => Promise<void>): Promise<void> {
  using node = new TestNode();
  await use(node);
}
