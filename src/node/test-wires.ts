// Networks for tests on real Linux: namespaces joined by cables and switches, without the seconds that duplicate address
// detection takes, and a router that advertises (radvd).
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { linux } from "../kernel/linux.ts";
import type { TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "../netlink/connection.ts";
import { changeLink, createLink, getLink } from "../netlink/link.ts";

export interface End {
  readonly namespace: TestNamespace;
  readonly name: string;
}

/** Joins two namespaces by a pair of links that are up; `accept_ra` and the like are as the kernel has them. */
export function cable(one: End, other: End): void {
  for (const { namespace } of [one, other]) {
    linux.sysctl(namespace).set("net/ipv6/conf/default/accept_dad", "0");
    linux.sysctl(namespace).set("net/ipv6/conf/default/router_solicitation_delay", "0");
  }
  using here = connect(one.namespace);
  using there = connect(other.namespace);
  here.execute([createLink({ kind: "veth", name: one.name, peer: { name: other.name, namespace: other.namespace } })]);
  there.execute([changeLink({ name: other.name }, { up: true })]);
  here.execute([changeLink({ name: one.name }, { up: true })]);
}

/** Joins any number of namespaces by a bridge in one of its own. */
export function switched(hub: TestNamespace, ends: readonly End[]): void {
  using connection = connect(hub);
  linux.sysctl(hub).set("net/ipv6/conf/default/disable_ipv6", "1");
  connection.execute([createLink({ kind: "bridge", name: "switch", forwardDelayMs: 0, up: true })]);
  const { index } = connection.get(getLink({ name: "switch" }));
  for (const [at, end] of ends.entries()) {
    cable({ namespace: hub, name: `port${at}` }, end);
    connection.execute([changeLink({ name: `port${at}` }, { master: index })]);
  }
}

export function connect(namespace: TestNamespace): Connection {
  return new Connection(linux.socket("route", namespace));
}

/** Addresses and routes, as `ip -batch` reads them. */
export function configure(namespace: TestNamespace, ...lines: readonly string[]): void {
  for (const line of lines) namespace.run("ip", ...line.split(" "));
}

export function forwards(router: TestNamespace): void {
  linux.sysctl(router).set("net/ipv6/conf/all/forwarding", "1");
  linux.sysctl(router).set("net/ipv4/conf/all/forwarding", "1");
}

/** radvd on one link of a namespace, several times a second, until it is disposed of. */
export class Advertiser implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "hextet-radvd-"));
  readonly #radvd: ChildProcess;

  constructor(router: TestNamespace, link: string, options: { prefix: string; lifetimeSeconds: number; mtu?: number }) {
    const configuration = join(this.#directory, "radvd.conf");
    writeFileSync(
      configuration,
      `interface ${link} {
         AdvSendAdvert on; AdvIntervalOpt on; MinRtrAdvInterval 0.2; MaxRtrAdvInterval 0.4; MinDelayBetweenRAs 0.1;
         AdvDefaultLifetime ${options.lifetimeSeconds}; ${options.mtu === undefined ? "" : `AdvLinkMTU ${options.mtu};`}
         prefix ${options.prefix} { AdvValidLifetime 600; AdvPreferredLifetime 300; };
       };`,
    );
    const args = ["radvd", "-n", "-m", "stderr", "-C", configuration, "-p", join(this.#directory, "pid")];
    this.#radvd = spawn("nsenter", [`--net=${router.path}`, ...args], { stdio: "ignore" });
  }

  [Symbol.dispose](): void {
    this.#radvd.kill();
    // It removes its own file meanwhile, which can end a removal half way without an error.
    while (existsSync(this.#directory)) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Looks again until it is so, and fails with what it was last. */
export async function eventually<T>(look: () => T, isSo: (value: T) => boolean, limitMs = 5000): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = look();
    if (isSo(value)) return value;
    if (performance.now() > end) throw new Error(`after ${limitMs} ms it is still ${JSON.stringify(value)}`);
    await wait(50);
  }
}

/** Whether one of a few packets is answered; more options as `ping` has them. */
export async function pings(from: TestNamespace, address: string, ...options: readonly string[]): Promise<boolean> {
  const args = [`--net=${from.path}`, "ping", "-c2", "-i0.2", "-W1", ...options, address];
  const { stdout } = await linux.run("nsenter", args);
  return / [12] received/.test(stdout);
}
