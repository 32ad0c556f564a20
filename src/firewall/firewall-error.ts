// What nft, ipset and the programs of iptables say of input they refuse, told in one sentence: which of our lines, why, and what to do.
// Their words are not stable enough to decide by; only the few that have a known remedy are looked for, and what could pass by
// itself.

/** A program refused what it was given, or cannot be run. The message says what to do where that is known. */
export class FirewallError extends Error {
  override readonly name = "FirewallError";
  /** Another try may succeed: somebody else was changing rules at the same time. */
  readonly passing: boolean;
  /** The number of the line that was refused, counted from 1. */
  readonly line?: number;
  /** The program is not there. */
  readonly missing: boolean;

  constructor(message: string, { passing = false, missing = false, line, cause }: FirewallErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.passing = passing;
    this.missing = missing;
    if (line !== undefined) this.line = line;
  }
}

interface FirewallErrorOptions {
  readonly passing?: boolean;
  readonly missing?: boolean;
  readonly line?: number | undefined;
  readonly cause?: unknown;
}

export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin?: string;
}

interface Outcome {
  readonly code: number;
  readonly stderr: string;
  readonly timedOut?: true;
}

export function refusalOf({ program, args, stdin = "" }: Call, { code, stderr, timedOut }: Outcome): FirewallError {
  if (timedOut) return new FirewallError(`Cannot finish ${[program, ...args].join(" ")}: it took too long`);
  const complaint = complaintIn(stderr) ?? `it ended with code ${code}`;
  const number = lineNumberIn(stderr);
  const line = number === undefined ? undefined : stdin.split("\n")[number - 1];
  const what =
    line === undefined ? `run ${[program, ...args].join(" ")}` : `apply ${quoted(line, stdin, number)} with ${program}`;
  const remedy = remedies.find(({ words }) => words.test(stderr))?.remedy(program);
  return new FirewallError(`Cannot ${what}: ${complaint}${remedy === undefined ? "" : `; ${remedy}`}`, {
    passing: passingWords.test(stderr),
    line: number,
  });
}

/** A program that is not there: which package has it, and what would do without. */
export function missingProgram(program: string, cause: unknown): FirewallError {
  const { package: name, other } = programs.find(({ words }) => words.test(program)) ?? unknownProgram;
  const message = `Cannot run ${program}: it is not installed; install the Debian package ${name}, or set firewall.backend: ${other}`;
  return new FirewallError(message, { missing: true, cause });
}

const programs = [
  { words: /^nft$/, package: "nftables", other: "iptables" },
  { words: /^ipset$/, package: "ipset", other: "nftables" },
  { words: /^ip6?tables/, package: "iptables", other: "nftables" },
];
const unknownProgram = { package: "that has it", other: "auto" };

/** Another user of the same tables, or sets that the kernel lets go of a moment after the rules that asked them. */
const passingWords =
  /resource busy|Interrupted system call|temporarily unavailable|xtables lock|in use by a kernel component|generation/i;

interface Remedy {
  readonly words: RegExp;
  readonly remedy: (program: string) => string;
}

const otherThan = (program: string) => `or set firewall.backend: ${program === "nft" ? "iptables" : "nftables"}`;
const remedies: readonly Remedy[] = [
  {
    words: /Operation not permitted|Permission denied|must be root/,
    remedy: () => "run the agent as root with CAP_NET_ADMIN on the host's network",
  },
  {
    words: /set type not supported/,
    remedy: (program) => `modprobe -a ip_set_hash_ip ip_set_hash_net ip_set_hash_ipport, ${otherThan(program)}`,
  },
  { words: /Cannot open session to kernel/, remedy: (program) => `modprobe ip_set, ${otherThan(program)}` },
  {
    words: /Table does not exist|unable to initialize table|can't initialize/,
    remedy: (program) => {
      const family = program.startsWith("ip6") ? "ip6" : "ip";
      const modules = ["raw", "filter", "nat"].map((table) => `${family}table_${table}`);
      return `modprobe -a ${modules.join(" ")}, ${otherThan(program)}`;
    },
  },
  {
    words: /Couldn't load (?:match|target) `(\w+)'/,
    remedy: (program) => `its extension is missing: install the whole Debian package iptables, ${otherThan(program)}`,
  },
  {
    words: /missing kernel module|No chain\/target\/match by that name/,
    remedy: (program) =>
      `a kernel module for it may be missing (modprobe -a xt_set xt_bpf xt_devgroup xt_rpfilter), ${otherThan(program)}`,
  },
  {
    words: /Protocol not supported|Address family not supported/,
    remedy: (program) => `the kernel lacks this: modprobe -a nf_tables nft_fib_inet nft_nat, ${otherThan(program)}`,
  },
];

/** The first line that says something; others repeat the input or point to help. */
function complaintIn(stderr: string): string | undefined {
  const lines = stderr.split("\n").map((line) => line.trim());
  const said = lines.filter((line) => !/^(?:Try |Error occurred at line|\^|$)/.test(line)).map(withoutPlace);
  return said.find((line) => line !== "");
}

/** Without the name of the program, its version and the place in its input, which we name ourselves. */
function withoutPlace(line: string): string {
  return line
    .replace(/^(?:ip6?tables[\w-]*|ipset) v[\d.]+(?: \([a-z_]+\))?: ?/, "")
    .replace(/^ip6?tables[\w-]*: ?/, "")
    .replace(/^(?:\/dev\/stdin|-|<stdin>):\d+:\d+-\d+: /, "")
    .replace(/^Error: /, "")
    .replace(/^(?:Error in )?line \d+(?: failed)?(?:: )?/, "")
    .trim();
}

function lineNumberIn(stderr: string): number | undefined {
  const found = /(?:\/dev\/stdin|-|<stdin>):(\d+):\d+-\d+:|\bline:? (\d+)/.exec(stderr);
  return found === null ? undefined : Number(found[1] ?? found[2]);
}

/** The line; where it is COMMIT, the kernel refused something of the table and does not say what. */
function quoted(line: string, stdin: string, number = 0): string {
  if (line === "COMMIT") {
    const table = stdin
      .split("\n")
      .slice(0, number)
      .findLast((each) => each.startsWith("*"));
    return `table ${table?.slice(1)}`;
  }
  return JSON.stringify(line.length > 200 ? `${line.slice(0, 200)}...` : line);
}
