import { describe, expect, test } from "vitest";
import { parseCniArgs } from "./args.ts";
import { CniError } from "./cni-error.ts";

const asked = (text: string) =>
  parseCniArgs(text).ips?.map(({ address, length }) => `${address}${length === undefined ? "" : `/${length}`}`);

describe("parseCniArgs()", () => {
  test("G9 reads K=V;K=V: the pod as kubelet's runtimes name it", () => {
    const text =
      "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u1;OTHER=x";
    expect(parseCniArgs(text)).toEqual({
      pod: { namespace: "shop", name: "web-0", uid: "u1", infraContainerId: "c1" },
    });
  });

  test.for(["", ";", "IgnoreUnknown=1", "IP=", "K8S_POD_NAME=web-0", "K8S_POD_NAMESPACE=;K8S_POD_NAME=web-0"])(
    "G9 finds nothing asked for in %j",
    (text) => {
      expect(parseCniArgs(text)).toEqual({});
    },
  );

  test.for([
    ["IP=10.0.0.5", ["10.0.0.5"]],
    ["IP=10.0.0.5/24", ["10.0.0.5/24"]],
    ["IP=fd00::5", ["fd00::5"]],
    ["IP=fd00::5/64;", ["fd00::5/64"]],
    ["IP=fd00::5,10.0.0.5/24", ["fd00::5", "10.0.0.5/24"]],
    ["IP=10.0.0.1;IP=10.0.0.2", ["10.0.0.2"]],
  ] as const)("G9 reads the addresses of %j", ([text, ips]) => {
    expect(asked(text)).toEqual(ips);
  });

  test("G9 reads a MAC", () => {
    expect(parseCniArgs("MAC=02:AB:00:00:00:01").mac?.toString()).toBe("02:ab:00:00:00:01");
  });

  test.for(["1", "true", "True", "TRUE"])("G9 honours IgnoreUnknown=%s, wherever it stands", (value) => {
    expect(parseCniArgs(`FOO=BAR;IgnoreUnknown=${value}`)).toEqual({});
  });

  test.for([
    ["FOO=BAR;ABC=123", "CNI_ARGS: FOO, ABC are unknown; leave that out, or add IgnoreUnknown=1"],
    ["FOO=BAR;IgnoreUnknown=0", "CNI_ARGS: FOO is unknown"],
    ["K8S_POD_NAMES=x", "did you mean K8S_POD_NAME"],
    ["ip=fd00::5", "did you mean IP"],
    ["IgnoreUnknown=yes", 'IgnoreUnknown is "yes"; write 1 or 0'],
    ["IP", '"IP" is no pair; write K=V;K=V'],
    ["=x", '"=x" is no pair'],
    ["IP=x", 'CNI_ARGS: IP: "x" is not an IP address'],
    ["IP=10.0.0.5/33", "has a bad prefix length"],
    ["IP=ff02::1", "ff02::1 is a multicast address, which no container can have"],
    ["IP=127.0.0.1", "127.0.0.1 is a loopback address"],
    ["IP=::", ":: is the unspecified address"],
    ["MAC=02:00", "is not a MAC address"],
    ["MAC=01:00:5e:00:00:01", "is a group's address"],
    ["MAC=00:00:00:00:00:00", "it is all zero"],
  ] as const)("G9 refuses %j with code 4 and says %j", ([text, words]) => {
    try {
      parseCniArgs(text);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      expect(error.code).toBe(4);
      expect(error.message).toContain(words);
      expect(error.message).toMatch(/^CNI_ARGS: /);
    }
  });
});
