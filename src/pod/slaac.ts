// Addresses and routes that a router advertises on the pod's link (RFC 4861, 4862): the kernel asks, takes the answer and makes the
// address; here it is waited for and read. The interface identifier follows from the pod's MAC.
import { InterfaceAddress } from "../ip/prefix.ts";
import { type LinkAddress, listAddresses } from "../netlink/address.ts";
import type { Path } from "../netlink/next-hop.ts";
import { listRoutes, type Route } from "../netlink/route.ts";
import { AddressInUse, PodError } from "./pod-error.ts";
import type { PodAddress, PodNetwork, PodRoute } from "./pod-network.ts";
import type { Site } from "./site.ts";

const POLL_MS = 20;
/** RTPROT_RA */
const ADVERTISED = 9;
const GLOBAL_SCOPE = 0;

/** The network as it is once a router has advertised a prefix. */
export async function autoconfigured(
  site: Site,
  network: PodNetwork,
  { link, timeoutMs }: { readonly link: number; readonly timeoutMs: number },
): Promise<PodNetwork> {
  for (let waitedMs = 0; waitedMs <= timeoutMs; waitedMs += POLL_MS) {
    const made = site.pod.dump(listAddresses({ link, family: "v6" })).filter(isMade);
    const taken = made.find(({ duplicate }) => duplicate);
    if (taken !== undefined)
      throw new AddressInUse(taken.address.address, "a machine on the link has it; ask for another MAC");
    if (made.length > 0 && !made.some(({ tentative }) => tentative)) return completed(site, network, made, link);
    await site.wait(POLL_MS);
  }
  const { interfaceName } = network.attachment;
  throw new PodError(
    "tryAgainLater",
    `Cannot configure ${interfaceName}: no router advertised a prefix for autoconfiguration within ${timeoutMs} ms; ` +
      "let a router on the link do so, raise slaacTimeoutMs, or lease addresses from ipam.ranges",
  );
}

function isMade({ scope, permanent, temporary }: LinkAddress): boolean {
  return scope === GLOBAL_SCOPE && !permanent && !temporary;
}

function completed(site: Site, network: PodNetwork, made: readonly LinkAddress[], link: number): PodNetwork {
  const routes = site.pod.dump(listRoutes({ family: "v6", link })).filter(({ protocol }) => protocol === ADVERTISED);
  const advertised = routes.flatMap(asPodRoutes);
  const gateway = advertised.find(({ destination }) => destination.length === 0)?.gateway;
  const addresses = made.map(
    ({ address }): PodAddress => ({
      address: new InterfaceAddress(address.address, address.length),
      ...(gateway === undefined ? {} : { gateway }),
    }),
  );
  return { ...network, addresses: [...addresses, ...network.addresses], routes: [...advertised, ...network.routes] };
}

/** Of several routers the kernel makes one route with several next hops. */
function asPodRoutes({ destination, nextHop, mtu }: Route): PodRoute[] {
  const paths: readonly Path[] =
    nextHop.kind === "multipath" ? nextHop.paths : nextHop.kind === "gateway" ? [nextHop] : [];
  return paths.map((path) => ({
    destination,
    ...(path.kind === "gateway" ? { gateway: path.gateway } : {}),
    ...(mtu === undefined ? {} : { mtu }),
  }));
}
