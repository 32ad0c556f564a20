// What the lab promises to those who test with it: machines that share nothing they should not, pods that come and go by their
// node's network, restarts, and an end that leaves nothing.
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { eventually } from "../runtimes/eventually.ts";
import { prepareNodes } from "./by-hand.ts";
import { paths } from "./files.ts";
import { Lab, type LabOptions } from "./lab.ts";
import type { RunningMachine } from "./machine.ts";
import { run } from "./namespaces.ts";

const options: LabOptions = { wiring: "link", nodes: 2, families: "v4", podsPerNode: 0 };

/** A lab without agents, and its two nodes. */
const test = base.extend<{ lab: Lab; alpha: RunningMachine; beta: RunningMachine }>({
  // oxlint-disable-next-line no-empty-pattern
  lab: async ({}, use) => {
    await using lab = await Lab.start(options);
    await use(lab);
  },
  alpha: async ({ lab }, use) => use(lab.machine("alpha")),
  beta: async ({ lab }, use) => use(lab.machine("beta")),
});

/** All processes of the host that are in one of these network namespaces, by number. */
function processesIn(namespaces: ReadonlySet<string>): string[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return numbers.filter((pid) => namespaces.has(namespaceOf(pid) ?? ""));
}

function namespaceOf(pid: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it ended in the meantime
  }
}

describe("a machine", () => {
  test.for(["/run", "/var/lib/hextet", "/etc/hextet", "/etc/cni/net.d", "/opt/cni/bin", "/etc", "/opt", "/var/lib"])(
    "has a %s of its own",
    async (directory, { alpha, beta }) => {
      const path = `${directory}/lab-test-mark`;
      await alpha.run("touch", path);
      expect(await alpha.run("ls", path)).toBe(`${path}\n`);
      expect((await beta.attempt(["ls", path])).code).not.toBe(0);
      expect(existsSync(path)).toBe(false);
    },
  );

  test("has a name, processes and interfaces of its own", async ({ alpha, beta }) => {
    expect(await alpha.run("hostname")).toBe("alpha\n");
    expect(await beta.run("cat", "/etc/hostname")).toBe("beta\n");
    expect(await alpha.run("ls", "/sys/class/net")).toBe("eth0\nlo\n");
    const numbers = await alpha.run("sh", "-c", "ls -d /proc/[0-9]* | wc -l");
    // Its first process and that one's child, the shell, ls and wc.
    expect(Number(numbers)).toBeLessThanOrEqual(5);
  });

  test("knows the others by name, and nobody else", async ({ alpha }) => {
    expect(await alpha.run("ping", "-c1", "-w2", "outside")).toContain("outside (10.255.9.2)");
    expect((await alpha.attempt(["getent", "hosts", "example.com"], { timeoutMs: 2000 })).code).toBe(2);
  });

  test("sees files written into its own directories, and no others can be", ({ alpha }) => {
    expect(readFileSync(alpha.path(paths.cluster), "utf8")).toContain("alpha:");
    expect(() => alpha.write("/etc/passwd", "")).toThrow("/etc/passwd is not a machine's own: it has /etc/hextet,");
  });

  test("keeps its disk when it is switched off and on, and nothing else", async ({ lab, alpha }) => {
    await prepareNodes(lab);
    const pod = await lab.addPod(alpha, "alpha-1");
    await alpha.run("sh", "-c", "touch /var/lib/hextet/kept /run/lost");
    const boot = await alpha.run("cat", "/proc/sys/kernel/random/boot_id");
    const again = await lab.restart(alpha);
    expect(await again.run("ls", "/var/lib/hextet")).toBe("kept\n");
    expect(await again.run("ls", "/run/netns")).toBe("");
    expect((await again.attempt(["ls", "/run/lost"])).code).not.toBe(0);
    expect(await again.run("cat", "/proc/sys/kernel/random/boot_id")).not.toBe(boot);
    expect(await again.run("cat", "/proc/sys/net/ipv4/conf/all/forwarding")).toBe("0\n");
    expect(lab.pods).not.toContain(pod);
    expect(lab.machine("alpha")).toBe(again);
    expect(await again.run("ping", "-c1", "-w2", "beta")).toContain("1 received");
  });
});

describe("a program", () => {
  test("is left running, and its log is kept", async ({ alpha }) => {
    const program = await alpha.start("talker", ["sh", "-c", "echo out; echo error >&2; exec sleep 60"]);
    await eventually("it has spoken", () => (alpha.log("talker").includes("error") ? true : undefined));
    expect(alpha.log("talker")).toBe("out\nerror\n");
    expect(alpha.hasProgram(program)).toBe(true);
    await alpha.signal(program, "TERM");
    await eventually("it has ended", () => (alpha.hasProgram(program) ? undefined : true));
  });

  test("that a node runs has written a network when the lab is there", async () => {
    const network = '{ "cniVersion": "1.0.0", "name": "none", "plugins": [{ "type": "none" }] }';
    const script = `sleep 0.3; echo '${network}' > ${paths.networks}/10-none.conflist; exec sleep 60`;
    await using lab = await Lab.start({ ...options, program: ["sh", "-c", script] });
    for (const node of lab.nodes) {
      const program = lab.programOf(node);
      expect(program && node.hasProgram(program)).toBe(true);
      expect(readdirSync(node.path(paths.networks))).toEqual(["10-none.conflist"]);
    }
  });

  test("that ends before that is told with its last words", async () => {
    const program = ["sh", "-c", "echo Cannot open /etc/hextet/agent.yaml >&2; exit 1"];
    await expect(Lab.start({ ...options, program })).rejects.toThrow(
      /^sh -c .* ended on (alpha|beta): Cannot open \/etc\/hextet\/agent.yaml$/,
    );
  });
});

describe("a pod", () => {
  test("comes and goes by its node's network", async ({ lab, alpha }) => {
    await prepareNodes(lab);
    const pod = await lab.addPod(alpha, "alpha-1");
    expect(pod.addresses.map(String)).toEqual(["10.0.1.2"]);
    expect(await pod.run("ip", "-oneline", "-4", "address", "show", "dev", "eth0")).toContain(" 10.0.1.2/24 ");
    expect(await alpha.run("ping", "-c1", "-w2", "alpha-1")).toContain("1 received");
    expect(await pod.run("hostname")).toBe("alpha\n");
    await pod.check(lab.runtimeOf(alpha));
    await lab.removePod(pod);
    expect(lab.pods).toEqual([]);
    expect(await alpha.run("ls", "/run/netns")).toBe("");
    expect(await alpha.run("sh", "-c", "ls /var/lib/cni/networks/reference | grep ^10; true")).toBe("");
    expect((await alpha.attempt(["getent", "hosts", "alpha-1"], { timeoutMs: 2000 })).code).toBe(2);
  });

  test("that cannot be attached leaves nothing", async ({ lab, alpha }) => {
    const plugin = { type: "ptp", ipam: { type: "host-local", ranges: [[{ subnet: "10.0.1.0/33" }]] } };
    const network = JSON.stringify({ cniVersion: "1.0.0", name: "wrong", plugins: [plugin] });
    alpha.write(`${paths.networks}/10-wrong.conflist`, network);
    await expect(lab.addPod(alpha, "alpha-1")).rejects.toThrow("ptp ADD failed");
    expect(lab.pods).toEqual([]);
    expect(await alpha.run("ls", "/run/netns")).toBe("");
    expect(await alpha.run("ls", "/sys/class/net")).toBe("eth0\nlo\n");
  });

  test("needs a network", async ({ lab, alpha }) => {
    await expect(lab.addPod(alpha, "alpha-1")).rejects.toThrow("alpha has no network in /etc/cni/net.d");
  });
});

describe("the lab", () => {
  test("can be joined by another process", async ({ lab, alpha }) => {
    await prepareNodes(lab);
    await lab.addPod(alpha, "alpha-1");
    const joined = Lab.join(JSON.parse(JSON.stringify(lab.id)));
    expect(joined.pods.map(({ id }) => id)).toEqual(lab.pods.map(({ id }) => id));
    expect(await joined.pods[0]?.run("ping", "-c1", "-w2", "10.0.1.1")).toContain("1 received");
    await joined.addPod(joined.machine("beta"), "beta-1");
    expect(await joined.outside.run("ping", "-c1", "-w2", "beta-1")).toContain("1 received");
  });

  test("shows the host nothing of its network and its mounts", async ({ lab, alpha }) => {
    expect(await run(lab.enclosure.wires, ["ip", "-oneline", "link"])).toContain(" alpha-eth0@");
    expect(readFileSync("/proc/self/net/dev", "utf8")).not.toContain("alpha-eth0");
    expect(await alpha.run("cat", "/proc/self/mountinfo")).toContain(" /etc/hextet ");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toMatch(/ \/(etc\/hextet|run\/lab|opt\/cni\/bin) /);
  });

  test("leaves no process when it ends", async () => {
    const lab = await Lab.start(options);
    await prepareNodes(lab);
    await lab.addPods(1);
    for (const node of lab.nodes) await node.start("sleeper", ["sleep", "1000"]);
    const first = [lab.enclosure.id.process, ...lab.machines.map(({ id }) => id.process)];
    const namespaces = new Set(first.map(({ pid }) => namespaceOf(pid) ?? ""));
    expect(namespaces.size).toBe(first.length);
    expect(processesIn(namespaces).length).toBeGreaterThanOrEqual(2 * first.length);
    await lab[Symbol.asyncDispose]();
    expect(processesIn(namespaces)).toEqual([]);
    expect(lab.enclosure.isRunning).toBe(false);
  });
});
