import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { test as base, describe, expect } from "vitest";
import type { Credentials } from "./access.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";
import { testCertificate, testKey } from "./test-certificate.ts";

interface Parts {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
}

/** JSON, which is YAML. */
function kubeconfig({ cluster = {}, user = {} }: Parts): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "home",
    contexts: [
      { name: "other", context: { cluster: "c2", user: "u2" } },
      { name: "home", context: { cluster: "c1", user: "u1" } },
    ],
    clusters: [
      { name: "c2", cluster: { server: "https://192.0.2.9:6443" } },
      { name: "c1", cluster: { server: "https://[fd00::1]:6443", ...cluster } },
    ],
    users: [
      { name: "u2", user: { token: "other" } },
      { name: "u1", user },
    ],
  });
}

const test = base.extend<{ directory: string; write: (name: string, text: string) => Promise<string> }>({
  directory: async ({ task: _ }, use) => {
    const directory = await mkdtemp(join(tmpdir(), "hextet-kubeconfig-"));
    await use(directory);
    await rm(directory, { recursive: true });
  },
  write: async ({ directory }, use) => {
    await use(async (name, text) => {
      const path = join(directory, name);
      await writeFile(path, text, { mode: 0o755 });
      return path;
    });
  },
});

async function read(path: string, anew = false): Promise<Credentials> {
  return await kubeconfigAccess({ path, apiServers: [], environment: process.env }).credentials({ anew });
}

/** What the client library of Kubernetes makes of the same file. */
async function readByClient(path: string) {
  const config = new KubeConfig();
  config.loadFromFile(path);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const headers = Object.entries({ ...options.headers }).map(([name, value]) => [
    name.toLowerCase(),
    `${value}`.trim(),
  ]);
  if (options.auth) headers.push(["authorization", `Basic ${Buffer.from(options.auth).toString("base64")}`]);
  const tls = { ca, cert, key, servername, rejectUnauthorized };
  const present = Object.entries(tls).filter(([, value]) => value !== undefined);
  return {
    server: config.getCurrentCluster()?.server,
    headers: Object.fromEntries(headers),
    tls: Object.fromEntries(present.map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString() : value])),
    proxy: config.getCurrentCluster()?.proxyUrl,
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("kubeconfigAccess()", () => {
  test.for<[string, Parts]>([
    ["nothing but an address", {}],
    ["an IPv4 address", { cluster: { server: "https://192.0.2.1:6443" } }],
    ["a name and a path", { cluster: { server: "https://rancher.example.org/k8s/clusters/c-1" } }],
    ["an authority in a file", { cluster: { "certificate-authority": "ca.crt" } }],
    ["an authority in itself", { cluster: { "certificate-authority-data": base64(testCertificate) } }],
    ["no check of certificates", { cluster: { "insecure-skip-tls-verify": true } }],
    ["another name of the server", { cluster: { "tls-server-name": "kubernetes.default" } }],
    ["a proxy", { cluster: { "proxy-url": "http://[fd00::2]:3128" } }],
    ["a token", { user: { token: "secret" } }],
    ["a name and a password", { user: { username: "me", password: "pass" } }],
    ["somebody else's rights", { user: { token: "secret", as: "other" } }],
    ["a certificate in files", { user: { "client-certificate": "tls.crt", "client-key": "tls.key" } }],
    [
      "a certificate in itself",
      { user: { "client-certificate-data": base64(testCertificate), "client-key-data": base64(testKey) } },
    ],
    ["a program", { user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./login" } } }],
  ])("reads a file with %s as the client library does", async ([, parts], { directory, write }) => {
    await write("ca.crt", testCertificate);
    await write("tls.crt", testCertificate);
    await write("tls.key", testKey);
    const answer = { kind: "ExecCredential", status: { token: "t", clientCertificateData: "c", clientKeyData: "k" } };
    const program = await write("login", `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
    const path = await write("config", kubeconfig(parts));
    const { servers, headers, tls, proxy } = await read(path);
    const server = servers.map(({ href }) => href.replace(/\/$/, "")).join();
    // The library looks for programs in the agent's own directory, kubectl in that of the file.
    const same = kubeconfig(parts).replace('"./login"', JSON.stringify(program));
    const expected = await readByClient(await write("same", same));
    expect({ server, headers, tls, proxy }).toEqual(expected);
    expect(directory).not.toBe("");
  });

  test("reads the file of a token, and all files, again each time", async ({ write }) => {
    await write("token", "first\n");
    await write("tls.crt", "old");
    const path = await write(
      "config",
      kubeconfig({ user: { tokenFile: "token", "client-certificate": "tls.crt", "client-key": "tls.crt" } }),
    );
    const access = kubeconfigAccess({ path, apiServers: [], environment: {} });
    expect((await access.credentials({ anew: false })).headers).toEqual({ authorization: "Bearer first" });
    await write("token", "second\n");
    await write("tls.crt", "new");
    const { headers, tls } = await access.credentials({ anew: false });
    expect([headers["authorization"], tls.cert]).toEqual(["Bearer second", "new"]);
  });

  test("asks a program again when what it said expires or is refused, and tells it what is wanted", async ({
    write,
  }) => {
    const program = `#!/bin/sh
echo x >> "$0.runs"
runs=$(wc -l < "$0.runs")
echo '{"status":{"token":"'$runs-$(echo "$KUBERNETES_EXEC_INFO" | tr -dc a-zA-Z0-9/.)-$WHO'","expirationTimestamp":"'$UNTIL'"}}'
`;
    await write("login", program);
    const exec = (until: string) => {
      const env = [
        { name: "UNTIL", value: until },
        { name: "WHO", value: "me" },
      ];
      return kubeconfig({ user: { exec: { command: "./login", env } } });
    };
    const path = await write("config", exec("2120-01-01T00:00:00Z"));
    const access = kubeconfigAccess({ path, apiServers: [], environment: process.env });
    const token = async (anew: boolean) => (await access.credentials({ anew })).headers["authorization"];
    const info = "apiVersionclient.authentication.k8s.io/v1kindExecCredentialspecinteractivefalse";
    expect(await token(false)).toBe(`Bearer 1-${info}-me`);
    expect(await token(false)).toMatch(/^Bearer 1-/);
    expect(await token(true)).toMatch(/^Bearer 2-/);
    await write("config", exec("2020-01-01T00:00:00Z"));
    expect(await token(false)).toMatch(/^Bearer 3-/);
    expect(await token(false)).toMatch(/^Bearer 4-/);
  });

  test.for<[string, RegExp]>([
    ["", /Cannot use the kubeconfig .*config: /],
    ["contexts: [", /config:1:\d+: /],
    [kubeconfig({}).replace('"home"', '"away"'), /it has no context "away": set current-context/],
    [kubeconfig({}).replace('"name":"c1"', '"name":"c3"'), /it has no cluster "c1": add it to clusters/],
    [kubeconfig({}).replace('"name":"u1"', '"name":"u3"'), /it has no user "u1": add it to users/],
    [kubeconfig({ cluster: { server: 6443 } }), /clusters\[1\]\.cluster\.server: 6443 is not a string/],
    [kubeconfig({ user: { tokenFile: "missing" } }), /ENOENT.*missing/],
    [
      kubeconfig({ user: { "auth-provider": { name: "oidc" } } }),
      /auth-provider oidc is no longer a part of Kubernetes/,
    ],
    [
      kubeconfig({ user: { exec: { command: "./missing", installHint: "install it" } } }),
      /its program .\/missing gives no credentials: .*: install it$/,
    ],
  ])("says of %j what is wrong", async ([text, message], { write }) => {
    await expect(read(await write("config", text))).rejects.toThrow(message);
  });

  test("tries the configured servers before that of the file", async ({ write }) => {
    const path = await write("config", kubeconfig({}));
    const apiServers = [new URL("https://[fd00::9]:6443")];
    const { servers } = await kubeconfigAccess({ path, apiServers, environment: {} }).credentials({ anew: false });
    expect(servers.map(({ href }) => href)).toEqual(["https://[fd00::9]:6443/", "https://[fd00::1]:6443/"]);
  });
});
