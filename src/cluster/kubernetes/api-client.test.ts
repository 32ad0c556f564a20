import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import type { Access, TlsSettings } from "./access.ts";
import { ApiClient } from "./api-client.ts";
import { serviceAccountAccess } from "./service-account.ts";
import { TestApiServer, type TestServerOptions } from "./test-api-server.ts";
import { testCertificate, testKey } from "./test-certificate.ts";

const request = {
  verb: "list",
  resource: "nodes",
  path: "/api/v1/nodes",
  parameters: {},
  idleTimeoutMs: 20_000,
} as const;
const tls = { key: testKey, cert: testCertificate };

async function ask(access: Access): Promise<string> {
  using client = new ApiClient(access);
  return await askBy(client);
}

async function askBy(client: ApiClient): Promise<string> {
  const parts = [];
  for await (const part of await client.get(request, new AbortController().signal)) parts.push(part);
  return Buffer.concat(parts).toString();
}

function accessTo(server: URL, settings: TlsSettings = {}): Access {
  return { credentials: async () => ({ servers: [server], headers: {}, tls: settings }) };
}

const test = base.extend<{
  serve: (options?: TestServerOptions) => Promise<TestApiServer>;
  account: { directory: string; write: (name: string, text: string) => Promise<void> };
}>({
  serve: async ({ task: _ }, use) => {
    await using stack = new AsyncDisposableStack();
    await use(async (options) => stack.use(await TestApiServer.start(options)));
  },
  account: async ({ task: _ }, use) => {
    const directory = await mkdtemp(join(tmpdir(), "hextet-account-"));
    const write = (name: string, text: string) => writeFile(join(directory, name), text);
    await write("token", "first\n");
    await write("ca.crt", testCertificate);
    await use({ directory, write });
    await rm(directory, { recursive: true });
  },
});

const hosts = ["::1", "127.0.0.1"] as const;

describe("an ApiClient", () => {
  test.for(hosts)("speaks TLS with a server at %s whose authority it is given", async (host, { serve }) => {
    const server = await serve({ host, tls });
    expect(await ask(accessTo(server.url, { ca: testCertificate }))).toContain('"kind":"List"');
    expect(await ask(accessTo(server.url, { rejectUnauthorized: false }))).toContain('"kind":"List"');
  });

  test.for(hosts)("says why it does not trust a server at %s", async (host, { serve }) => {
    const server = await serve({ host, tls });
    await expect(ask(accessTo(server.url))).rejects.toThrow(
      `Cannot trust the Kubernetes API at ${server.url.origin}: self-signed certificate: its certificate is not signed by the authority`,
    );
    const named = { ca: testCertificate, servername: "kubernetes.example.org" };
    await expect(ask(accessTo(server.url, named))).rejects.toThrow(
      /kubernetes\.example\.org.*: use a name or address that is in/,
    );
  });

  test("says of a server without TLS that it speaks none", async ({ serve }) => {
    const server = await serve();
    const url = new URL(server.url.href.replace("http:", "https:"));
    await expect(ask(accessTo(url))).rejects.toThrow(/Cannot (reach|trust) the Kubernetes API at https:.*/);
  });

  test.for([
    ["IPv6-only", "::1", "::1"],
    ["IPv4-only", "127.0.0.1", "127.0.0.1"],
    ["IPv6 in brackets", "::1", "[::1]"],
  ] as const)(
    "asks as the service account, %s, and follows its token",
    async ([, host, written], { serve, account }) => {
      const server = await serve({ host, tls, token: "first" });
      const environment = { KUBERNETES_SERVICE_HOST: written, KUBERNETES_SERVICE_PORT: server.url.port };
      const { directory } = account;
      using client = new ApiClient(serviceAccountAccess({ apiServers: [], environment, directory }));
      expect(await askBy(client)).toContain('"kind":"List"');
      server.token = "second";
      await expect(askBy(client)).rejects.toThrow(/does not accept the agent's credentials \(401, Unauthorized\)/);
      await account.write("token", "second");
      expect(await askBy(client)).toContain('"kind":"List"');
    },
  );

  test("asks the configured servers first, and the service's address last", async ({ serve, account }) => {
    const [configured, service] = [await serve({ tls }), await serve({ tls, host: "127.0.0.1" })];
    const environment = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: service.url.port };
    const { directory } = account;
    using client = new ApiClient(serviceAccountAccess({ apiServers: [configured.url], environment, directory }));
    await askBy(client);
    await configured.shut();
    await askBy(client);
    expect([configured.requests.length, service.requests.length]).toEqual([1, 1]);
  });

  test("passes over a server that is about to stop", async ({ serve }) => {
    const [stopping, other] = [await serve(), await serve({ host: "127.0.0.1" })];
    stopping.fail({ do: "status", status: 503 });
    const servers = [stopping.url, other.url];
    using client = new ApiClient({ credentials: async () => ({ servers, headers: {}, tls: {} }) });
    await expect(askBy(client)).rejects.toThrow(/answers 503/);
    await askBy(client);
    expect(other.requests.length).toBe(1);
  });

  test("asks for credentials anew after they were refused", async ({ serve }) => {
    const server = await serve({ token: "right" });
    const asked: boolean[] = [];
    using client = new ApiClient({
      credentials: async ({ anew }) => {
        asked.push(anew);
        return { servers: [server.url], headers: { authorization: `Bearer ${anew ? "right" : "wrong"}` }, tls: {} };
      },
    });
    await expect(askBy(client)).rejects.toThrow(/401/);
    await askBy(client);
    expect(asked).toEqual([false, true]);
  });
});

describe("serviceAccountAccess()", () => {
  test("says what to do without a service account, and without an address", async ({ account }) => {
    const environment = { KUBERNETES_SERVICE_HOST: "fd00::1" };
    await expect(
      serviceAccountAccess({ apiServers: [], environment, directory: "/nowhere" }).credentials({ anew: false }),
    ).rejects.toThrow(/^Cannot read the service account's \/nowhere\/.*automountServiceAccountToken/);
    await expect(
      serviceAccountAccess({ apiServers: [], environment: {}, ...account }).credentials({ anew: false }),
    ).rejects.toThrow(/neither cluster.kubernetes.apiServers nor KUBERNETES_SERVICE_HOST says where it is/);
    const { servers } = await serviceAccountAccess({ apiServers: [], environment, ...account }).credentials({
      anew: false,
    });
    expect(servers.map(({ href }) => href)).toEqual(["https://[fd00::1]/"]);
  });
});
