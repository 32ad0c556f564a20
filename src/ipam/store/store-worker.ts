// A process that leases and releases again and again, for many-processes.netns.ts. It stands for what ADD and DEL do,
// with a file for each address in place of the kernel, which refuses what is there already.
import { mkdirSync, rmdirSync } from "node:fs";
import { parseIpam } from "../config/config.ts";
import { LeaseStore } from "./lease-store.ts";

const [directory = "", kernel = "", name = "", count = "0", manner = "stays"] = process.argv.slice(2);

// Held by all eight at once: 40 of the 61 addresses of the small range.
const atOnce = 5;
const config = parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/26" }]], cooldownSeconds: 1 });
const report = ({ kind }: { readonly kind: string }) => process.stderr.write(`${kind}\n`);
const options = { directory, bootId: "boot-1", inventory: () => [], report };

const staying = manner === "stays" ? LeaseStore.open(options) : undefined;
const held: { readonly id: string; readonly addresses: readonly string[] }[] = [];
for (let at = 0; at < Number(count); at++) {
  add(`${name}-${at}`);
  if (held.length >= atOnce) remove();
}
while (held.length > 0) remove();
staying?.[Symbol.dispose]();

function add(id: string): void {
  withStore((store) => {
    const attachment = { network: "pods", containerId: id, interfaceName: "eth0" };
    const addresses = store.lease({ attachment, ...config }).map(({ address }) => String(address));
    for (const address of addresses) mkdirSync(`${kernel}/${address}`);
    store.activate(attachment, { hostLink: "hx" });
    held.push({ id, addresses });
    process.stdout.write(`${addresses.join(" ")}\n`);
  });
}

function remove(): void {
  const gone = held.shift();
  if (gone === undefined) return;
  withStore((store) => {
    for (const address of gone.addresses) rmdirSync(`${kernel}/${address}`);
    const released = store.release({ network: "pods", containerId: gone.id, interfaceName: "eth0" });
    if (released.length !== gone.addresses.length) throw new Error(`${gone.id} held ${released.length} leases`);
  });
}

/** As the agent does, or as the executable does for each of its calls. */
function withStore(work: (store: LeaseStore) => void): void {
  if (staying !== undefined) return work(staying);
  using store = LeaseStore.open(options);
  work(store);
}
