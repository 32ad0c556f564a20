// What the contract tests start from: a node and a pod, each a fresh network namespace with a connection into it, on Linux or in the
// fake kernel. With it come the values the cases share and the words for what is refused.
import { setTimeout as wait } from "node:timers/promises";
import { Address } from "../../ip/address.ts";
import { Mac } from "../../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../../ip/prefix.ts";
import { Connection } from "../../netlink/connection.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { changeLink, createLink, getLink, type Link, listLinks } from "../../netlink/link.ts";
import type { Request } from "../../netlink/request.ts";
import type { Namespace } from "../../netlink/socket.ts";
import { FakeKernel } from "../fake.ts";
import { inside } from "../inside.ts";
import type { Kernel, Sysctl } from "../kernel.ts";
import { linux } from "../linux.ts";
import { TestNamespace } from "../test-namespace.ts";

export interface World extends Disposable {
  readonly kernel: Kernel;
  readonly node: Connection;
  readonly pod: Connection;
  readonly podNamespace: Namespace;
  readonly nodeSysctl: Sysctl;
  readonly podSysctl: Sysctl;
  wait(ms: number): Promise<void>;
  /** Gives the pod's namespace up; nobody else holds it. */
  endPod(): void;
}

export type OpenWorld = () => World;

export const v4 = { node: InterfaceAddress.parse("10.0.0.1/24"), pod: InterfaceAddress.parse("10.0.0.2/24") };
export const v6 = { node: InterfaceAddress.parse("fd00::1/64"), pod: InterfaceAddress.parse("fd00::2/64") };
export const nodeMac = Mac.parse("02:00:00:00:00:01");
export const podMac = Mac.parse("02:00:00:00:00:02");
/** Both ends have their own, so that no index fits both by chance. */
export const nodeEnd = 100;
export const podEnd = 200;

export const address = (text: string): Address => Address.parse(text);
export const prefix = (text: string): Prefix => Prefix.parse(text);
export const onLink = (text: string): InterfaceAddress => InterfaceAddress.parse(text);

export function openLinux(): World {
  const nodeNamespace = TestNamespace.create();
  const podNamespace = TestNamespace.create();
  const kernel = inside(linux, nodeNamespace);
  return world(kernel, podNamespace, {
    wait,
    endPod: () => podNamespace[Symbol.dispose](),
    close: () => nodeNamespace[Symbol.dispose](),
  });
}

export function openFake(): World {
  const kernel = new FakeKernel();
  const path = "/run/netns/pod";
  const podNamespace = kernel.addNamespace(path);
  const endPod = () => {
    kernel.removeNamespace(path);
    podNamespace[Symbol.dispose]();
  };
  return world(kernel, podNamespace, { wait: kernel.wait, endPod, close: () => {} });
}

interface Means {
  readonly wait: (ms: number) => Promise<void>;
  readonly endPod: () => void;
  readonly close: () => void;
}

function world(kernel: Kernel, podNamespace: Namespace, { wait, endPod, close }: Means): World {
  const node = new Connection(kernel.socket("route"));
  const pod = new Connection(kernel.socket("route", podNamespace));
  const end = () => {
    pod[Symbol.dispose]();
    endPod();
  };
  return {
    kernel,
    node,
    pod,
    podNamespace,
    nodeSysctl: kernel.sysctl(),
    podSysctl: kernel.sysctl(podNamespace),
    wait,
    endPod: end,
    [Symbol.dispose]() {
      node[Symbol.dispose]();
      end();
      close();
    },
  };
}

/** A pair between the namespaces, both ends up and quiet: no addresses but those that a case adds. */
export function connectPod({ node, pod, podNamespace }: World): void {
  const peer = { name: "eth0", index: podEnd, mac: podMac, namespace: podNamespace };
  node.execute([
    createLink({ kind: "veth", name: "hx1", index: nodeEnd, mac: nodeMac, peer }),
    changeLink({ index: nodeEnd }, { addressGeneration: "none" }),
    changeLink({ index: nodeEnd }, { up: true }),
  ]);
  pod.execute([
    changeLink({ index: podEnd }, { addressGeneration: "none" }),
    changeLink({ index: podEnd }, { up: true }),
  ]);
  // Being asked, Linux notices a carrier at once that it would notice a moment later.
  pod.get(getLink({ index: podEnd }));
  node.get(getLink({ index: nodeEnd }));
}

/** Linux does some things a moment later. Waits until it is so, or long enough for an expectation to fail with what is there. */
export async function until(world: World, isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < 2000 && !isSo(); waitedMs += 10) await world.wait(10);
}

export function loopbackUp(...connections: readonly Connection[]): void {
  for (const connection of connections) connection.execute([changeLink({ name: "lo" }, { up: true })]);
}

/** The code of the refusal and the kernel's words, or `done`. */
export function outcome(connection: Connection, ...requests: readonly Request[]): string {
  try {
    connection.execute(requests);
    return "done";
  } catch (error) {
    return refusal(error);
  }
}

export function refusalOf(action: () => unknown): string {
  try {
    action();
    return "done";
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): string {
  if (!(error instanceof KernelError)) throw error;
  return error.detail === undefined ? error.code : `${error.code} ${error.detail}`;
}

/** By name; loopback is left out. */
export function linksOf(connection: Connection): Link[] {
  const links = connection.dump(listLinks()).filter(({ loopback }) => !loopback);
  return links.sort((one, other) => (one.name < other.name ? -1 : 1));
}

export function namesOf(connection: Connection): string[] {
  return linksOf(connection).map(({ name }) => name);
}
