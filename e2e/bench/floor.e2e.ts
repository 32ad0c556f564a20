// The floor is a floor only as long as it leaves in the kernel what our attachment leaves. Both are made here, each in namespaces of its
// own, and what `ip` shows of them must be the same but for names, MACs and addresses.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { InterfaceAddress } from "../../src/ip/prefix.ts";
import { inside } from "../../src/kernel/inside.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";
import { fresh, type TestNamespace } from "../../src/kernel/test-namespace.ts";
import { attach } from "../../src/pod/attach.ts";
import { BackgroundRemoval } from "../../src/pod/background-removal.ts";
import { detach } from "../../src/pod/detach.ts";
import { podNetwork } from "../../src/pod/pod-network.ts";
import { removalGroup } from "../../src/pod/removal.ts";
import { compiled } from "./compiled.ts";
import { messageTypes } from "./counting-kernel.ts";
import type { Families } from "./subjects.ts";

interface Fixtures {
  readonly directory: string;
  readonly ourHost: TestNamespace;
  readonly ourPod: TestNamespace;
  readonly floorHost: TestNamespace;
  readonly floorPod: TestNamespace;
}

type FloorPlace = Pick<Fixtures, "directory" | "floorHost" | "floorPod">;

const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-floor-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
  ourHost: fresh,
  ourPod: fresh,
  floorHost: fresh,
  floorPod: fresh,
});

const attachment = { network: "floor", containerId: "pod-7", interfaceName: "eth0" };
/** As floor.c makes them of the pod's number. */
const addresses = { v6: ["fd77::9/64"], v4: ["10.77.0.9/16"], dual: ["fd77::9/64", "10.77.0.9/16"] } as const;

function networkOf(families: Families) {
  return podNetwork({
    attachment,
    mode: { kind: "routed" },
    mtu: 1500,
    addresses: addresses[families].map((text) => ({ address: InterfaceAddress.parse(text) })),
  });
}

/** What strace has seen of it. */
function runFloor(verb: "ADD" | "DEL", families: Families, { directory, floorHost, floorPod }: FloorPlace): string {
  const env = {
    CNI_COMMAND: verb,
    CNI_NETNS: floorPod.path,
    CNI_CONTAINERID: attachment.containerId,
    CNI_IFNAME: attachment.interfaceName,
    PATH: process.env["PATH"],
  };
  const trace = join(directory, "trace");
  const traced = ["strace", "-e", "trace=sendto", "-e", "signal=none", "-v", "-s", "4096", "-o", trace];
  const floor = [compiled("floor", directory), families];
  execFileSync("nsenter", [`--net=${floorHost.path}`, ...traced, ...floor], { env, stdio: "pipe" });
  return readFileSync(trace, "utf8");
}

/** What `ip` shows of both ends, without what tells one attachment from another. */
function look(host: TestNamespace, pod: TestNamespace): string {
  const commands = ["-d link show type veth", "addr show", "-4 route", "-6 route", "neigh show nud permanent"];
  const text = [host, pod].flatMap((namespace) =>
    commands.map((command) => namespace.run("ip", ...command.split(" "))).join("\n"),
  );
  const names = new Map<string, string>();
  const anonymous = (kind: string) => (found: string) => {
    if (!names.has(found)) names.set(found, `${kind}${names.size}`);
    return names.get(found) ?? kind;
  };
  return text
    .join("\n----\n")
    .replaceAll(/^\d+: /gm, "")
    .replaceAll(/@if\d+|link-netns\S* \S+/g, "")
    .replaceAll(/hxgone[0-9a-f]+/g, "retired")
    .replaceAll(/\bhx[0-9a-f]{13}\b/g, "host-link")
    .replaceAll(/\bfe80::[0-9a-f]+:[0-9a-f:]+\b/g, anonymous("link-local"))
    .replaceAll(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, anonymous("mac"));
}

/** Notes the types of the messages of each datagram. One that repeats the one before waits for the kernel, and is not noted again. */
function noting(kernel: Kernel, datagrams: string[]): Kernel {
  const socket: Kernel["socket"] = (family, namespace) => {
    const made = kernel.socket(family, namespace);
    let before = "";
    const note = (types: string) => {
      if (types !== before) datagrams.push(types);
      before = types;
    };
    return {
      port: made.port,
      send: (datagram) => {
        note(messageTypes(datagram).join(" "));
        made.send(datagram);
      },
      sendLater: (datagram) => made.sendLater(datagram),
      receive: () => made.receive(),
      watch: (groups, onDatagram, onError) => made.watch(groups, onDatagram, onError),
      [Symbol.dispose]: () => made[Symbol.dispose](),
    };
  };
  return { ...kernel, socket };
}

const numbers: Readonly<Record<string, number>> = {
  RTM_NEWLINK: 16,
  RTM_GETLINK: 18,
  RTM_NEWADDR: 20,
  RTM_NEWROUTE: 24,
  RTM_GETROUTE: 26,
  RTM_NEWNEIGH: 28,
};

/** As strace shows them; sockets of another namespace it shows by number. */
function datagramsIn(trace: string): string[] {
  const lines = trace.split("\n").filter((line) => line.startsWith("sendto("));
  return lines.map((line) =>
    [...line.matchAll(/nlmsg_type=(\w+)/g)].map(([, type = ""]) => numbers[type] ?? Number(type)).join(" "),
  );
}

test.for(["v4", "v6", "dual"] as const)(
  "makes what an attachment of %s makes, by the same requests",
  async (families, { directory, ourHost, ourPod, floorHost, floorPod }) => {
    const ours: string[] = [];
    await attach(noting(inside(linux, ourHost), ours), networkOf(families), ourPod.path);
    const trace = runFloor("ADD", families, { directory, floorHost, floorPod });
    expect(look(floorHost, floorPod)).toContain("alias hextet floor/pod-7/eth0");
    await expect.poll(() => look(floorHost, floorPod)).toBe(look(ourHost, ourPod));
    expect(datagramsIn(trace)).toEqual(ours);
  },
);

test.for(["v4", "v6", "dual"] as const)(
  "takes out of use what DEL of %s does, by the same requests",
  async (families, { directory, ourHost, ourPod, floorHost, floorPod }) => {
    const ours: string[] = [];
    const kernel = inside(linux, ourHost);
    await attach(kernel, networkOf(families), ourPod.path);
    await using removal = new BackgroundRemoval(noting(kernel, []), (error) => ours.push(String(error)));
    const host = noting(kernel, ours);
    await detach(host, { attachment, namespacePath: ourPod.path }, removal.remove);
    runFloor("ADD", families, { directory, floorHost, floorPod });
    const trace = runFloor("DEL", families, { directory, floorHost, floorPod });
    const left = `${floorHost.run("ip", "link", "show", "type", "veth")}${floorHost.run("ip", "route", "show", "table", "all")}`;
    expect(left).toMatch(new RegExp(`hxgone.* state DOWN .*group ${removalGroup} `));
    expect(left).not.toContain("10.77.0.9");
    expect(datagramsIn(trace)[0]).toBe(ours[0]);
    expect(datagramsIn(trace)).toEqual(["18", "18", "16 16", "16 16"]);
  },
);
