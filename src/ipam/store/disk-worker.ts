// What a store does on a disk that is full or read-only, for disk.netns.ts: it runs in a mount namespace that holds a
// tiny file system, and prints what it saw as one JSON object.
import { closeSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { parseIpam } from "../config/config.ts";
import { LeaseError } from "../lease-error.ts";
import { LeaseStore } from "./lease-store.ts";

const [mount = "", scenario = "", stack = "dual"] = process.argv.slice(2);
const ranges = { v6: [[{ subnet: "fd00::/64" }]], v4: [[{ subnet: "10.1.0.0/16" }]] };
const config = parseIpam({
  ranges: stack === "dual" ? [...ranges.v6, ...ranges.v4] : stack === "v4" ? ranges.v4 : ranges.v6,
});
const attachments = Array.from({ length: 120 }, (_, at) => at).map((at) => attachmentOf(`c${at}`));
const filler = `${mount}/filler`;

process.stdout.write(JSON.stringify(scenario === "full" ? fullDisk() : readOnly()));

function fullDisk(): object {
  const staying = open();
  for (const attachment of attachments) {
    staying.lease({ attachment, ...config });
    staying.activate(attachment, { hostLink: "hx" });
  }
  const pending = attachmentOf("pending");
  staying.lease({ attachment: pending, ...config });
  fill();
  const refused = attempt(() => staying.lease({ attachment: attachmentOf("refused"), ...config }));
  const left = staying.find(attachmentOf("refused")).length;
  const fault = staying.faultOfWriting()?.reason;
  // Others take at once what room there is.
  const released = attachments.slice(0, 60).map((attachment) => count(staying, attachment));
  const activated = attempt(() => staying.activate(pending));
  staying[Symbol.dispose]();
  fill();
  const afterwards = attachments.slice(60).map((attachment) => {
    using store = open();
    const number = count(store, attachment);
    fill();
    return number;
  });
  const stillRefused = attempt(() => {
    using store = open();
    store.lease({ attachment: attachmentOf("refused"), ...config });
  });
  rmSync(filler);
  using again = open();
  const held = again.leases().length;
  const leased = again.lease({ attachment: attachmentOf("late"), ...config }).length;
  const reserve = statSync(`${mount}/leases/leases.reserve`).size;
  return { refused, left, fault, released, activated, afterwards, stillRefused, held, leased, reserve };
}

function readOnly(): object {
  return { opened: attempt(() => open()[Symbol.dispose]()) };
}

function count(store: LeaseStore, attachment: ReturnType<typeof attachmentOf>): number {
  const number = store.release(attachment).length;
  fill();
  return number;
}

function open(): LeaseStore {
  return LeaseStore.open({ directory: `${mount}/leases`, bootId: "boot-1", inventory: () => [], report: () => {} });
}

function attachmentOf(containerId: string) {
  return { network: "pods", containerId, interfaceName: "eth0" };
}

function attempt(run: () => unknown): object | "done" {
  try {
    run();
    return "done";
  } catch (error) {
    if (!(error instanceof LeaseError)) throw error;
    const { reason, message, details } = error;
    return { reason, message, details };
  }
}

/** Writes until there is no room for another byte. */
function fill(): void {
  const fd = openSync(filler, "a");
  for (let size = 65_536; size >= 1; ) {
    try {
      writeSync(fd, new Uint8Array(size));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      size = Math.floor(size / 2);
    }
  }
  closeSync(fd);
}
