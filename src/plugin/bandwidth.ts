// The `bandwidth` capability as a pod's network takes it. Runtimes that have no way to say a burst write the greatest number they can,
// and a pod would send hundreds of megabytes before any limit is felt; such a burst is taken for none.
import type { RuntimeConfig } from "../cni/runtime-config.ts";
import type { Bandwidth, Rate } from "../pod/bandwidth.ts";

/** containerd writes 2^31 - 1, CRI-O nearly 2^35. */
const unsaid = { exactly: 2 ** 31 - 1, from: 2 ** 32 - 1 };

export function bandwidthOf({ bandwidth }: RuntimeConfig): { readonly bandwidth?: Bandwidth } {
  const toPod = rateOf(bandwidth?.ingressRate, bandwidth?.ingressBurst);
  const fromPod = rateOf(bandwidth?.egressRate, bandwidth?.egressBurst);
  if (toPod === undefined && fromPod === undefined) return {};
  return { bandwidth: { ...(toPod === undefined ? {} : { toPod }), ...(fromPod === undefined ? {} : { fromPod }) } };
}

function rateOf(bitsPerSecond: number | undefined, burst: number | undefined): Rate | undefined {
  if (bitsPerSecond === undefined) return undefined;
  const isSaid = burst !== undefined && burst !== unsaid.exactly && burst < unsaid.from;
  return { bitsPerSecond, ...(isSaid ? { burstBits: burst } : {}) };
}
