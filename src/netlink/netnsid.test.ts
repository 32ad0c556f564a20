import { expect, test } from "vitest";
import { captured, sent } from "./captured.ts";
import { hex } from "./hex.ts";
import { assignNamespaceId, getNamespaceId } from "./netnsid.ts";
import type { Namespace } from "./socket.ts";

const pod: Namespace = { fd: 6, path: "/run/netns/pod", [Symbol.dispose]() {} };

test("the request for an id is that of ip netns list-id", () => {
  expect(sent({ ...getNamespaceId(pod), flags: 0 })).toEqual(
    captured(`
      5a 00 05 00  # RTM_GETNSID, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  # struct rtgenmsg and padding
      08 00 03 00  06 00 00 00  # NETNSA_FD 6`),
  );
});

test("an id is assigned as by ip netns set, and any one with -1", () => {
  const start = `
      58 00 05 00  # RTM_NEWNSID, NLM_F_REQUEST | NLM_F_ACK
      00 00 00 00  # struct rtgenmsg and padding
      08 00 03 00  06 00 00 00  # NETNSA_FD 6`;
  expect(sent(assignNamespaceId(pod, 7))).toEqual(
    captured(`${start}
      08 00 01 00  07 00 00 00  # NETNSA_NSID 7`),
  );
  expect(sent(assignNamespaceId(pod))).toEqual(
    captured(`${start}
      08 00 01 00  ff ff ff ff  # NETNSA_NSID_NOT_ASSIGNED`),
  );
});

test.for<[answer: string, id: number | undefined]>([
  ["00 00 00 00 08 00 01 00 00 00 00 00", 0],
  ["00 00 00 00 08 00 01 00 07 00 00 00", 7],
  ["00 00 00 00 08 00 01 00 ff ff ff ff", undefined],
])("the answer %s is read as %j", ([answer, id]) => {
  expect(getNamespaceId(pod).decode(hex(answer))).toEqual({ id });
});

test.for<[operation: string, request: { readonly operation: string }]>([
  ["get the id of network namespace /run/netns/pod", getNamespaceId(pod)],
  ["give network namespace /run/netns/pod an id", assignNamespaceId(pod)],
  ["give network namespace /run/netns/pod the id 7", assignNamespaceId(pod, 7)],
])("%s", ([operation, request]) => {
  expect(request.operation).toBe(operation);
});
