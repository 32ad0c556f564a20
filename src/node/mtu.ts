// The largest packet pods may send: what the uplinks take, less what tunnels add. Pure. IPv6 asks 1280 of every link (RFC 8200,
// section 5); where that is not to be had nothing is decided, and a fault says what to raise.
import { type Family, families, type Stack } from "../ip/address.ts";
import type { Fault } from "./fault.ts";
import type { Uplink } from "./uplink.ts";

export interface MtuInput {
  /** Of pods, as configured. */
  readonly configured: "auto" | number;
  readonly uplinks: readonly Uplink[];
  /** Over what tunnels are used. */
  readonly underlays: readonly Family[];
}

export interface Mtus {
  /** Absent where it cannot be decided. */
  readonly pods?: number;
  /** Of the tunnel over each family, in use or not. */
  readonly tunnels: Stack<number>;
  readonly faults: readonly Fault[];
}

const leastMtu = 1280;
/** Ethernet header, VXLAN, UDP and the outer IP header (RFC 7348, section 5). */
const vxlanOverhead = { v6: 14 + 8 + 8 + 40, v4: 14 + 8 + 8 + 20 } as const satisfies Stack<number>;

export function decideMtu({ configured, uplinks, underlays }: MtuInput): Mtus {
  const narrowest = uplinks.toSorted((one, other) => one.mtu - other.mtu)[0];
  if (narrowest === undefined)
    return { tunnels: {}, faults: [], ...(configured === "auto" ? {} : { pods: configured }) };
  const tunnels = families.flatMap((family) => {
    const mtu = narrowest.mtu - vxlanOverhead[family];
    return mtu < leastMtu ? [] : [[family, mtu]];
  });
  const overhead = Math.max(0, ...underlays.map((family) => vxlanOverhead[family]));
  const most = narrowest.mtu - overhead;
  const pods = configured === "auto" ? most : configured;
  const faults = most < leastMtu || pods < leastMtu ? [tooSmall(narrowest, overhead, configured)] : [];
  return { tunnels: Object.fromEntries(tunnels), faults, ...(pods < leastMtu ? {} : { pods }) };
}

function tooSmall({ name, mtu }: Uplink, overhead: number, configured: MtuInput["configured"]): Fault {
  const least = `less than the ${leastMtu} that IPv6 needs`;
  if (configured !== "auto" && configured < leastMtu) {
    return { code: "mtu-too-small", message: `mtu is ${configured}, ${least}; raise it, or write auto` };
  }
  const less = overhead === 0 ? "" : ` less the ${overhead} of VXLAN is ${mtu - overhead}, which`;
  const fix = overhead === 0 ? "" : ", or reach the nodes without a tunnel: routing.mode direct or external";
  const message =
    `The MTU ${mtu} of uplink ${name}${less} is ${least}; ` +
    `raise it to ${leastMtu + overhead} or more, on the link and in what routers advertise there${fix}`;
  return { code: "mtu-too-small", message };
}
