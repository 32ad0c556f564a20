// Waiting for what the kernel finishes behind our back. It notices a carrier, and takes up an IPv6 address, in a work queue: until
// then a link drops what is sent there, and an address that nobody doubts (NODAD) is not delivered to. Both take microseconds on an
// idle machine and milliseconds on a busy one.
import type { InterfaceAddress } from "../ip/prefix.ts";
import type { Connection } from "../netlink/connection.ts";
import { getLink, type Link } from "../netlink/link.ts";
import { findRoute, type Route } from "../netlink/route.ts";
import { PodError } from "./pod-error.ts";
import { type PodNetwork, speaks } from "./pod-network.ts";
import { addressesOf, type BareLink, linkLocalOf } from "./pod-side.ts";
import type { Site } from "./site.ts";

/** It takes the kernel less than a tenth of a millisecond, unless its processors are busy: so many looks follow on one another. */
const LOOKS_AT_ONCE = 5;
/** How long from one look to the next, after so long a wait: at first as often as can be, at last as often as matters. */
const pauseAfter = (waitedMs: number) => Math.min(50, Math.max(1, Math.floor(waitedMs / 10)));
/** Whoever holds the kernel's lock for links this long has brought the whole node to a standstill. */
const LIMIT_MS = 5000;

/** The link once it and these addresses can be used. Asking for a link makes the kernel notice its carrier at once. */
export async function settled(
  site: Pick<Site, "wait">,
  connection: Connection,
  { index }: Pick<Link, "index">,
  addresses: readonly InterfaceAddress[],
): Promise<Link> {
  // In IPv4 there is nothing to wait for.
  const awaited = addresses.filter(({ family }) => family === "v6");
  const routes = awaited.map(({ address }) => findRoute(address, index));
  for (let looks = 1, waitedMs = 0; waitedMs <= LIMIT_MS; looks++) {
    const [link, ...found] = connection.execute([getLink({ index }), ...routes]);
    if (found.every(isDelivered)) return link;
    const pauseMs = looks < LOOKS_AT_ONCE ? 0 : pauseAfter(waitedMs);
    await site.wait(pauseMs);
    waitedMs += pauseMs;
  }
  throw new PodError(
    "tryAgainLater",
    `Cannot use ${awaited.join(" and ")}: the kernel has not taken them up within ${LIMIT_MS} ms; look for what keeps it busy, or what removes addresses`,
  );
}

export function settledInPod(site: Site, network: PodNetwork, link: BareLink): Promise<Link> {
  const own = speaks(network, "v6") ? [linkLocalOf(network.podMac), ...addressesOf(network, "v6")] : [];
  return settled(site, site.pod, link, own);
}

function isDelivered({ nextHop }: Route): boolean {
  return nextHop.kind === "local";
}
