// `hextetctl capture`: packets of one pod's link, both ways, as a pcap file or stream. The program reads the link itself, so nothing else
// need be installed.
import { closeSync, openSync, writeSync } from "node:fs";
import { type FlowSide, findSide } from "../../src/inspect/flow-ends.ts";
import { pcapHeader, pcapPacket } from "../../src/inspect/pcap.ts";
import { openNamespaceOf } from "../../src/inspect/pod-namespace.ts";
import { linux } from "../../src/kernel/linux.ts";
import { namespacePaths } from "../../src/kernel/namespace-paths.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { captureFrames } from "../../src/netlink/frame-capture.ts";
import type { Namespace } from "../../src/netlink/socket.ts";
import { findLink } from "../../src/pod/site.ts";
import { type Call, type Command, UsageError } from "./command.ts";
import { readKnown } from "./known.ts";
import { configOption, loadConfig, nodeNameOption } from "./local-node.ts";

const wholePackets = 262_144;

export const captureCommand: Command = {
  name: "capture",
  summary: "write the packets of a pod's link as pcap, to standard output or a file",
  operands: "POD|ADDRESS",
  options: {
    count: { value: "PACKETS", short: "c", help: "end after so many" },
    duration: { value: "SECONDS", help: "end after so long" },
    snaplen: { value: "BYTES", short: "s", help: `keep so much of each packet (${wholePackets})` },
    write: { value: "FILE", short: "w", help: "into this file (standard output)" },
    config: configOption,
    "node-name": nodeNameOption,
  },
  examples: [
    ["capture default/web | tcpdump -nr -", "look at packets as they pass; an interrupt ends it"],
    ["capture 10.10.0.7 -c 100 -w web.pcap", "a hundred packets, for later"],
  ],
  asks: true,
  run: async (call) => {
    const [word, ...more] = call.operands;
    if (word === undefined || more.length > 0) throw new UsageError("capture needs one pod, by name or address");
    const limits = readLimits(call);
    const file = call.options.get("write");
    if (file === undefined && process.stdout.isTTY) {
      throw new UsageError("capture writes no packets to a terminal: pipe it into tcpdump -nr -, or use --write FILE");
    }
    const known = await readKnown(await loadConfig(call));
    using place = placeOf(findSide(word, known));
    const packets = await capture(place, limits, file);
    process.stderr.write(`${packets} packets captured on ${place.name}\n`);
    return 0;
  },
};

interface Limits {
  readonly count: number;
  readonly durationMs?: number;
  readonly snapLength: number;
}

function readLimits(call: Call): Limits {
  const duration = number(call, "duration", 86_400);
  return {
    count: number(call, "count", Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    snapLength: number(call, "snaplen", wholePackets) ?? wholePackets,
    ...(duration === undefined ? {} : { durationMs: duration * 1000 }),
  };
}

function number({ options }: Call, name: string, most: number): number | undefined {
  const word = options.get(name);
  if (word === undefined) return undefined;
  const value = Number(word);
  if (/^\d+$/.test(word) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} ${word} cannot be; write a whole number from 1 to ${most}`);
}

interface Place extends Disposable {
  readonly link: number;
  /** Of the link, for people. */
  readonly name: string;
  readonly namespace?: Namespace;
}

/** The host's end of its link; where there is none the pod's own. */
function placeOf({ name, attachment, node }: FlowSide): Place {
  if (attachment === undefined) {
    throw new Error(
      `Cannot capture on ${name}: ${node === undefined ? "it is no pod of this node" : `it is on node ${node}: capture there`}`,
    );
  }
  const { hostLink, attachment: of } = attachment;
  if (hostLink !== undefined) return placeNamed(hostLink);
  const namespace = openNamespaceOf(linux, attachment, namespacePaths());
  if (namespace === undefined) throw new Error(`Cannot capture on ${name}: its network namespace is not visible here`);
  return placeNamed(of.interfaceName, namespace);
}

function placeNamed(name: string, namespace?: Namespace): Place {
  using connection = new Connection(linux.socket("route", namespace));
  const link = findLink(connection, { name });
  if (link === undefined) throw new Error(`Cannot capture on ${name}: there is no such link any more`);
  const end = () => namespace?.[Symbol.dispose]();
  return { link: link.index, name, ...(namespace === undefined ? {} : { namespace }), [Symbol.dispose]: end };
}

async function capture(
  { link, namespace }: Place,
  { count, durationMs, snapLength }: Limits,
  file?: string,
): Promise<number> {
  using output = openOutput(file);
  const ended = Promise.withResolvers<void>();
  output.onGone(() => ended.resolve());
  output.write(pcapHeader(snapLength));
  let packets = 0;
  const onFrame = (frame: Uint8Array) => {
    if (packets >= count) return;
    try {
      output.write(pcapPacket(frame, performance.timeOrigin + performance.now(), snapLength));
    } catch (error) {
      return ended.reject(error);
    }
    packets += 1;
    if (packets >= count) ended.resolve();
  };
  using _capture = captureFrames({ link, ...(namespace && { namespace }), onFrame, onError: ended.reject });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.resolve());
  const timer = durationMs === undefined ? undefined : setTimeout(() => ended.resolve(), durationMs);
  await ended.promise.finally(() => clearTimeout(timer));
  return packets;
}

interface Output extends Disposable {
  write(bytes: Uint8Array): void;
  /** Whoever read it left. */
  onGone(listener: () => void): void;
}

function openOutput(file: string | undefined): Output {
  if (file === undefined) {
    return {
      write: (bytes) => void process.stdout.write(bytes),
      onGone: (listener) => void process.stdout.once("close", listener),
      [Symbol.dispose]: () => {},
    };
  }
  const fd = openSync(file, "w", 0o600);
  return { write: (bytes) => writeWhole(fd, file, bytes), onGone: () => {}, [Symbol.dispose]: () => closeSync(fd) };
}

function writeWhole(fd: number, file: string, bytes: Uint8Array): void {
  try {
    for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
  } catch (error) {
    throw new Error(`Cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
