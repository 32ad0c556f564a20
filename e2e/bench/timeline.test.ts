import { describe, expect, test } from "vitest";
import { timelineOf } from "./timeline.ts";

const launcher = `100.000000 execve("/opt/cni/bin/hextet", ["hextet"], 0x7ffd) = 0
100.000500 connect(3, {sa_family=AF_UNIX, sun_path="/run/hextet/agent.sock"}, 110) = 0
100.000600 sendto(3, "HXT\\1\\0\\0\\0\\20", 318, MSG_NOSIGNAL, NULL, 0) = 318
100.001000 recvfrom(3, "HXT\\1\\1\\0\\0\\0", 16, 0, NULL, NULL) = 16
100.003000 recvfrom(3, "HXT\\1\\2\\0\\0\\0", 16, 0, NULL, NULL) = 16
100.003100 write(1, "{}", 2) = 2
100.003200 exit_group(0) = ?
100.003200 +++ exited with 0 +++
`;
const agent = `7 99.000000 sendto(9, [{nlmsg_len=40, nlmsg_type=RTM_GETLINK}], 40, 0, NULL, 0) = 40
7 100.000700 accept4(27, NULL, NULL, SOCK_CLOEXEC|SOCK_NONBLOCK) = 29
7 100.000800 read(29, "HXT\\1\\0", 65536) = 318
7 100.000900 write(29, "HXT\\1\\1\\0\\0\\0", 16) = 16
7 100.001100 fcntl(34, F_SETLK, {l_type=F_WRLCK}) = 0
7 100.001200 fcntl(34, F_SETLK, {l_type=F_UNLCK}) = 0
7 100.001300 sendto(31, [[{nlmsg_type=RTM_NEWLINK}], [{nlmsg_type=RTM_GETLINK}]], 192, 0, NULL, 0) = 192
7 100.002000 openat(AT_FDCWD, "/proc/sys/net/ipv6/conf/eth0/disable_ipv6", O_WRONLY|O_CLOEXEC <unfinished ...>
7 100.002100 sendto(36, [[{nlmsg_type=0x10 /* NLMSG_??? */}], [{nlmsg_type=0x10}], [{nlmsg_type=0x63}]], 32, 0) = 32
7 100.002900 write(29, "HXT\\1\\2\\0", 100) = 100
7 100.009000 sendto(9, [{nlmsg_type=RTM_GETADDR}], 40, 0, NULL, 0) = 40
`;

describe("timelineOf()", () => {
  test("tells what both did, in order, from the launcher's beginning to its end", () => {
    expect(timelineOf({ launcher, agent }).map(({ who, what }) => `${who} ${what}`)).toEqual([
      "launcher begins",
      "launcher connects to the agent",
      "launcher sends the request",
      "agent takes the connection",
      "agent has read the request",
      "agent accepts it",
      "launcher waits to be accepted",
      "agent looks into the lease database",
      "agent netlink: RTM_NEWLINK, RTM_GETLINK",
      "agent sysctl net/ipv6/conf/eth0/disable_ipv6",
      "agent netlink: 2 RTM_NEWLINK, 0x63",
      "agent answers",
      "launcher waits for the answer",
      "launcher prints the result",
      "launcher ends",
    ]);
  });

  test("counts from the beginning, and to the next", () => {
    const [begins, connects] = timelineOf({ launcher, agent });
    expect(begins?.atMs).toBe(0);
    expect(begins?.tookMs).toBeCloseTo(0.5);
    expect(connects?.atMs).toBeCloseTo(0.5);
  });

  test("refuses a trace without a launcher", () => {
    expect(() => timelineOf({ agent })).toThrow("The trace has no launcher that begins and ends");
  });
});
