// The launcher (cmd/hextet/*.c) before an agent that answers anything: compiled with sanitizers and called by hostile-agent.c. It
// prints an answer that is complete, and nothing but that; otherwise it executes the runtime, of which there is none here.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { encodeAccepted, encodeAnswer, encodeDeclined } from "../../../../src/agent/launcher-protocol.ts";
import { Finding, type Target } from "../target.ts";

/** Bits of the first byte of an input: what the agent does besides answering. */
const mode = { readsRequest: 1, stalls: 2, inPieces: 4, saysMuch: 8 } as const;
const headLength = 16;
const answerLimit = 16 << 20;
const magic = Buffer.from("HXT\u0001");

interface Ending {
  readonly status: number;
  readonly places: readonly number[];
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export async function open(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), "hextet-fuzz-launcher-"));
  const child = spawn(compiled(directory), [join(directory, "agent.sock")], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      CNI_COMMAND: "ADD",
      HEXTET_SOCKET: join(directory, "agent.sock"),
      ASAN_OPTIONS: "detect_leaks=0:exitcode=77",
      UBSAN_OPTIONS: "print_stacktrace=1",
    },
  });
  const read = reader(child.stdout);
  let places: readonly number[] = [];
  return {
    seeds: seeds(),
    dictionary: ["HXT\u0001", "\u0001", "\u0002", "\u0003", "\0\0\0\u0010", "\u0001\0\0\0"],
    run: async (input) => {
      const ending = await call(child, child.stdin, read, input);
      places = ending.places;
      judge(input, ending);
    },
    reached: () => new Map(places.map((place) => [`launcher:${place}`, 1])),
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.stdin.end();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

function compiled(directory: string): string {
  const sources = new URL("../../../../cmd/hextet", import.meta.url).pathname;
  const agent = new URL("hostile-agent.c", import.meta.url).pathname;
  const program = join(directory, "hostile-agent");
  const macros = {
    main: "launcher_main",
    BUILD_ID: '"0123456789abcdef"',
    LOADER: '"no-loader"',
    ...deadlines,
  };
  const sanitized = ["-g", "-O1", "-no-pie", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const defined = Object.entries(macros).map(([name, value]) => `-D${name}=${value}`);
  const objects = ["launcher", "agent-call"].map((name) => {
    const [object, source] = [join(directory, `${name}.o`), join(sources, `${name}.c`)];
    execFileSync("cc", [...sanitized, "-fsanitize-coverage=trace-pc", ...defined, "-c", "-o", object, source]);
    return object;
  });
  execFileSync("cc", ["-Wall", "-Wextra", "-Werror", ...sanitized, "-o", program, agent, ...objects]);
  return program;
}

function seeds(): readonly Uint8Array[] {
  const answer = encodeAnswer({ exitCode: 3, stdout: '{"cniVersion":"1.1.0"}', stderr: "a warning" });
  const much = encodeAnswer({ exitCode: 0, stdout: "x".repeat(9_000), stderr: "" });
  const replies = [[], [encodeDeclined()], [encodeAccepted()], [encodeAccepted(), answer], [encodeAccepted(), much]];
  const modes = [1, 0, 3, 5, 9, 15];
  return replies.flatMap((reply) => modes.map((each) => Buffer.concat([Uint8Array.of(each), ...reply])));
}

/** Set for each call: short before an agent that says nothing, and longer than any machine takes before one that answers. */
const deadlines = { ACCEPT_MS: 'atoi(getenv("DEADLINE_MS"))', ANSWER_MS: 'atoi(getenv("DEADLINE_MS"))' };

async function call(child: ChildProcess, stdin: Writable, read: Read, input: Uint8Array): Promise<Ending> {
  if (child.exitCode !== null) throw new Finding(`The hostile agent ended with ${child.exitCode}`);
  const [first = 0] = input;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Math.max(0, input.length - 1));
  head[4] = first;
  stdin.write(Buffer.concat([head, input.subarray(1)]));
  const number = async () => (await read(4)).readUInt32BE();
  const status = await number();
  const places: number[] = [];
  for (let left = await number(); left > 0; left--) places.push(await number());
  const stdout = await read(await number());
  return { status, places, stdout, stderr: await read(await number()) };
}

type Read = (length: number) => Promise<Buffer>;

/** Of a stream, so many bytes and no more. */
function reader(stream: Readable): Read {
  const chunks = stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  let kept: Buffer = Buffer.alloc(0);
  return async (length) => {
    while (kept.length < length) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Finding("The hostile agent has ended");
      kept = Buffer.concat([kept, value]);
    }
    const bytes = kept.subarray(0, length);
    kept = kept.subarray(length);
    return bytes;
  };
}

function judge(input: Uint8Array, { status, stdout, stderr }: Ending): void {
  const [first = 0] = input;
  const said = stderr.toString("utf8");
  if (/Sanitizer|runtime error/.test(said)) throw new Finding(`A sanitizer: ${said.slice(0, 1500)}`);
  if ((status & 0xff) !== 0 || status > 0xffff) throw new Finding(`It did not exit: status ${status}, ${said}`);
  const expected = completeAnswer(Buffer.from(input.subarray(1)));
  const printed = { code: status >> 8, stdout: stdout.toString("latin1"), stderr: stderr.toString("latin1") };
  if (expected !== undefined && isSame(expected, printed)) return;
  const isRuntime =
    printed.code === 1 && /^\{"cniVersion":"1\.1\.0","code":(?:999|11),"msg":"[^"]+"\}\n$/.test(printed.stdout);
  // Who hangs up before the request is there, or says the end too late, is not waited for.
  const mayBeMissed = (first & mode.readsRequest) === 0 || expected === undefined;
  if (!isRuntime || !mayBeMissed)
    throw new Finding(`It printed what was not said: ${JSON.stringify(printed).slice(0, 600)}`);
}

interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function isSame(one: Printed, other: Printed): boolean {
  return one.code === other.code && one.stdout === other.stdout && one.stderr === other.stderr;
}

/** What the protocol makes of these replies: a slow and plain reading of docs/decisions/launcher-and-runtime.md. */
function completeAnswer(replies: Buffer): Printed | undefined {
  const [accepted, answer] = [replies.subarray(0, headLength), replies.subarray(headLength)];
  if (!isReply(accepted, 1) || !isReply(answer, 2)) return undefined;
  const [out, err] = [answer.readUInt32BE(8), answer.readUInt32BE(12)];
  if (out > answerLimit || err > answerLimit || answer.length < headLength + out + err) return undefined;
  const text = (from: number, length: number) => answer.toString("latin1", from, from + length);
  return { code: answer.readUInt8(5), stdout: text(headLength, out), stderr: text(headLength + out, err) };
}

function isReply(bytes: Buffer, kind: number): boolean {
  return bytes.length >= headLength && bytes.subarray(0, 4).equals(magic) && bytes[4] === kind;
}
