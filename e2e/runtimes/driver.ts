// The conformance suite's runtime inside a machine, for lists that no packaged runtime lets us write, for CHECK and for GC. A pod
// is a network namespace in which nothing runs.

import * as v from "valibot";
import { type Container as Attachment, type Json, type NetworkList, Runtime } from "../conformance/runtime.ts";
import type { Machine } from "./machine.ts";
import type { Container } from "./observe.ts";

export interface Pod extends Container {
  /** What the runtime says of it to plugins. */
  readonly attachment: Attachment;
}

export class Driver {
  readonly runtime: Runtime;
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.runtime = new Runtime({
      path: ["/opt/cni/bin"],
      root: machine.path("/"),
      cacheDirectory: machine.path("/var/lib/driver"),
      enter: machine.enter,
    });
  }

  async makePod(name: string, capabilityArgs: Json = {}): Promise<Pod> {
    await this.#machine.run("ip", "netns", "add", name);
    await this.#machine.run("ip", "-netns", name, "link", "set", "lo", "up");
    const netns = `/run/netns/${name}`;
    const run = (...command: readonly string[]) => this.#machine.run("ip", "netns", "exec", name, ...command);
    return { id: name, netns, run, attachment: { containerId: name, interfaceName: "eth0", netns, capabilityArgs } };
  }

  /** Leaves a web server in the pod that answers with the pod's name; it listens when this resolves. */
  async serve({ id, run }: Pod): Promise<void> {
    this.#machine.write(`/tmp/${id}/index.html`, id);
    await run("/bin/busybox", "httpd", "-p", "80", "-h", `/tmp/${id}`);
  }

  /** Ends a pod as runtimes do: its namespace goes last. */
  async removePod(list: NetworkList, pod: Pod): Promise<void> {
    await this.runtime.del(list, pod.attachment);
    await this.#removeNamespace(pod);
  }

  /** The pod ends on its own: when DEL comes, its namespace is gone and so is CNI_NETNS. */
  async losePod(list: NetworkList, pod: Pod): Promise<void> {
    await this.#removeNamespace(pod);
    const { netns: _, ...rest } = pod.attachment;
    await this.runtime.del(list, rest);
  }

  /** A namespace lives as long as a process is in it. */
  async #removeNamespace({ id }: Pod): Promise<void> {
    await this.#machine.run(
      "sh",
      "-c",
      `ip netns pids ${id} | xargs --no-run-if-empty kill -KILL; ip netns delete ${id}`,
    );
  }
}

const result = v.object({ ips: v.array(v.object({ address: v.string() })) });

/** The addresses of an ADD's answer, sorted. */
export function addressesIn(answer: Json): string[] {
  return v
    .parse(result, answer)
    .ips.map(({ address }) => address)
    .toSorted();
}
