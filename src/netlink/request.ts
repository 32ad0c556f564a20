// A request to the kernel as a value: what is sent, and what the answer will be read as. link.ts, route.ts and the others
// make them; connection.ts carries them out. Making one never touches the kernel.

export interface Request {
  /** What this does, to be read after "Cannot": `add route fd00::/64 via fe80::1 dev 3`. */
  readonly operation: string;
  /** RTM_NEWLINK and so on. */
  readonly type: number;
  /** NLM_F_CREATE, NLM_F_EXCL and so on; the connection adds NLM_F_REQUEST and NLM_F_ACK or NLM_F_DUMP. */
  readonly flags: number;
  /** What follows the netlink header: the family's own header and the attributes. */
  readonly body: Uint8Array;
}

export interface Query<T> extends Request {
  /** Reads one reply; undefined skips it (a filter the kernel does not have). */
  decode(body: Uint8Array): T | undefined;
}

/** What carrying out a request gives: nothing, or the value of a query's reply. */
export type Reply<R extends Request> = R extends Query<infer T> ? T : undefined;
