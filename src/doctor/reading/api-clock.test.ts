import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { testCertificate, testKey } from "../../cluster/kubernetes/test-certificate.ts";
import { readAheadOfServer } from "./api-clock.ts";

/** Writes a kubeconfig for a server that refuses everybody, and has this as its time. */
const test = base.extend<{ serverWith: (date: string | undefined) => Promise<string> }>({
  // oxlint-disable-next-line no-empty-pattern
  serverWith: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-api-clock-"));
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rmSync(directory, { recursive: true }));
    await use(async (date) => {
      const server = createServer({ key: testKey, cert: testCertificate }, (_, response) => {
        response.sendDate = false;
        response.writeHead(401, date === undefined ? {} : { date });
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
      cleanup.defer(() => {
        server.close();
        server.closeAllConnections();
      });
      const { port } = server.address() as AddressInfo;
      const file = join(directory, "kubeconfig");
      writeFileSync(file, kubeconfig(port));
      return file;
    });
  },
});

function kubeconfig(port: number): string {
  return [
    "current-context: it",
    "contexts: [{ name: it, context: { cluster: it } }]",
    `clusters: [{ name: it, cluster: { server: "https://[::1]:${port}", certificate-authority-data: ${btoa(testCertificate)} } }]`,
    "",
  ].join("\n");
}

const originAt = (file: string) =>
  ({ source: "kubernetes", file: "", kubernetes: { credentials: file, apiServers: [] } }) as const;

test("the difference is told by any answer, a refusal too", async ({ serverWith }) => {
  const file = await serverWith(new Date(Date.now() - 300_000).toUTCString());
  const ahead = await readAheadOfServer(originAt(file), {});
  // A header has no fractions, and nobody knows how long an answer takes on a busy machine.
  expect(ahead).toBeGreaterThan(299_000);
});

test("a server that does not say its time is one that could not be asked", async ({ serverWith }) => {
  const file = await serverWith(undefined);
  await expect(readAheadOfServer(originAt(file), {})).rejects.toThrow(/does not say what time it has/);
});

test("there is nobody to ask without Kubernetes", async () => {
  const origin = { ...originAt("/none"), source: "file" } as const;
  expect(await readAheadOfServer(origin, {})).toBeUndefined();
});
