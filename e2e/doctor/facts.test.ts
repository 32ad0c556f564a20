// The checks over facts alone: a sound node of each column gives no finding, and what cannot be broken on a Linux that others use as well
// (its clock, its kernel, its global limits) is found here. Together with breakages.ts that is every check there is.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checks } from "../../src/doctor/checks.ts";
import { type Diagnosis, diagnose, exitCodeOf } from "../../src/doctor/diagnosis.ts";
import type { Facts } from "../../src/doctor/facts.ts";
import { commandOf } from "../../src/doctor/finding.ts";
import { mend, safeRemedies } from "../../src/doctor/mending.ts";
import { known } from "../../src/doctor/reading.ts";
import { type Broken, bootId, type Column, now, soundFacts } from "../../src/doctor/sample-facts.ts";
import { FakeKernel } from "../../src/kernel/fake.ts";
import { cluster } from "../../src/node/sample-cluster.ts";
import { advertised, foundElsewhere, withAgent } from "./breakages.ts";
import { brokenFiles } from "./broken-files.ts";
import { brokenNetwork } from "./broken-network.ts";

const columns: readonly Column[] = ["v4", "v6", "dual"];
const clock = { release: "6.12.0", bootId, bootedAtMs: now - 1e9, nowMs: now, newestFile: undefined };
const second = { nodeLengths: {}, file: "manager.yaml", clusterPrefixes: [] };

interface Case {
  readonly id: string;
  readonly broken: Broken;
  readonly severity?: "problem" | "warning";
  readonly seen: RegExp;
  readonly command?: string;
  /** Where it does not concern all. */
  readonly only?: readonly Column[];
}

const withV6: readonly Column[] = ["v6", "dual"];
const sysctls = (column: Column, ...more: readonly (readonly [string, string])[]) => {
  const { sysctls: sound } = soundFacts(column);
  return new Map([...("value" in sound ? sound.value : []), ...more]);
};

const cases: readonly Case[] = [
  {
    id: "kernel-version",
    broken: { machine: { value: { ...clock, release: "4.19.0-27-amd64" } } },
    seen: /kernel is 4\.19/,
  },
  {
    id: "kernel-version",
    severity: "warning",
    broken: { machine: { value: { ...clock, release: "5.4.0" } } },
    seen: /5\.4/,
  },
  {
    id: "clock",
    broken: { machine: { value: { ...clock, bootedAtMs: now + 3_600_000 } } },
    seen: /started in the future: at 2026-06-01T01:00/,
  },
  { id: "clock", broken: { machine: { value: { ...clock, nowMs: 0, bootedAtMs: 0 } } }, seen: /clock says 1970-01-01/ },
  {
    id: "clock",
    broken: {
      machine: {
        value: { ...clock, newestFile: { path: "/var/lib/hextet/leases.db", changedAtMs: now + 86_400_000 } },
      },
    },
    seen: /leases\.db was changed in the future: at 2026-06-02/,
  },
  { id: "api-clock", broken: { aheadOfServerMs: { value: -300_000 } }, seen: /300 seconds behind the API server's/ },
  {
    id: "inotify",
    severity: "warning",
    broken: { inotify: { value: { instances: 120, maxInstances: 128, maxWatches: 65_536 } } },
    seen: /120 of 128/,
    command: "sysctl -w fs/inotify/max_user_instances=1024",
  },
  {
    id: "inotify",
    severity: "warning",
    broken: { inotify: { value: { instances: 1, maxInstances: 128, maxWatches: 100 } } },
    seen: /max_user_watches is 100/,
  },
  {
    id: "disk",
    broken: { disk: { value: { directory: "/d", freeBytes: 1000, readOnly: false } } },
    seen: /0 KiB are free/,
  },
  {
    id: "disk",
    broken: { disk: { value: { directory: "/d", freeBytes: 1e9, freeInodes: 3, readOnly: false } } },
    seen: /3 inodes/,
  },
  {
    id: "shared-address",
    broken: {
      cluster: {
        value: {
          view: cluster({ alpha: ["2001:db8::a", "fd00:1::/64"], beta: ["2001:db8::7"], gamma: ["2001:db8::7"] }),
        },
      },
    },
    seen: /beta and gamma have the same address 2001:db8::7/,
    only: ["v6"],
  },
  {
    id: "prefix-size",
    severity: "problem",
    broken: { controllerManager: { value: { ...second, clusterPrefixes: prefixes("2001:db8::/40") } } },
    seen: /24 bits/,
  },
  {
    id: "prefix-size",
    severity: "problem",
    broken: { controllerManager: { value: { ...second, clusterPrefixes: prefixes("10.0.0.0/23") } } },
    seen: /room for 2 nodes, and there are 3/,
  },
  {
    id: "ipv6-route-limit",
    broken: {
      machine: { value: { ...clock, release: "5.15.0" } },
      sysctls: { value: sysctls("v6", ["net/ipv6/route/max_size", "1"]) },
    },
    seen: /max_size is 1, and there are 3/,
    command: "sysctl -w net/ipv6/route/max_size=16384",
    only: ["v6"],
  },
  {
    id: "neighbor-limit",
    broken: { neighborTables: { value: [{ family: "v6", limit: 1, refusals: 7n }] } },
    seen: /takes 1 entries, and 2 are needed, and it refused 7/,
    command: "sysctl -w net/ipv6/neigh/default/gc_thresh3=4096",
    only: withV6,
  },
  {
    id: "neighbor-limit",
    broken: { neighborTables: { value: [{ family: "v4", limit: 1, refusals: 0n }] } },
    seen: /IPv4 neighbors takes 1/,
    only: ["v4", "dual"],
  },
  {
    id: "conntrack",
    broken: {
      sysctls: {
        value: sysctls("dual", ["net/netfilter/nf_conntrack_count", "95"], ["net/netfilter/nf_conntrack_max", "100"]),
      },
    },
    seen: /95 of 100/,
    command: "sysctl -w net/netfilter/nf_conntrack_max=400",
  },
  {
    id: "conntrack",
    severity: "warning",
    broken: {
      sysctls: {
        value: sysctls("dual", ["net/netfilter/nf_conntrack_count", "80"], ["net/netfilter/nf_conntrack_max", "100"]),
      },
    },
    seen: /80 of 100/,
  },
  {
    id: "agent-running",
    broken: { agent: { value: { socket: "/run/a", state: "absent" } } },
    seen: /there is no socket \/run\/a/,
  },
  {
    id: "agent-socket",
    broken: { agent: { value: { socket: "/run/x/a", state: "served", directoryMode: 0o777 } } },
    seen: /\/run\/x has mode 777/,
    command: "chmod 700 /run/x",
  },
];

function prefixes(...texts: readonly string[]) {
  return cluster({ any: texts }).nodes.flatMap((node) => node.prefixes.map(({ prefix }) => prefix));
}

function findingsOf(facts: Facts, id: string): Diagnosis["findings"] {
  return diagnose(
    checks.filter((check) => check.id === id),
    facts,
  ).findings;
}

test.for(columns)("a sound node gives no finding: %s", (column) => {
  const diagnosis = diagnose(checks, soundFacts(column));
  expect(diagnosis).toMatchObject({ findings: [], unseen: [] });
  expect(exitCodeOf(diagnosis)).toBe(0);
});

describe.for(columns)("what cannot be broken for one host alone, %s", (column) => {
  test.for(
    cases
      .filter(({ only = columns }) => only.includes(column))
      .map((each) => [`${each.id}: ${each.seen.source}`, each] as const),
  )("%s", ([, { id, broken, severity = "problem", seen, command }]) => {
    const [found, ...more] = findingsOf(soundFacts(column, broken), id);
    expect(more).toEqual([]);
    expect(found?.severity).toBe(severity);
    expect(found?.seen).toMatch(seen);
    if (command !== undefined) expect(found?.remedies.map(commandOf)).toContain(command);
  });
});

describe("kernel-modules", () => {
  const far = cluster({ alpha: ["2001:db8::a", "fd00:1::/64"], gamma: ["2001:db8:c::c", "fd00:3::/64"] });
  const facts = (modules: { present: Set<string>; loadable?: Set<string> }) => {
    const { config } = soundFacts("v6");
    if (!("value" in config)) throw new Error("there is no configuration");
    const routing = { ...config.value.routing, mode: "auto" } as const;
    return soundFacts("v6", {
      cluster: { value: { view: far } },
      config: { value: { ...config.value, routing } },
      modules: { value: modules },
    });
  };

  test("no VXLAN, and a node behind a router", () => {
    const found = findingsOf(facts({ present: new Set(), loadable: new Set(["bridge"]) }), "kernel-modules");
    expect(found.map(({ seen }) => seen)).toEqual([
      "The kernel 6.12.0-1-amd64 has no vxlan, neither built in nor as a module",
    ]);
  });

  test.for([
    { present: new Set(["vxlan"]) },
    { present: new Set<string>(), loadable: new Set(["vxlan"]) },
    { present: new Set<string>() },
  ])("nothing is said where it is there, could be loaded, or where nobody can tell: %o", (modules) =>
    expect(findingsOf(facts(modules), "kernel-modules")).toEqual([]),
  );
});

describe("a diagnosis", () => {
  const unseen = { unseen: "run it as root" };

  test("says why it could not look, and that is exit code 2", () => {
    const diagnosis = diagnose(checks, { ...soundFacts("dual"), firewall: unseen });
    expect(diagnosis.unseen).toContainEqual({ id: "filter-rules", why: "run it as root" });
    expect(exitCodeOf(diagnosis)).toBe(2);
  });

  test("has problems before warnings, and they are exit code 1 whatever could not be seen", () => {
    const inotify = { instances: 120, maxInstances: 128, maxWatches: 65_536 };
    const diagnosis = diagnose(checks, {
      ...soundFacts("v6", { inotify: { value: inotify }, sysctlsWritable: { value: false } }),
      disk: unseen,
    });
    expect(diagnosis.findings.map(({ severity }) => severity)).toEqual(["problem", "warning"]);
    expect(exitCodeOf(diagnosis)).toBe(1);
  });

  test.for([
    ["file", "systemctl restart hextet-agent"],
    [
      "kubernetes",
      "kubectl -n kube-system delete pod -l app.kubernetes.io/name=hextet --field-selector spec.nodeName=alpha",
    ],
  ] as const)("says how to restart an agent that was started by what goes with cluster.source %s", ([source, text]) => {
    const sound = known(soundFacts("dual").config);
    const config = { value: { ...sound, cluster: { ...sound.cluster, source } } };
    const hung = { value: { socket: "/run/hextet/agent.sock", state: "silent" as const } };
    const [finding] = findingsOf(soundFacts("dual", { config, agent: hung }), "agent-running");
    expect(finding?.remedies.map(commandOf)).toEqual([text]);
  });

  test("tells once what a check and the agent both tell", () => {
    const fault = "cluster.yaml:1:1: nodes: a list";
    const { findings } = diagnose(
      checks,
      soundFacts("v4", { cluster: { value: { ...view("v4"), fault } }, agentFaults: { value: [fault, "another"] } }),
    );
    expect(findings.map(({ check, seen }) => [check.id, seen])).toEqual([
      ["cluster", fault],
      ["agent-faults", "another"],
    ]);
  });
});

function view(column: Column) {
  const { cluster: known } = soundFacts(column);
  return "value" in known ? known.value : {};
}

describe("mending", () => {
  const off: Broken = {
    sysctls: { value: sysctls("dual", ["net/ipv6/conf/all/forwarding", "0"], ["net/ipv4/conf/all/forwarding", "0"]) },
  };
  const remedies = safeRemedies(diagnose(checks, soundFacts("dual", off)));

  test("does what is safe, once each", () => {
    const kernel = new FakeKernel();
    const commands = ["sysctl -w net/ipv6/conf/all/forwarding=1", "sysctl -w net/ipv4/conf/all/forwarding=1"];
    expect(mend(remedies, { kernel })).toEqual(commands.map((command) => ({ command })));
    expect(kernel.sysctl().get("net/ipv6/conf/all/forwarding")).toBe("1");
  });

  test("ends where something fails: what comes after may need it", () => {
    const kernel = new FakeKernel();
    kernel.fail("sysctl net/ipv6/conf/all/forwarding", "EROFS");
    const done = mend(remedies, { kernel });
    expect(done).toHaveLength(1);
    expect(done[0]?.failure).toContain("Read-only file system");
  });

  test("switches accept_ra on before forwarding", () => {
    const routed = sysctls("v6", ["net/ipv6/conf/all/forwarding", "0"]);
    const { host } = soundFacts("v6");
    if (!("value" in host)) throw new Error("there is no host");
    const routes = host.value.routes.map((each) => (each.destination.length === 0 ? { ...each, protocol: 9 } : each));
    const facts = soundFacts("v6", { sysctls: { value: routed }, host: { value: { ...host.value, routes } } });
    expect(safeRemedies(diagnose(checks, facts)).map(commandOf)).toEqual([
      "sysctl -w net/ipv6/conf/eth0/accept_ra=2",
      "sysctl -w net/ipv6/conf/all/forwarding=1",
    ]);
  });
});

describe("every check", () => {
  const ids = checks.map(({ id }) => id);

  test("has an id of its own", () => expect(new Set(ids).size).toBe(ids.length));

  test("is tried by breaking a node, or the facts of one", () => {
    const tried = [...withAgent, ...brokenFiles, ...brokenNetwork, ...advertised, ...cases].map(({ id }) => id);
    expect(new Set([...tried, ...foundElsewhere, "kernel-modules"])).toEqual(new Set(ids));
  });

  test("is in docs/doctor.md, and nothing else is", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/doctor.md"), "utf8");
    const rows = [...page.slice(page.indexOf("## The checks")).matchAll(/^\| `([\w-]+)` \|/gm)].map(
      ([, id = ""]) => id,
    );
    expect(new Set(rows)).toEqual(new Set(ids));
    expect(rows).toHaveLength(ids.length);
  });
});
