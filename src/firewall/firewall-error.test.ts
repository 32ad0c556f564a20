import { describe, expect, test } from "vitest";
import type { Kernel, RunResult } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { refusalOf } from "./firewall-error.ts";
import { runProgram } from "./program.ts";

/** What the programs print where they refuse; recorded. */
const refusals: readonly [program: string, stdin: string, stderr: string, message: string][] = [
  [
    "nft",
    "add table ip6 t\nadd chain ip6 t c\nadd rule ip6 t c jump d\n",
    "/dev/stdin:3:19-24: Error: Could not process rule: No such file or directory\nadd rule ip6 t c jump d\n                  ^^^^^^\n",
    'Cannot apply "add rule ip6 t c jump d" with nft: Could not process rule: No such file or directory',
  ],
  [
    "nft",
    "add table ip6 t\n",
    "/dev/stdin:1:1-16: Error: Could not process rule: Operation not permitted\nadd table ip6 t\n^^^^^^^^^^^^^^^^\n",
    'Cannot apply "add table ip6 t" with nft: Could not process rule: Operation not permitted; ' +
      "run the agent as root with CAP_NET_ADMIN on the host's network",
  ],
  [
    "ip6tables-restore",
    "*filter\n:A - [0:0]\n-A A -m set --match-set nope src -j ACCEPT\nCOMMIT\n",
    "ip6tables-restore v1.8.9 (legacy): Set nope doesn't exist.\n\nError occurred at line: 3\nTry `ip6tables-restore -h' or 'ip6tables-restore --help' for more information.\n",
    'Cannot apply "-A A -m set --match-set nope src -j ACCEPT" with ip6tables-restore: Set nope doesn\'t exist.',
  ],
  [
    "ip6tables-nft-restore",
    "*filter\n:A - [0:0]\n-A A -j SECMARK --selctx a\nCOMMIT\n",
    "ip6tables-nft-restore v1.8.9 (nf_tables): \nline 3: RULE_APPEND failed (Invalid argument): rule in chain A\n",
    'Cannot apply "-A A -j SECMARK --selctx a" with ip6tables-nft-restore: RULE_APPEND failed (Invalid argument): rule in chain A',
  ],
  [
    "iptables-restore",
    "*raw\nCOMMIT\n*filter\n:A - [0:0]\n-A A -m devgroup --src-group 1 -j ACCEPT\nCOMMIT\n",
    "iptables-restore: line 6 failed\n",
    "Cannot apply table filter with iptables-restore: it ended with code 1",
  ],
  [
    "iptables-restore",
    "*raw\nCOMMIT\n",
    "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'raw'\n\nError occurred at line: 1\n",
    "Cannot apply \"*raw\" with iptables-restore: unable to initialize table 'raw'; " +
      "modprobe -a iptable_raw iptable_filter iptable_nat, or set firewall.backend: nftables",
  ],
  [
    "ipset",
    "create a hash:ip\ncreate c hash:ip,port\n",
    "ipset v7.17: Error in line 2: Kernel error received: set type not supported\n",
    'Cannot apply "create c hash:ip,port" with ipset: Kernel error received: set type not supported; ' +
      "modprobe -a ip_set_hash_ip ip_set_hash_net ip_set_hash_ipport, or set firewall.backend: nftables",
  ],
  ["nft", "", "", "Cannot run nft -f -: it ended with code 1"],
];

describe("refusalOf()", () => {
  test.for(refusals)("%s: %j", ([program, stdin, stderr, message]) => {
    const args = program === "nft" ? ["-f", "-"] : [];
    expect(refusalOf({ program, args, stdin }, { code: 1, stderr }).message).toBe(message);
  });
});

function kernelOf(run: Kernel["run"]): Kernel {
  const refuse = () => {
    throw new Error("nothing but programs here");
  };
  return { socket: refuse, namespace: refuse, sysctl: refuse, run };
}

describe("runProgram()", () => {
  test.for([
    [
      "nft",
      "Cannot run nft: it is not installed; install the Debian package nftables, or set firewall.backend: iptables",
    ],
    [
      "ipset",
      "Cannot run ipset: it is not installed; install the Debian package ipset, or set firewall.backend: nftables",
    ],
    [
      "ip6tables-legacy-restore",
      "Cannot run ip6tables-legacy-restore: it is not installed; install the Debian package iptables, or set firewall.backend: nftables",
    ],
  ] as const)("a missing %s is told with its package", async ([program, message]) => {
    const kernel = kernelOf(() => Promise.reject(new KernelError({ operation: `run ${program}`, errno: 2 })));
    await expect(runProgram(kernel, { program, args: [] })).rejects.toMatchObject({ message, missing: true });
  });

  const busy = { code: 4, stdout: "", stderr: "iptables: Device or resource busy" };
  const done = { code: 0, stdout: "done", stderr: "" };

  test("what somebody else's change prevented is tried again", async () => {
    const answers: RunResult[] = [busy, busy, done];
    const kernel = kernelOf(() => Promise.resolve(answers.shift() ?? expect.unreachable()));
    expect(await runProgram(kernel, { program: "nft", args: [] }, [0, 0, 0])).toBe("done");
    expect(answers).toEqual([]);
  });

  test("and given up in the end", async () => {
    const kernel = kernelOf(() => Promise.resolve(busy));
    await expect(runProgram(kernel, { program: "nft", args: [] }, [0])).rejects.toThrow("resource busy");
  });
});
