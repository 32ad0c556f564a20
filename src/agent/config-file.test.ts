import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test as base, describe, expect, test } from "vitest";
import { readClusterFiles } from "../cluster/file/cluster-files.ts";
import { ConfigError } from "../config/config-error.ts";
import { agentSchema } from "./config.ts";
import { loadAgentConfig, readAgentConfig } from "./config-file.ts";

function read(text: string) {
  return readAgentConfig(text, { file: "agent.yaml", hostName: "alpha" });
}

function messageOf(text: string): string {
  try {
    read(text);
    return "no fault";
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe("readAgentConfig()", () => {
  test.for(["", "# all as it is\n", "---\n", "{}", "routing:\ncni:\n  ipam: # as it is\n  plugins:\nmtu:\n"])(
    "takes every default for %j",
    (text) => {
      expect(read(text)).toEqual(read("nodeName: alpha"));
    },
  );

  test("takes each value that is written", () => {
    const config = read(`
nodeName: node-1.example.org
cluster: {source: kubernetes, file: /c.yaml, kubernetes: {credentials: /kube, apiServers: ["https://[fd00::1]:6443"]}}
uplink: [eth1, eth0]
routing: {mode: vxlan, vxlan: {id: 7, port: 8472}}
ndpProxy: on
mtu: 1280
cni: {directory: /net.d, fileName: 00-a.conflist, network: pods, ipam: {assign: eui64, annotations: [assign]}, plugins: [{type: tuning, mac: x}]}
dataDirectory: /data
socket: /run/a.sock
listen: 127.0.0.1:9000
page: "[::1]:9001"
mesh: {intervalSeconds: 5, peers: 0}
logLevel: warning
firewall: {backend: nftables, policies: false, masquerade: {ipv4: false, ipv6: true, except: [10.9.0.0/16]}, nptv6: [{inside: fd00:1::/48, outside: 2001:db8:5::/48}], antiSpoofing: false, logDenied: true}
`);
    expect(JSON.parse(JSON.stringify(config))).toEqual({
      nodeName: "node-1.example.org",
      cluster: {
        source: "kubernetes",
        file: "/c.yaml",
        kubernetes: { credentials: "/kube", apiServers: ["https://[fd00::1]:6443/"] },
      },
      uplink: ["eth1", "eth0"],
      routing: { mode: "vxlan", vxlan: { id: 7, port: 8472 } },
      ndpProxy: "on",
      mtu: 1280,
      cni: {
        directory: "/net.d",
        fileName: "00-a.conflist",
        network: "pods",
        ipam: { assign: "eui64", annotations: ["assign"] },
        plugins: [{ type: "tuning", mac: "x" }],
      },
      dataDirectory: "/data",
      socket: "/run/a.sock",
      listen: "127.0.0.1:9000",
      page: "[::1]:9001",
      mesh: { intervalSeconds: 5, peers: 0 },
      logLevel: "warning",
      firewall: {
        backend: "nftables",
        policies: false,
        masquerade: { ipv4: false, ipv6: true, except: ["10.9.0.0/16"] },
        nptv6: [{ inside: "fd00:1::/48", outside: "2001:db8:5::/48" }],
        antiSpoofing: false,
        logDenied: true,
      },
    });
  });

  test.for([
    ["uplink: eth0", ["eth0"]],
    ["uplink: [eth0]", ["eth0"]],
    ["uplink: [auto]", ["auto"]],
    ["uplink: auto", "auto"],
  ] as const)("reads %s as %j", ([text, uplink]) => {
    expect(read(text).uplink).toEqual(uplink);
  });

  test("gives a value that nobody can change", () => {
    const config = read("cni: {plugins: [{type: tuning, sysctl: {a: b}}]}");
    const [plugin] = config.cni.plugins;
    expect([config, config.routing.vxlan, config.cni.plugins, plugin, plugin?.["sysctl"]].every(Object.isFrozen)).toBe(
      true,
    );
  });

  test.for([
    ["noodName: a", "agent.yaml:1:1: noodName: this key is unknown; did you mean nodeName"],
    ["routing:\n  vxlan:\n    vni: 7", "agent.yaml:3:5: routing.vxlan.vni: this key is unknown; known are id, port"],
    ["nodeName: 12", "agent.yaml:1:11: nodeName: 12 is not a string; put it in quotes"],
    ["nodeName: a b", 'agent.yaml:1:11: nodeName: "a b" cannot be a node\'s name; write letters, digits'],
    [
      "cluster: {source: fil}",
      'agent.yaml:1:19: cluster.source: "fil" is not "file" or "kubernetes"; did you mean file',
    ],
    [
      "cluster: {kubernetes: {credentials: kube.yaml}}",
      'agent.yaml:1:37: cluster.kubernetes.credentials: "kube.yaml" is not a path from the root',
    ],
    [
      "cluster: {kubernetes: {apiServers: ['https://fd00::1:6443']}}",
      'agent.yaml:1:37: cluster.kubernetes.apiServers[0]: "https://fd00::1:6443" is not the address of an API server: it is not a URL; write it as in https://[fd00::1]:6443',
    ],
    [
      "cluster: {kubernetes: {apiServers: ['http://[fd00::1]:8080']}}",
      'agent.yaml:1:37: cluster.kubernetes.apiServers[0]: "http://[fd00::1]:8080" is not the address of an API server: tokens are sent there, so it must be https',
    ],
    [
      "cluster: {file: x.yaml}",
      'agent.yaml:1:17: cluster.file: "x.yaml" is not a path from the root; write it from the first / on',
    ],
    ["uplink: [eth0, eth0]", "agent.yaml:1:1: uplink: an interface is named twice; leave out one of the two"],
    ["uplink: []", "agent.yaml:1:1: uplink: the list is empty; name an interface, or write auto"],
    ["uplink: a-name-of-16-chr", 'agent.yaml:1:9: uplink: "a-name-of-16-chr" cannot'],
    [
      "routing: {mode: direct0}",
      'agent.yaml:1:17: routing.mode: "direct0" is not "auto" or "direct" or "vxlan" or "external"; did you mean direct',
    ],
    ["routing: {vxlan: {id: 0}}", "agent.yaml:1:23: routing.vxlan.id: 0 is not a whole number from 1 to 16777215"],
    [
      "routing: {vxlan: {port: 65536}}",
      "agent.yaml:1:25: routing.vxlan.port: 65536 is not a whole number from 1 to 65535",
    ],
    ["ndpProxy: true", 'agent.yaml:1:11: ndpProxy: true is not "auto" or "on" or "off"'],
    ["mtu: 1279", "agent.yaml:1:6: mtu: 1279 is less than IPv6 allows; write 1280 or more, or auto"],
    ["mtu: 1500.5", "agent.yaml:1:6: mtu: 1500.5 is not a whole number"],
    ["mtu: '1500'", 'agent.yaml:1:6: mtu: "1500" is not an MTU; write a number without quotes, or auto'],
    [
      "cni: {fileName: hextet.conf}",
      'agent.yaml:1:17: cni.fileName: "hextet.conf" would not be read by runtimes; write a plain file name',
    ],
    ["cni: {fileName: ../x.conflist}", 'agent.yaml:1:17: cni.fileName: "../x.conflist" would not be read'],
    ["cni: {network: a/b}", 'agent.yaml:1:16: cni.network: "a/b" is not a network name'],
    ["cni: {ipam: {assign: stabel}}", 'agent.yaml:1:22: cni.ipam.assign: "stabel" is not'],
    ["cni: {plugins: [{typ: portmap}]}", "agent.yaml:1:17: cni.plugins[0].type: it is missing"],
    ["cni: {plugins: [{type: /bin/sh}]}", 'agent.yaml:1:24: cni.plugins[0].type: "/bin/sh" is not a plugin'],
    ["dataDirectory: ./data", 'agent.yaml:1:16: dataDirectory: "./data" is not a path from the root'],
    [`socket: /${"x".repeat(99)}`, "agent.yaml:1:9: socket: the path is longer than the 99 bytes"],
    [
      "listen: ::1:9000",
      'agent.yaml:1:9: listen: "::1:9000" cannot be listened on: an IPv6 address stands in brackets; write [::1]:9000',
    ],
    ["listen: 9000", "agent.yaml:1:9: listen: 9000 is not a string; put it in quotes"],
    [
      "logLevel: warningg",
      'agent.yaml:1:11: logLevel: "warningg" is not "debug" or "info" or "warning" or "error"; did you mean warning',
    ],
    [
      "firewall: {masquerade: {ipv6: yes}}",
      'agent.yaml:1:31: firewall.masquerade.ipv6: "yes" is unknown; write auto, true or false',
    ],
    [
      "firewall: {masquerade: {except: [10.0.0.1/8]}}",
      "agent.yaml:1:34: firewall.masquerade.except[0]: 10.0.0.1/8 has host bits",
    ],
    [
      "firewall: {nptv6: [{inside: 10.1.0.0/16, outside: 2001:db8::/48}]}",
      "agent.yaml:1:20: firewall.nptv6[0]: 10.1.0.0/16 is IPv4; write two IPv6 prefixes",
    ],
    [
      "firewall: {nptv6: [{inside: fd00:1::/48, outside: 2001:db8:5::/56}]}",
      "agent.yaml:1:20: firewall.nptv6[0]: fd00:1::/48 and 2001:db8:5::/56 differ in length; write two prefixes of one length",
    ],
    [
      "firewall: {nptv6: [{inside: fd00:1::/48, outside: fd00:2::/48}, {inside: fd00:1::/64, outside: fd00:3::/64}]}",
      "agent.yaml:1:12: firewall.nptv6: two of the prefixes have addresses in common; translate each address one way only",
    ],
    ["firewall: {masquerade: {ipv4: auto}}", 'agent.yaml:1:31: firewall.masquerade.ipv4: "auto" is not true or false'],
    ["- nodeName", "agent.yaml:1:1: a list is not an object"],
    ["nodeName: a\nnodeName: b", 'agent.yaml:2:1: The key "nodeName" is here twice'],
    ["nodeName: [", "agent.yaml:1:12: "],
  ] as const)("refuses %j and says where and what to write", ([text, expected]) => {
    expect(messageOf(text).slice(0, expected.length)).toBe(expected);
  });

  test("tells all faults together, top to bottom", () => {
    const message = messageOf("mtu: 1\nnoodName: a\nrouting:\n  mode: x\n  vxlan: {id: a}\nlisten: x\n");
    expect(message).toMatch(/^5 faults: /);
    expect([...message.matchAll(/agent\.yaml:(\d+):\d+: [\w.]+:/g)].map(([, line]) => line)).toEqual([..."12456"]);
  });

  test("says of the host's name, too, that it cannot be a node's", () => {
    expect(() => readAgentConfig("", { file: "agent.yaml", hostName: "my host" })).toThrow(
      /nodeName: "my host" cannot be/,
    );
  });

  test("gives a configuration or a ConfigError for any text", async () => {
    const [example = ""] = await examplesOf("agent-configuration.md");
    const edit = fc.record({
      at: fc.nat(example.length),
      remove: fc.nat(8),
      insert: fc.constantFrom(
        "",
        " ",
        "\n",
        "\t",
        ":",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "'",
        "null",
        "0",
        "-1",
        "|\n",
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const text = edits.reduce(
          (now, { at, remove, insert }) => now.slice(0, at) + insert + now.slice(at + remove),
          example,
        );
        expect(messageOf(text)).toMatch(/^(no fault|(\d+ faults: )?agent\.yaml:\d+:\d+: )/);
      }),
      { numRuns: 200 },
    );
  });
});

describe("loadAgentConfig()", () => {
  const test = base.extend<{ directory: string }>({
    directory: async ({ task: _ }, use) => {
      const directory = await mkdtemp(join(tmpdir(), "hextet-agent-"));
      await use(directory);
      await rm(directory, { recursive: true });
    },
  });

  test("reads the file it is given", async ({ directory }) => {
    const file = join(directory, "agent.yaml");
    await writeFile(file, "nodeName: beta");
    expect((await loadAgentConfig({ file, hostName: "alpha" })).nodeName).toBe("beta");
  });

  test("takes every default where the file is missing and may be", async ({ directory }) => {
    const file = join(directory, "agent.yaml");
    expect(await loadAgentConfig({ file, mayBeMissing: true, hostName: "alpha" })).toEqual(read(""));
    await expect(loadAgentConfig({ file, hostName: "alpha" })).rejects.toThrow(
      /^Cannot read the configuration .*agent\.yaml: ENOENT: .*: write it, or name another file$/,
    );
  });

  test("says what to do about a file that cannot be read, also where it may be missing", async ({ directory }) => {
    await expect(loadAgentConfig({ file: directory, mayBeMissing: true, hostName: "alpha" })).rejects.toThrow(
      /^Cannot read the configuration .*: EISDIR: .*: let the agent's user read it, or name another file$/,
    );
  });
});

async function documentText(name: string): Promise<string> {
  return await readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");
}

async function examplesOf(name: string): Promise<string[]> {
  const text = await documentText(name);
  return Array.from(text.matchAll(/^```yaml\n(.*?)^```$/gms), ([, example = ""]) => example);
}

/** The keys of a document's tables: what stands in backquotes in a first column. */
async function documentedKeys(name: string): Promise<string[]> {
  const [, keys = ""] = (await documentText(name)).split("## Keys\n");
  const [table = ""] = keys.split(/^#/m);
  return Array.from(table.matchAll(/^\| `([^`]+)`/gm), ([, key = ""]) => key).toSorted();
}

/** The keys of a schema that have no keys below them, as `routing.vxlan.id`. */
function keysOf(schema: object, at = ""): string[] {
  const inner: unknown = Reflect.get(schema, "wrapped") ?? schema;
  const entries: unknown = Reflect.get(Object(inner), "entries");
  if (typeof entries !== "object" || entries === null) return [at];
  return Object.entries(entries).flatMap(([key, member]) => keysOf(Object(member), at === "" ? key : `${at}.${key}`));
}

describe("the documents", () => {
  test("the first example of agent-configuration.md says what the defaults say", async () => {
    const [example = "", ...others] = await examplesOf("agent-configuration.md");
    expect(read(example)).toEqual(read(""));
    expect(others.length).toBe(2);
    const [kubernetes, portmap] = others.map(read);
    expect(kubernetes?.cluster.kubernetes.apiServers.map(({ host }) => host)).toEqual([
      "[2001:db8::a]:6443",
      "192.0.2.10:6443",
    ]);
    expect(portmap?.cni.plugins).toEqual([{ type: "portmap", capabilities: { portMappings: true } }]);
  });

  test("agent-configuration.md and its example have every key of the schema and no other", async () => {
    const keys = keysOf(agentSchema("alpha")).toSorted();
    expect(keys.length).toBeGreaterThan(20);
    expect(await documentedKeys("agent-configuration.md")).toEqual(keys);
    const [example = ""] = await examplesOf("agent-configuration.md");
    for (const key of keys) expect(example).toMatch(new RegExp(`^ *${key.split(".").at(-1)}:`, "m"));
  });

  test("every default is in the table of agent-configuration.md", async () => {
    const text = await documentText("agent-configuration.md");
    const config = read("");
    for (const key of keysOf(agentSchema("alpha")).filter((each) => each !== "nodeName")) {
      const value = key.split(".").reduce<unknown>((part, step) => Reflect.get(Object(part), step), config);
      const printed =
        typeof value === "number" ? `${value}` : `\`${Array.isArray(value) ? `[${value.join(", ")}]` : value}\``;
      expect(text).toContain(`| \`${key}\` | ${printed} |`);
    }
  });

  test("the examples of cluster-file.md are read without fault or remark", async () => {
    const examples = await examplesOf("cluster-file.md");
    const readings = examples.map((text) => readClusterFiles([{ file: "cluster.yaml", text }]));
    expect(readings.flatMap(({ faults, remarks }) => [...faults, ...remarks])).toEqual([]);
    const [nodes, policies] = readings.map(({ view }) => view);
    const states = nodes?.nodes.map(
      ({ name, prefixes }) => `${name}: ${prefixes.map(({ state }) => state).join(", ")}`,
    );
    expect(states).toEqual(["alpha: active, active", "beta: active, active, draining"]);
    expect([...(policies?.policies?.policies.keys() ?? [])]).toEqual(["shop/db", "shop/web"]);
  });

  test("cluster-file.md has every key a cluster file can have", async () => {
    const text = [
      "nodes: {a: {x: 1, prefixes: [{prefix: fd00::/64, x: 1}]}}",
      "namespaces: {a: {x: 1}}",
      "pods: {a: {x: 1}}",
      "x: 1",
    ].join("\n");
    const { faults } = readClusterFiles([{ file: "a", text }]);
    const keys = faults.flatMap(({ message, path }) => {
      const names = message.split("known are ")[1]?.split(", ") ?? [];
      return names.map((name) => path.slice(0, -1) + name);
    });
    expect(await documentedKeys("cluster-file.md")).toEqual(
      keys.map((key) => key.replace(/^(\w+)\.a\./, "$1.<name>.").replace("[0]", "[]")).toSorted(),
    );
  });
});
