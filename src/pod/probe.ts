// Addresses on a link that others use too: each is asked for before it is used, and told of once it is. IPv6 does that by the
// kernel's own duplicate address detection (RFC 4862, 5.4), IPv4 by entries in the neighbor table, whose questions are ARP probes
// (RFC 5227, 2.1) as long as the pod has no address. Both take the probe's count times its interval, at the same time.
import type { Address } from "../ip/address.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import { listAddresses } from "../netlink/address.ts";
import { changeLink } from "../netlink/link.ts";
import { askForNeighbor, listNeighbors, removeNeighbor } from "../netlink/neighbor.ts";
import { AddressInUse, PodError } from "./pod-error.ts";
import type { PodNetwork, Probe } from "./pod-network.ts";
import { addressesOf, ipv4Addresses, ipv6Addresses } from "./pod-side.ts";
import type { Site } from "./site.ts";
import { announceSysctls, probeSysctls, setSysctls } from "./sysctls.ts";

/** A carrier that has just come takes the kernel a moment to notice; detection begins only then. */
const GRACE_MS = 2000;

/** Makes the kernel ask fast until this is disposed of. */
export function askFast({ kernel, namespace }: Site, network: PodNetwork, probe: Probe): Disposable {
  const wanted = { ...probeSysctls(network, probe), ...announceSysctls(network) };
  return overridden(kernel.sysctl(namespace), wanted);
}

/** Puts the pod's addresses on its link, or throws AddressInUse. */
export async function claimAddresses(site: Site, network: PodNetwork, link: number, probe: Probe): Promise<void> {
  const questions = addressesOf(network, "v4").map(({ address }) => ({ link, address }));
  const noDad = probe.count === 0;
  site.pod.execute([...ipv6Addresses(network, link, { noDad }), ...(noDad ? [] : questions.flatMap(askForNeighbor))]);
  if (!noDad) await answered(site, network, link, probe);
  site.pod.execute([
    ...(noDad ? [] : questions.map(removeNeighbor)),
    ...ipv4Addresses(network, link),
    // Setting the MAC, even to what it is, tells the link who has the addresses now.
    changeLink({ index: link }, { mac: network.podMac }),
  ]);
}

async function answered(site: Site, network: PodNetwork, link: number, { count, intervalMs }: Probe): Promise<void> {
  const limitMs = count * intervalMs + GRACE_MS;
  for (let waitedMs = 0; waitedMs <= limitMs; waitedMs += intervalMs) {
    const open = [...openInIpv6(site, network, link), ...openInIpv4(site, link)];
    if (open.length === 0) return;
    await site.wait(intervalMs);
  }
  const { interfaceName } = network.attachment;
  throw new PodError(
    "tryAgainLater",
    `Cannot use the addresses of ${interfaceName}: asking whether they are taken did not end within ${limitMs} ms; ` +
      `check that the link below ${interfaceName} has a carrier`,
  );
}

function openInIpv6({ pod }: Site, network: PodNetwork, link: number): Address[] {
  const addresses = pod.dump(listAddresses({ link, family: "v6" }));
  const taken = addresses.find(({ duplicate }) => duplicate)?.address.address;
  if (taken === undefined) return addresses.filter(({ tentative }) => tentative).map(({ address }) => address.address);
  if (!taken.isLinkLocal) throw new AddressInUse(taken, "a machine on the link has it");
  throw new PodError(
    "notAvailable",
    `Cannot use MAC ${network.podMac}: a machine on the link has its link-local address ${taken}; ask for another MAC`,
  );
}

function openInIpv4({ pod }: Site, link: number): Address[] {
  const entries = pod.dump(listNeighbors({ link, family: "v4" }));
  const taken = entries.find(({ mac }) => mac !== undefined);
  if (taken !== undefined)
    throw new AddressInUse(taken.address, `the machine with MAC ${taken.mac} on the link has it`);
  return entries.filter(({ state }) => state !== "failed").map(({ address }) => address);
}

/** Sets sysctls, and sets them back at the end. */
function overridden(sysctl: Sysctl, wanted: Readonly<Record<string, string>>): Disposable {
  const before = Object.fromEntries(Object.keys(wanted).map((name) => [name, sysctl.get(name)]));
  setSysctls(sysctl, wanted);
  return { [Symbol.dispose]: () => setSysctls(sysctl, before) };
}
