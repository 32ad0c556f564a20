// What goes over a path of the datapath bench, and what it took: one stream of TCP by iperf3, and round trips of one byte. The server's
// half runs from the path's making to its end.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as v from "valibot";
import type { Namespace } from "../../src/netlink/socket.ts";
import { figures } from "./statistics.ts";

const ports = { stream: 5201, trips: 5202 } as const;
const [trips, beginnings] = [2000, 300] as const;

/** What one round has shown. */
export interface Passed {
  readonly gigabits: number;
  /** Processor time of both ends for a gigabyte, and with it that of all that the kernel does on the way in their name. */
  readonly cpuMsPerGigabyte: number;
  readonly tripUs: { readonly p50: number; readonly p99: number };
  /** From connect() to the first answer. */
  readonly beginningUs: number;
}

/** Where servers listen. They are ended by their process ids. */
export class Servers implements Disposable {
  readonly #processes: readonly ChildProcess[];

  constructor(namespace: Namespace, pingPong: string) {
    const commands = [
      ["iperf3", "-s", "-p", String(ports.stream)],
      [pingPong, "serve", String(ports.trips)],
    ];
    // nsenter executes the program, and so hands on its process id.
    this.#processes = commands.map((command) =>
      spawn("nsenter", [`--net=${namespace.path}`, ...command], { stdio: "ignore" }),
    );
  }

  [Symbol.dispose](): void {
    for (const each of this.#processes) each.kill();
  }
}

export interface Route {
  readonly from: Namespace;
  readonly to: string;
  readonly pingPong: string;
  readonly seconds: number;
}

export function measure(route: Route): Passed {
  const streamed = stream(route);
  const lines = ask(route, { trips, beginnings }).split("\n");
  const tripUs = figures(samples(lines, "trip"));
  return {
    ...streamed,
    tripUs: { p50: tripUs.p50, p99: tripUs.p99 },
    beginningUs: figures(samples(lines, "first")).p50,
  };
}

/** Whether servers can be reached by now. */
export function answers(route: Route): boolean {
  try {
    ask(route, { trips: 1, beginnings: 1 });
    run(route.from, ["iperf3", "-c", route.to, "-p", String(ports.stream), "-n", "1000"]);
    return true;
  } catch {
    return false;
  }
}

function ask({ from, to, pingPong }: Route, count: { readonly trips: number; readonly beginnings: number }): string {
  return run(from, [pingPong, "ask", to, String(ports.trips), String(count.trips), String(count.beginnings)]);
}

const report = v.union([
  v.object({ error: v.string() }),
  v.object({
    end: v.object({
      sum_received: v.object({ bits_per_second: v.number(), bytes: v.number(), seconds: v.number() }),
      cpu_utilization_percent: v.object({ host_total: v.number(), remote_total: v.number() }),
    }),
  }),
]);

function stream({ from, to, seconds }: Route): Pick<Passed, "gigabits" | "cpuMsPerGigabyte"> {
  const said = run(from, ["iperf3", "-J", "-c", to, "-p", String(ports.stream), "-t", String(seconds)]);
  const told = v.parse(report, JSON.parse(said));
  // It has ended with 0 all the same.
  if ("error" in told) throw new Error(`iperf3 from ${from.path} to ${to}: ${told.error}`);
  const { sum_received: received, cpu_utilization_percent: cpu } = told.end;
  const cpuMs = (cpu.host_total + cpu.remote_total) * received.seconds * 10;
  return { gigabits: received.bits_per_second / 1e9, cpuMsPerGigabyte: cpuMs / (received.bytes / 1e9) };
}

function run(namespace: Namespace, command: readonly string[]): string {
  return execFileSync("nsenter", [`--net=${namespace.path}`, ...command], {
    encoding: "utf8",
    stdio: "pipe",
    timeout: 60_000,
  });
}

/** In microseconds. */
function samples(lines: readonly string[], kind: string): number[] {
  return lines.flatMap((line) => (line.startsWith(`${kind} `) ? [Number(line.slice(kind.length)) / 1000] : []));
}
