// Builds the netlink addon where it is missing or older than its source, before tests that meet the real kernel.
import { fileURLToPath } from "node:url";
import { buildAddon, isBuilt } from "../src/netlink/addon/build.ts";

export function setup(): void {
  const path = fileURLToPath(new URL("../dist/lib/netlink.node", import.meta.url));
  if (!isBuilt(path)) buildAddon(path);
}
