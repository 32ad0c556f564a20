// What a process asked the disk to do, in order, as strace saw it: writes with their bytes, and when it was told that something is done.
import { execFileSync } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type Event =
  | { readonly do: "write"; readonly file: string; readonly at: number; readonly bytes: Uint8Array }
  | { readonly do: "truncate"; readonly file: string; readonly size: number }
  | { readonly do: "create" | "sync" | "unlink"; readonly file: string }
  | { readonly do: "rename"; readonly file: string; readonly to: string }
  /** What the process has told somebody. */
  | { readonly do: "say"; readonly line: string };

const calls = "pwrite64,write,ftruncate,fsync,fdatasync,unlink,rename,openat";

export async function record(columns: string, rounds: number): Promise<readonly Event[]> {
  const scratch = mkdtempSync(join(tmpdir(), "hextet-power-"));
  try {
    const directory = join(scratch, "leases");
    const log = join(scratch, "log");
    const worker = fileURLToPath(new URL("lease-worker.ts", import.meta.url));
    const program = [process.execPath, worker, directory, columns, String(rounds)];
    const trace = ["-f", "-y", "-xx", "-s", "70000", "-qq", "-o", log, "-e", `trace=${calls}`];
    execFileSync("strace", [...trace, ...program], { stdio: ["ignore", "ignore", "inherit"] });
    const events: Event[] = [];
    for await (const line of createInterface(createReadStream(log))) {
      const event = eventOf(line, directory);
      if (event !== undefined) events.push(event);
    }
    return events;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** `123 pwrite64(21<\x2f...>, "\x00...", 4096, 32) = 4096`; calls that failed and files of others are left out. */
function eventOf(line: string, directory: string): Event | undefined {
  const [, call = "", args = ""] = /^\d+ +(\w+)\((.*)\) = \d/.exec(line) ?? [];
  const texts = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, text = ""]) => bytesOf(text));
  const [, fd = "", shown = ""] = /^(\d+)<([^>]*)>/.exec(args) ?? [];
  if (call === "write" && fd === "1")
    return {
      do: "say",
      line: Buffer.from(texts[0] ?? [])
        .toString()
        .trim(),
    };
  const named = ["unlink", "rename", "openat"].includes(call);
  const path = named ? Buffer.from(texts[0] ?? []).toString() : pathOf(shown);
  if (!path.startsWith(`${directory}/`)) return undefined;
  const file = basename(path);
  // Neither is anything but its presence: SQLite makes the index anew after a crash, and the reserve is there to be removed.
  if (file.endsWith("-shm")) return undefined;
  const numbers = args.split(", ").slice(-2).map(Number);
  switch (call) {
    case "pwrite64":
      return { do: "write", file, at: numbers[1] ?? 0, bytes: texts[0] ?? new Uint8Array() };
    case "ftruncate":
      return { do: "truncate", file, size: numbers[1] ?? 0 };
    case "fsync":
    case "fdatasync":
      return { do: "sync", file };
    case "unlink":
      return { do: "unlink", file };
    case "rename":
      return { do: "rename", file, to: basename(Buffer.from(texts[1] ?? []).toString()) };
    case "openat":
      return args.includes("O_CREAT") ? { do: "create", file } : undefined;
    default:
      return undefined;
  }
}

function pathOf(shown: string): string {
  return shown.startsWith("\\x") ? Buffer.from(bytesOf(shown)).toString() : shown;
}

function bytesOf(escaped: string): Uint8Array {
  return Buffer.from(escaped.replaceAll("\\x", ""), "hex");
}
