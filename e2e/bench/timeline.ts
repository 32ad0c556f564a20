// What two programs did in the course of one call, out of what strace printed of each with the time of day (-ttt). System calls that
// say nothing of the story are passed over, and those that tell the same in a row are one line. Pure.

export interface Moment {
  /** Since the first. */
  readonly atMs: number;
  /** Until the next. */
  readonly tookMs: number;
  readonly who: string;
  readonly what: string;
}

interface Call {
  readonly seconds: number;
  readonly who: string;
  readonly what: string;
}

/** From rtnetlink's numbers (include/uapi/linux/rtnetlink.h): strace does not know the sockets of other namespaces. */
const messageNames: Readonly<Record<number, string>> = {
  16: "RTM_NEWLINK",
  17: "RTM_DELLINK",
  18: "RTM_GETLINK",
  20: "RTM_NEWADDR",
  24: "RTM_NEWROUTE",
  26: "RTM_GETROUTE",
  28: "RTM_NEWNEIGH",
};

const meanings: readonly (readonly [who: string, call: RegExp, meaning: string])[] = [
  ["launcher", /^execve\(/, "begins"],
  ["launcher", /^connect\(.*AF_UNIX/, "connects to the agent"],
  ["launcher", /^send(to)?\(.*"HXT/, "sends the request"],
  ["launcher", /^recvfrom\(.*"HXT\\1\\1/, "waits to be accepted"],
  ["launcher", /^recvfrom\(.*"HXT\\1\\2/, "waits for the answer"],
  ["launcher", /^write\(1,/, "prints the result"],
  ["launcher", /^exit_group\(/, "ends"],
  ["agent", /^accept4?\(/, "takes the connection"],
  ["agent", /^read\(.*"HXT/, "has read the request"],
  ["agent", /^write\(.*"HXT\\1\\1/, "accepts it"],
  ["agent", /^write\(.*"HXT\\1\\2/, "answers"],
  ["agent", /^pwrite64\(/, "writes the lease"],
  ["agent", /^(fcntl\(.*F_SETLK|statx\(.*leases)/, "looks into the lease database"],
  ["agent", /^openat\(.*\/run\/netns/, "opens the pod's namespace"],
  ["agent", /^socket\(AF_NETLINK/, "opens a netlink socket"],
];

/** The story of both, in order of time, to the end of the launcher. */
export function timelineOf(traces: Readonly<Record<string, string>>): Moment[] {
  const calls = Object.entries(traces)
    .flatMap(([who, text]) => text.split("\n").flatMap((line) => callOf(who, line) ?? []))
    .toSorted((one, other) => one.seconds - other.seconds);
  const first = calls.findIndex(({ what }) => what === "begins");
  const last = calls.findIndex(({ what }) => what === "ends");
  if (first < 0 || last < first) throw new Error("The trace has no launcher that begins and ends");
  const story = calls.slice(first, last + 1).filter((call, at, all) => at === 0 || !sameStory(call, all[at - 1]));
  return story.map(({ seconds, who, what }, at) => ({
    atMs: (seconds - (story[0]?.seconds ?? 0)) * 1000,
    tookMs: ((story[at + 1]?.seconds ?? seconds) - seconds) * 1000,
    who,
    what,
  }));
}

function sameStory(call: Call, before: Call | undefined): boolean {
  return before !== undefined && call.who === before.who && call.what === before.what;
}

function callOf(who: string, line: string): Call | undefined {
  const [, seconds, call] = /^(?:\d+\s+)?(\d+\.\d+) (.*)$/.exec(line) ?? [];
  if (seconds === undefined || call === undefined) return undefined;
  const what = meaningOf(who, call);
  return what === undefined ? undefined : { seconds: Number(seconds), who, what };
}

function meaningOf(who: string, call: string): string | undefined {
  const [, , known] = meanings.find(([by, pattern]) => by === who && pattern.test(call)) ?? [];
  if (known !== undefined || who !== "agent") return known;
  const sysctl = /^openat\(.*"\/proc\/sys\/([^"]+)"/.exec(call)?.[1];
  if (sysctl !== undefined) return `sysctl ${sysctl}`;
  return call.startsWith("sendto(") ? messagesOf(call) : undefined;
}

function messagesOf(call: string): string | undefined {
  const types = [...call.matchAll(/nlmsg_type=(0x[0-9a-f]+|\w+)/g)].map(([, type = ""]) => {
    return type.startsWith("0x") ? (messageNames[Number(type)] ?? type) : type;
  });
  if (types.length === 0) return undefined;
  const counts = Map.groupBy(types, (type) => type);
  return `netlink: ${[...counts].map(([type, all]) => (all.length === 1 ? type : `${all.length} ${type}`)).join(", ")}`;
}
