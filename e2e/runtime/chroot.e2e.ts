// A host with nothing but a kernel: a directory that holds the installed files, /proc and a static shell, entered with chroot.
// No Node, no libstdc++, no libc, no /etc, no /dev.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hextetOptions } from "../../cmd/dev/build/v8-options.ts";
import { build } from "./built.ts";

const root = mkdtempSync(join(tmpdir(), "hextet-chroot-"));
const binDirectory = "/opt/cni/bin";
beforeAll(() => {
  for (const directory of ["bin", "proc"]) mkdirSync(join(root, directory));
  cpSync("/bin/busybox", join(root, "bin/busybox"));
  execFileSync(join(build(), "bin/hextetctl"), ["install", "--bin-dir", join(root, binDirectory)]);
});
afterAll(() => rmSync(root, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell command inside; /proc is mounted in a mount namespace of its own, and gone with it. */
function inside(command: string, env: Readonly<Record<string, string>> = {}, stdin = ""): Outcome {
  const enter = `mount -t proc proc ${root}/proc && exec chroot ${root} /bin/busybox sh -c '${command}'`;
  const args = ["--mount", "--pid", "--fork", "sh", "-c", enter];
  const { status, stdout, stderr } = spawnSync("unshare", args, {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
    input: stdin,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

const v4Range = { subnet: "10.1.0.0/24" };
const v6Range = { subnet: "fd01::/64" };

/** One call for a pod whose namespace, like that of its host, lives as long as the call. */
function withPod(verb: string, conf: object): Outcome {
  const pod = "unshare --net sleep 60 & POD=$!; until [ -e /proc/$POD/ns/net ]; do :; done";
  const call = `CNI_NETNS=/proc/$POD/ns/net chroot ${root} /bin/busybox sh -c "exec ${binDirectory}/hextet"`;
  const script = `mount -t proc proc /proc; mount -t proc proc ${root}/proc; ip link set lo up; ${pod}; ${call}; CODE=$?; kill $POD; exit $CODE`;
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "--pid", "--net", "--fork", "sh", "-c", script], {
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      CNI_COMMAND: verb,
      CNI_CONTAINERID: "one",
      CNI_IFNAME: "eth0",
      CNI_PATH: binDirectory,
    },
    input: JSON.stringify(conf),
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

describe("on a host with nothing but a kernel", () => {
  test("there is indeed nothing else", () => {
    expect(readdirSync(root)).toEqual(["bin", "opt", "proc"]);
    expect(inside("/bin/busybox ls -d /lib /lib64 /usr /etc /dev").code).not.toBe(0);
  });

  test.for(["hextet", "hextet-ipam", "loopback"])("%s answers VERSION", (name) => {
    const { code, stdout, stderr } = inside(
      `${binDirectory}/${name}`,
      { CNI_COMMAND: "VERSION" },
      '{"cniVersion":"0.4.0"}',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "0.4.0",
      supportedVersions: ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
    });
  });

  test.for(["v4", "v6", "dual"] as const)("a pod is attached and taken away again (%s)", (families) => {
    const ranges = { v4: [[v4Range]], v6: [[v6Range]], dual: [[v6Range], [v4Range]] }[families];
    const conf = {
      cniVersion: "1.1.0",
      name: "pods",
      type: "hextet",
      ipam: { ranges, dataDir: `/leases-${families}` },
    };
    const added = JSON.parse(withPod("ADD", conf).stdout);
    const addresses = added.ips.map(({ address }: { readonly address: string }) => address);
    expect(addresses).toEqual(
      { v4: ["10.1.0.2/32"], v6: ["fd01::2/128"], dual: ["fd01::2/128", "10.1.0.2/32"] }[families],
    );
    // The pod's namespace ended with that call; what the database keeps did not, and its next ADD comes from another namespace.
    expect(withPod("ADD", conf)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("remains of an earlier ADD"),
    });
    expect(withPod("DEL", conf)).toMatchObject({ code: 0, stdout: "" });
    expect(withPod("STATUS", conf)).toMatchObject({ code: 0, stdout: "" });
    expect(withPod("ADD", conf).code).toBe(0);
    expect(withPod("GC", { ...conf, "cni.dev/valid-attachments": [] })).toMatchObject({ code: 0, stdout: "" });
    expect(withPod("ADD", conf).code).toBe(0);
  });

  test("hextetctl prints its version, and installs itself elsewhere", () => {
    expect(inside(`${binDirectory}/hextetctl version`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^hextet \d/),
    });
    expect(inside(`${binDirectory}/hextetctl install --bin-dir /elsewhere`)).toMatchObject({ code: 0, stderr: "" });
    expect(inside(`${binDirectory}/hextetctl uninstall --bin-dir /elsewhere`)).toMatchObject({ code: 0, stderr: "" });
    expect(inside("/bin/busybox rmdir /elsewhere").code).toBe(0);
  });

  test("the addon of the netlink package loads", () => {
    const script = 'process.dlopen({ exports: {} }, __dirname + "/netlink.node"); console.log("loaded");';
    expect(probe(script)).toEqual({ code: 0, stdout: "loaded\n", stderr: "" });
  });

  test("a module of Node that calls rarely use is loaded at its first use, and is all there then", () => {
    const script = `
      const isLoaded = () => process.moduleLoadList.includes("NativeModule crypto");
      const crypto = require("node:crypto");
      const before = isLoaded();
      const size = crypto.randomBytes(7).length;
      const { EOL, constants } = require("node:os");
      const all = { ...require("node:os") };
      const same = all.EOL === EOL && all.constants === constants && "EOL" in require("node:os");
      console.log(JSON.stringify([before, isLoaded(), size, same]));`;
    expect(probe(script)).toEqual({ code: 0, stdout: "[false,true,7,true]\n", stderr: "" });
  });

  test.for([
    ["hextet", hextetOptions],
    ["hextetctl", []],
  ] as const)("V8 accepts the bytecode of %s under the options it is started with", ([name, options]) => {
    const script = `
      const { readFileSync } = require("node:fs");
      const { Script } = require("node:vm");
      const read = (ending) => readFileSync(__dirname + "/${name}." + ending);
      const script = new Script(read("cjs").toString(), { cachedData: read("bytecode") });
      console.log(script.cachedDataRejected, process.execArgv.slice(-${options.length || 1}).join(" "));`;
    const told = options.length > 0 ? options.join(" ") : "--disable-sigusr1";
    expect(probe(script, options)).toEqual({ code: 0, stdout: `false ${told}\n`, stderr: "" });
  });
});

/** Runs a script as the runtime runs a bundle. */
function probe(script: string, options: readonly string[] = []): Outcome {
  const library = `${binDirectory}/.hextet/current/lib`;
  writeFileSync(join(root, library, "probe.cjs"), script);
  const loader = readdirSync(join(root, library)).find((name) => name.startsWith("ld-"));
  return inside(
    `${library}/${loader} --library-path ${library} ${library}/runtime probe probe "--node-options=${options.join(" ")}"`,
  );
}
