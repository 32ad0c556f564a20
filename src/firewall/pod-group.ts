// How the packet filter knows a pod's link: by the group the link is put into by the message that makes it. The group lives and dies with
// the link, so there is no moment in which a pod's link is there and the filter takes it for something else.

/** "hx" in the upper half: nobody else's by any likelihood. The lower half says how the pod is to be treated. */
export const podGroupMask = 0xffff_0000;
const podGroups = 0x6878_0000;

/**
 * `open`: no policy selects the pod. `guarded`: one may, so nothing passes until the filter has a chain for the pod's address
 * (docs/decisions/network-policy.md).
 */
export const podGroup = { open: podGroups, guarded: podGroups + 1 } as const;

export type PodGroup = keyof typeof podGroup;
