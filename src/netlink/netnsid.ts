// Namespace ids: small numbers by which one network namespace knows another. The kernel gives one to the namespace of a veth's
// peer when the pair is made; links say by it where their other end is. include/uapi/linux/net_namespace.h
import { attributes, headed } from "./attributes.ts";
import { i32, struct, u8, u32 } from "./codec.ts";
import type { Query, Request } from "./request.ts";
import type { Namespace } from "./socket.ts";

export const namespaceIdMessage = headed(
  struct({ family: u8 }), // struct rtgenmsg
  attributes({
    id: [1, i32], // NETNSA_NSID
    fd: [3, u32], // NETNSA_FD
  }),
);

/** RTM_NEWNSID, RTM_GETNSID */
export const namespaceIdType = { new: 88, get: 90 } as const;

/** NETNSA_NSID_NOT_ASSIGNED: in an answer that there is none, in a request that any will do. */
const NONE = -1;

/** The id by which the socket's namespace knows another; undefined where it has none. */
export function getNamespaceId(namespace: Namespace): Query<{ readonly id: number | undefined }> {
  return {
    operation: `get the id of network namespace ${namespace.path}`,
    type: namespaceIdType.get,
    flags: 0,
    body: namespaceIdMessage.encode({ header: {}, attributes: { fd: namespace.fd } }),
    decode(body) {
      const { id = NONE } = namespaceIdMessage.decode(body).attributes;
      return { id: id === NONE ? undefined : id };
    },
  };
}

/** Gives a namespace an id, one of the kernel's choice where none is named. A namespace that has one keeps it (EEXIST). */
export function assignNamespaceId(namespace: Namespace, id = NONE): Request {
  return {
    operation: `give network namespace ${namespace.path} ${id === NONE ? "an id" : `the id ${id}`}`,
    type: namespaceIdType.new,
    flags: 0,
    body: namespaceIdMessage.encode({ header: {}, attributes: { fd: namespace.fd, id } }),
  };
}

/** The ids of all namespaces that the socket's namespace knows. */
export function listNamespaceIds(): Query<number> {
  return {
    operation: "list the ids of network namespaces",
    type: namespaceIdType.get,
    flags: 0,
    body: namespaceIdMessage.encode({ header: {} }),
    decode: (body) => namespaceIdMessage.decode(body).attributes.id,
  };
}
