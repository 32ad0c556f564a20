// hextetctl, the agent and the executable where something around them is odd: an output that is closed or full, an environment of nothing,
// a terminal that is narrow, an agent that hangs or is something else. Each ends soon, in a sentence and with the code that is documented.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createListener, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { build } from "../runtime/built.ts";

const programs = `${build()}/bin`;
const directory = mkdtempSync(join(tmpdir(), "hextet-surroundings-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of sh; the programs are found by name. */
function shell(line: string, environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const env = { PATH: `${programs}:${process.env["PATH"]}`, ...environment };
  return new Promise((resolve) => {
    execFile("sh", ["-c", line], { env, cwd: directory, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 255;
      resolve({ code, stdout, stderr });
    });
  });
}

/** A configuration whose agent is to be asked at that port, and a cluster of one node. */
function configured(name: string, port: number): string {
  const cluster = join(directory, `${name}-cluster.yaml`);
  writeFileSync(
    cluster,
    `nodes:\n  alpha: { addresses: ["2001:db8::a", 192.0.2.10], prefixes: ["fd00:10::/64", 10.10.0.0/24] }\n`,
  );
  const config = join(directory, `${name}.yaml`);
  const lines = [`nodeName: alpha`, `listen: "127.0.0.1:${port}"`, `dataDirectory: ${directory}/${name}-data`];
  writeFileSync(config, `${lines.join("\n")}\ncluster: { source: file, file: ${cluster} }\n`);
  return config;
}

const calm = configured("calm", 9);

describe("an exit code says how it went", () => {
  test.for([
    ["version", 0, ""],
    [`nodes --config ${calm}`, 0, ""],
    [`nodes 10.10.0.77 --config ${calm}`, 0, ""],
    [`nodes 203.0.113.1 --config ${calm}`, 1, ""],
    [`status --config ${calm}`, 1, ""],
    [
      "install --bin-dir /proc/x/y",
      1,
      "Cannot write in /proc/x/y: ENOENT: no such file or directory, mkdir '/proc/x'\n",
    ],
    ["stauts", 2, 'There is no command "stauts"; did you mean status\nhextetctl help says what there is\n'],
    [
      "pods --outptu json",
      2,
      "There is no option --outptu; did you mean --output\nhextetctl help pods says what it takes\n",
    ],
    ["pods -o jsno", 2, "--output jsno is unknown; did you mean json\nhextetctl help pods says what it takes\n"],
    ["check", 2, 'There is no command "check"; did you mean leases check\nhextetctl help says what there is\n'],
    [
      "-o json",
      2,
      'Options stand behind a command: "-o" stands before; alone are --help and --version\nhextetctl help says what there is\n',
    ],
    [
      `leases --config ${calm}`,
      3,
      `There are no leases in ${directory}/calm-data: no pod was attached yet, or --config names another dataDirectory\n`,
    ],
    [
      `capture fd00:10::5 -w nowhere/x --config ${calm}`,
      3,
      "Cannot capture on fd00:10::5: it is on node alpha: capture there\n",
    ],
  ] as const)("hextetctl %s: %i", async ([line, code, stderr]) => {
    expect(await shell(`hextetctl ${line}`)).toMatchObject({ code, stderr });
  });
});

describe("an output that is closed, full or left early", () => {
  test.for([
    ["hextetctl help >/dev/full", 3, "Cannot write the answer to standard output: no space left on device\n"],
    ["hextetctl version -o json >&-", 0, ""],
    ["hextetctl stauts 2>/dev/full", 2, ""],
    ["hextetctl stauts 2>&-", 2, ""],
    ["hextetctl help <&- | head -1 >/dev/null", 0, ""],
    ["{ hextetctl help; echo $? >&2; } | true", 0, "0\n"],
    ["hextet-agent --help >/dev/full", 1, /^hextet-agent: ENOSPC: .*\n$/],
    ["CNI_COMMAND=VERSION hextet </dev/null >/dev/full", 1, /^\{"time":.*"answer not delivered".*\}\n$/],
    ["{ CNI_COMMAND=VERSION hextet </dev/null; echo $? >&2; } | sleep 0", 0, /^(0|\{"time":.*\}\n1)\n$/],
  ] as const)("%s", async ([line, code, stderr]) => {
    const ran = await shell(line);
    expect(ran.code, ran.stderr).toBe(code);
    expect(ran.stderr).toEqual(typeof stderr === "string" ? stderr : expect.stringMatching(stderr));
  });
});

test("an agent's mistyped option is told with the one that was meant", async () => {
  const { code, stderr } = await shell("hextet-agent --confg /etc/x");
  expect({ code, first: stderr.split("\n")[0] }).toEqual({
    code: 2,
    first: "hextet-agent: There is no option --confg; did you mean --config",
  });
});

test.for([
  ["env -i", {}],
  ["", { LANG: "xx_YY", LC_ALL: "tr_TR.UTF-8", TZ: "Nowhere/City", TERM: "", HOME: "/nonexistent" }],
  ["", { NODE_OPTIONS: "--bogus", LD_PRELOAD: "", FORCE_COLOR: "1" }],
] as const)("an odd environment changes nothing: %s %j", async ([before, environment]) => {
  const ran = await shell(`${before} ${programs}/hextetctl nodes --config ${calm}`, environment);
  expect(ran).toEqual(await shell(`hextetctl nodes --config ${calm}`));
  expect(ran.stdout).toContain("alpha  2001:db8::a, 192.0.2.10  fd00:10::/64, 10.10.0.0/24");
});

describe("a terminal", () => {
  const onTerminal = (columns: number, environment: Readonly<Record<string, string>>) =>
    shell(`script -qefc "stty cols ${columns}; hextetctl nodes --config ${calm}" /dev/null </dev/null`, environment);

  test.for([
    [{ TERM: "xterm" }, "\u001b[1m"],
    [{ TERM: "xterm", NO_COLOR: "1" }, ""],
    [{ TERM: "dumb" }, ""],
  ] as const)("has colors where it can: %j", async ([environment, color]) => {
    const { stdout } = await onTerminal(100, environment);
    expect(stdout.split("NODE")[0]).toBe(color);
  });

  test("that is narrow gets a row's cells one below the other", async () => {
    const { stdout } = await onTerminal(50, { TERM: "dumb" });
    expect(stdout.replaceAll("\r", "")).toBe(
      "NODE       alpha\nADDRESSES  2001:db8::a, 192.0.2.10\nPREFIXES   fd00:10::/64, 10.10.0.0/24\n",
    );
  });
});

const answering = (text: string, code = 200): Server => {
  const listener: RequestListener = (_, response) => response.writeHead(code).end(text);
  return createServer(listener);
};
const silent = () => createListener(() => {});
/** A byte now and then, for ever. */
const dripping = () =>
  createListener((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{");
    const timer = setInterval(() => socket.write(" "), 100);
    socket.on("error", () => {}).on("close", () => clearInterval(timer));
  });
const flooding = () => createServer((_, response) => void response.end(" ".repeat(2_000_000)));

interface Stranger {
  readonly what: string;
  readonly make: () => Server;
  readonly told: string;
}

const strangers: readonly Stranger[] = [
  { what: "hangs", make: silent, told: "no answer within 5 s" },
  { what: "never ends its answer", make: dripping, told: "no answer within 5 s" },
  { what: "answers without end", make: flooding, told: "more than 1048576 bytes came" },
  {
    what: "is of an older build",
    make: () => answering("", 404),
    told: "has no status: an agent of an older build, or no agent",
  },
  {
    what: "is of a newer build",
    make: () => answering('{"version":2}'),
    told: "its status is of version 2, and this hextetctl reads 1: use that of its build",
  },
  { what: "has a fault", make: () => answering("out of memory", 500), told: "answered 500: out of memory" },
  {
    what: "is no agent",
    make: () => answering("<html>"),
    told: "it answered, but not as an agent does: that is no JSON",
  },
  { what: "tells half", make: () => answering('{"version":1}'), told: "it answered, but not as an agent does" },
];

describe.concurrent("an agent that", () => {
  test.for(strangers)("$what is told of, and everything else goes on", async ({ what, make, told }) => {
    const server = make();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const config = configured(what.replaceAll(" ", "-"), (server.address() as AddressInfo).port);
      const [status, pods, doctor] = await Promise.all([
        shell(`hextetctl status --config ${config}`),
        shell(`hextetctl pods --config ${config} fd00:10::7`),
        shell(`hextetctl doctor --only agent-faults --config ${config}`),
      ]);
      expect(status).toMatchObject({ code: 1, stderr: "", stdout: expect.stringContaining(told) });
      expect(pods).toEqual({ code: 1, stderr: "", stdout: "No such pod.\n" });
      expect(doctor, doctor.stderr).toMatchObject({ code: 0, stderr: "" });
    } finally {
      server.close();
    }
  });
});
