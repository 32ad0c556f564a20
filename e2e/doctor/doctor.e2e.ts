// The doctor on nodes of the lab with real agents: nothing is found on a sound one, and what is broken in one way is found by the check for
// it, with what mends it, and by no other.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checks } from "../../src/doctor/checks.ts";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";
import type { Breakage } from "./breakage.ts";
import { advertised, narrow, withAgent } from "./breakages.ts";
import { brokenFiles } from "./broken-files.ts";
import { brokenNetwork } from "./broken-network.ts";
import { type Answer, Patient } from "./patient.ts";

const dist = build();
const racks = { wiring: "racks", nodes: 3 } as const;

function expectSound(answer: Answer): void {
  expect(answer).toMatchObject({ code: 0, findings: [], unseen: [] });
  expect(answer.well).toHaveLength(checks.length);
}

/** Nothing but what the breakage names, and what the state of the test brings with it. */
function expectFound(
  answer: Answer,
  { id, seen, severity = "problem", also = [] }: Breakage,
  usual: readonly string[],
): void {
  const own = answer.findings.filter((finding) => finding.id === id && finding.severity === severity);
  expect(own.map((finding) => finding.seen).join("\n")).toMatch(seen);
  const others = answer.findings
    .map((finding) => finding.id)
    .filter((other) => ![id, ...also, ...usual].includes(other));
  expect(others).toEqual([]);
}

async function expectDiagnosed(patient: Patient, breakage: Breakage, usual: readonly string[]): Promise<void> {
  const { at = "alpha", id, mended, within = [] } = breakage;
  await patient.shell(at, breakage.break);
  try {
    const answer = await patient.ask({ within });
    expectFound(answer, breakage, usual);
    if (mended !== undefined) {
      const after = await patient.ask({ args: ["--only", id, "--fix"] });
      expect(after.mended?.length).toBeGreaterThan(0);
      expect(after).toMatchObject({ code: 0, findings: [] });
    }
  } finally {
    await patient.shell(at, breakage.undo);
  }
}

const titled = (breakages: readonly Breakage[]) =>
  breakages.map((each) => [`${each.id}: ${each.seen.source}`, each] as const);

test.for(["v4", "v6"] as const)("a sound node gives no finding: %s", async (families) => {
  await using patient = await Patient.start(dist, { ...racks, families });
  expectSound(await patient.ask());
});

describe("a dual-stack node in a rack", () => {
  let patient: Patient;
  beforeAll(async () => {
    patient = await Patient.start(dist, { ...racks, families: "dual" });
  });
  afterAll(() => patient[Symbol.asyncDispose]());

  test("is sound, and says so to people in a few lines", async () => {
    expectSound(await patient.ask());
    const { code, stdout } = await patient.node.attempt([
      "/opt/cni/bin/hextetctl",
      "doctor",
      "--only",
      "mtu,forwarding",
    ]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "well  mtu, forwarding\n\n0 problems, 0 warnings, 2 checks found nothing\n",
    });
  });

  test.for(titled(withAgent.filter(({ id }) => id !== "packet-too-big")))("%s", async ([, breakage]) => {
    await expectDiagnosed(patient, breakage, []);
  });

  test.for(titled(withAgent.filter(({ id }) => id === "packet-too-big")))(
    "behind a narrow link: %s",
    async ([, breakage]) => {
      await patient.shell("router", narrow.break);
      try {
        // A router that tells of it is all that is needed.
        expectSound(await patient.ask());
        await patient.shell("alpha", "ip -6 route flush cache");
        await expectDiagnosed(patient, breakage, []);
      } finally {
        await patient.shell("router", narrow.undo);
      }
    },
  );

  test("agent-faults: what only the agent tells is told with its words", async () => {
    await patient.shell("alpha", "cp /etc/hextet/cluster.yaml /run/kept; echo 'nodes: 5' > /etc/hextet/cluster.yaml");
    await eventually("the agent tells of it", async () => {
      const { findings } = await patient.ask({ args: ["--only", "agent-faults"] });
      return findings.some(({ id, seen }) => id === "agent-faults" && seen.includes("cluster.yaml")) ? true : undefined;
    });
    // The check for it says the same, so together they say it once.
    const both = await patient.ask({ args: ["--only", "cluster,agent-faults"] });
    expect(both.findings.filter(({ seen }) => seen.includes("cluster.yaml:"))).not.toEqual([]);
    await patient.shell("alpha", "cat /run/kept > /etc/hextet/cluster.yaml");
    await eventually("the agent is well again", async () => {
      return (await patient.ask({ args: ["--only", "agent-faults"] })).findings.length === 0 ? true : undefined;
    });
  });

  test("agent-running: an agent that hangs", async () => {
    await patient.signalAgent("STOP");
    try {
      const { findings } = await patient.ask({ args: ["--only", "agent-running"] });
      expect(findings.map(({ seen }) => seen)).toEqual([
        "The agent hangs: it does not answer at /run/hextet/agent.sock",
      ]);
    } finally {
      await patient.signalAgent("CONT");
    }
  });

  describe("without its agent", () => {
    beforeAll(async () => {
      await patient.signalAgent("TERM");
      await eventually("the agent has ended", () => (patient.agentRuns ? undefined : true));
    });

    test("agent-running: nobody listens", async () => {
      const { code, findings } = await patient.ask();
      expect(code).toBe(1);
      expect(findings.map(({ id, seen }) => [id, seen])).toEqual([
        ["agent-running", "No agent runs: nobody listens at /run/hextet/agent.sock"],
      ]);
    });

    test.for(titled([...brokenFiles, ...brokenNetwork]))("%s", async ([, breakage]) => {
      await expectDiagnosed(patient, breakage, ["agent-running"]);
    });

    test("leases-without-links: the link of a pod that nobody detached", async () => {
      const pod = await patient.lab.addPod(patient.node, "alpha-9");
      const [address] = pod.addresses;
      await patient.shell("alpha", `ip link delete $(ip -o route get ${address} | sed 's/.* dev \\([^ ]*\\).*/\\1/')`);
      const { findings } = await patient.ask({ args: ["--only", "leases-without-links,links-without-leases"] });
      expect(findings.map(({ id }) => id)).toEqual(["leases-without-links"]);
      expect(findings[0]?.seen).toContain(`${address} of container ${pod.containerId.slice(0, 12)}`);
      await patient.lab.removePod(pod);
    });

    test("links-without-leases: a pod whose lease somebody took", async () => {
      const pod = await patient.lab.addPod(patient.node, "alpha-9");
      const statement = `DELETE FROM lease WHERE container_id = '${pod.containerId}'`;
      const script = `new (require("node:sqlite").DatabaseSync)("/var/lib/hextet/leases.db").exec(${JSON.stringify(statement)})`;
      await patient.node.run(process.execPath, "-e", script);
      const { findings } = await patient.ask({ args: ["--only", "leases-without-links,links-without-leases"] });
      expect(findings.map(({ id }) => id)).toEqual(["links-without-leases"]);
      expect(findings[0]?.seen).toContain(`the link of container ${pod.containerId.slice(0, 12)}, has no lease`);
      await patient.lab.removePod(pod);
    });

    test("nothing of all this is left", async () => {
      const { findings } = await patient.ask();
      expect(findings.map(({ id }) => id)).toEqual(["agent-running"]);
    });

    test("who is not root is told what he cannot see, and nothing wrong", async () => {
      const within = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
      const { findings, unseen } = await patient.ask({ within });
      expect(findings).toEqual([]);
      expect(unseen.map(({ id }) => id)).toEqual(
        expect.arrayContaining(["agent-running", "filter-rules", "inotify", "database"]),
      );
    });
  });
});

describe("a node whose router advertises", () => {
  let patient: Patient;
  beforeAll(async () => {
    patient = await Patient.start(dist, { wiring: "ndp-proxy", nodes: 1, families: "dual" });
    expectSound(await patient.ask());
    await patient.signalAgent("TERM");
    await eventually("the agent has ended", () => (patient.agentRuns ? undefined : true));
  });
  afterAll(() => patient[Symbol.asyncDispose]());

  test.for(titled(advertised))("%s", async ([, breakage]) => {
    await expectDiagnosed(patient, breakage, ["agent-running"]);
  });

  test("default-route: the advertised one has ended, as nobody hears routers any more", async () => {
    await patient.shell("alpha", "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra; ip -6 route delete default");
    const { findings } = await patient.ask({ args: ["--only", "default-route,router-advertisements"] });
    expect(findings.map(({ id }) => id)).toEqual(["default-route", "router-advertisements"]);
    const commands = findings.flatMap(({ remedies }) => remedies.map(({ command }) => command));
    expect(commands).toContain("sysctl -w net/ipv6/conf/eth0/accept_ra=2");
  });
});
