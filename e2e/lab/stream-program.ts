// A program for pods of the lab: `serve ADDRESS...` answers whatever comes by TCP and UDP; `talk ADDRESS...` sends numbered messages by both
// to each address, every few milliseconds, until its input ends, and then prints how many of them were answered.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { StreamReport } from "./streams.ts";

const port = 7000;
const intervalMs = 5;
/** Far longer than an answer takes: what has not come by then never will. */
const lastAnswerMs = 5000;

interface Stream {
  readonly report: StreamReport;
  send(number: number): void;
}

type Counting = { -readonly [K in keyof StreamReport]: StreamReport[K] };

const udpOf = (address: string) => createSocket(address.includes(":") ? "udp6" : "udp4");

async function serve(addresses: readonly string[]): Promise<void> {
  for (const host of addresses) {
    const server = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket));
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    const udp = udpOf(host);
    udp.on("message", (message, from) => udp.send(message, from.port, from.address));
    await new Promise<void>((resolve) => udp.bind(port, host, resolve));
  }
}

function overTcp(host: string): Stream {
  const report: Counting = { protocol: "tcp", address: host, sent: 0, answered: 0 };
  const socket = connect({ host, port, noDelay: true });
  socket.on("error", (error) => (report.error = error.message));
  socket.on("close", () => (report.error ??= "the connection was closed"));
  // Of a stream of bytes every one is counted; a message is one line.
  socket.on("data", (data) => (report.answered += String(data).split("\n").length - 1));
  return {
    report,
    send: (number) => {
      report.sent += 1;
      socket.write(`${number}\n`);
    },
  };
}

function overUdp(host: string): Stream {
  const report: Counting = { protocol: "udp", address: host, sent: 0, answered: 0 };
  const socket = udpOf(host);
  socket.on("error", (error) => (report.error = error.message));
  socket.on("message", () => (report.answered += 1));
  return {
    report,
    send: (number) => {
      report.sent += 1;
      socket.send(`${number}\n`, port, host);
    },
  };
}

async function talk(addresses: readonly string[]): Promise<void> {
  const streams = addresses.flatMap((address) => [overTcp(address), overUdp(address)]);
  let ended = false;
  process.stdin.on("end", () => (ended = true)).resume();
  let told = false;
  for (let number = 1; !ended; number++) {
    for (const stream of streams) stream.send(number);
    await sleep(intervalMs);
    if (!told && streams.every(({ report }) => report.answered > 0)) {
      told = true;
      process.stdout.write("running\n");
    }
  }
  const end = performance.now() + lastAnswerMs;
  const isWaiting = ({ report }: Stream) => report.answered < report.sent && report.error === undefined;
  while (streams.some(isWaiting) && performance.now() < end) await sleep(intervalMs);
  process.stdout.write(`${JSON.stringify(streams.map(({ report }) => report))}\n`, () => process.exit());
}

// Without `await` at the top, so that it can be bundled as a script for pods of a real cluster.
const [verb, ...addresses] = process.argv.slice(2);
if (verb === "serve") void serve(addresses).then(() => process.stdout.write("serving\n"));
else void talk(addresses);
