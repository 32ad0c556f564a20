import { describe, expect, test } from "vitest";
import { ConfigError } from "../config/config-error.ts";
import { Address } from "../ip/address.ts";
import { CniError } from "./cni-error.ts";
import { readRuntimeConfig, refuseUnknownCapabilities } from "./runtime-config.ts";

describe("readRuntimeConfig()", () => {
  test("is empty where nothing is handed over", () => {
    expect(readRuntimeConfig({})).toEqual({});
  });

  test.for([
    ["v4", ["192.168.0.1", "10.10.0.1/24"]],
    ["v6", ["3ffe:ffff:0:1ff::2", "3ffe:ffff:0:1ff::1/64"]],
    ["dual", ["10.10.0.1/24", "3ffe:ffff:0:1ff::2"]],
  ] as const)("reads ips with and without a prefix length, %s", ([, ips]) => {
    const read = readRuntimeConfig({ ips }).ips ?? [];
    expect(read.map(({ address, length }) => (length === undefined ? `${address}` : `${address}/${length}`))).toEqual(
      ips,
    );
  });

  test("reads port mappings as the conventions write them", () => {
    const portMappings = [
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 8000, containerPort: 8001, protocol: "udp", hostIP: "fd00::1" },
      { hostPort: 9, containerPort: 9, protocol: "SCTP", hostIP: "" },
      { hostPort: 10, containerPort: 10 },
    ];
    expect(readRuntimeConfig({ portMappings }).portMappings).toEqual([
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 8000, containerPort: 8001, protocol: "udp", hostIp: Address.parse("fd00::1") },
      { hostPort: 9, containerPort: 9, protocol: "sctp" },
      { hostPort: 10, containerPort: 10, protocol: "tcp" },
    ]);
  });

  test("reads port mappings, bandwidth and dns as containerd writes them, in Go's names", () => {
    const written = {
      portMappings: [{ HostPort: 8080, ContainerPort: 80, Protocol: "tcp", HostIP: "10.0.0.1" }],
      bandwidth: { IngressRate: 1000, IngressBurst: 4294967295, EgressRate: 0, EgressBurst: 0 },
      dns: { Servers: ["fd00::53"], Searches: ["svc.cluster.local"], Options: ["ndots:5"] },
    };
    expect(readRuntimeConfig(written)).toEqual({
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", hostIp: Address.parse("10.0.0.1") }],
      bandwidth: { ingressRate: 1000, ingressBurst: 4294967295 },
      dns: { nameservers: ["fd00::53"], search: ["svc.cluster.local"], options: ["ndots:5"] },
    });
  });

  test("leaves out a mapping of host port 0, which asks for none", () => {
    expect(readRuntimeConfig({ portMappings: [{ hostPort: 0, containerPort: 80 }] }).portMappings).toEqual([]);
  });

  test("takes a rate of 0 for no limit", () => {
    expect(readRuntimeConfig({ bandwidth: { ingressRate: 0, ingressBurst: 5, egressRate: 7 } }).bandwidth).toEqual({
      egressRate: 7,
    });
  });

  test.for(["podAnnotations", "io.kubernetes.cri.pod-annotations"])("reads annotations handed over as %s", (key) => {
    expect(readRuntimeConfig({ [key]: { "hextet.dev/ips": "fd00::5" } }).podAnnotations).toEqual({
      "hextet.dev/ips": "fd00::5",
    });
  });

  test("reads mac, cgroupPath, and leaves ipRanges to whoever knows ranges", () => {
    const ipRanges = [[{ subnet: "10.1.2.0/24", rangeStart: "10.1.2.3" }]];
    const read = readRuntimeConfig({ mac: "C2:11:22:33:44:55", cgroupPath: "/kubelet.slice", ipRanges });
    expect(read).toMatchObject({ cgroupPath: "/kubelet.slice", ipRanges });
    expect(read.mac?.toString()).toBe("c2:11:22:33:44:55");
  });

  test.for([
    [{ ips: ["10.0.0.300"] }, "runtimeConfig.ips[0]"],
    [{ ips: "10.0.0.3" }, "runtimeConfig.ips"],
    [{ ips: ["ff02::1"] }, "runtimeConfig.ips[0]"],
    [{ mac: "c2:11" }, "runtimeConfig.mac"],
    [{ mac: "01:00:5e:00:00:01" }, "runtimeConfig.mac"],
    [{ portMappings: [{ hostPort: 65536, containerPort: 80 }] }, "runtimeConfig.portMappings[0].hostPort"],
    [{ portMappings: [{ hostPort: "80", containerPort: 80 }] }, "runtimeConfig.portMappings[0].hostPort"],
    [{ portMappings: [{ hostPort: 80, containerPort: 0 }] }, "runtimeConfig.portMappings[0].containerPort"],
    [{ portMappings: [{ hostPort: 80 }] }, "runtimeConfig.portMappings[0].containerPort"],
    [
      { portMappings: [{ hostPort: 80, containerPort: 80, protocol: "icmp" }] },
      "runtimeConfig.portMappings[0].protocol",
    ],
    [{ portMappings: [{ hostPort: 80, containerPort: 80, hostIP: "any" }] }, "runtimeConfig.portMappings[0].hostIP"],
    [{ portMappings: {} }, "runtimeConfig.portMappings"],
    [{ bandwidth: { ingressRate: -1 } }, "runtimeConfig.bandwidth.ingressRate"],
    [{ bandwidth: [] }, "runtimeConfig.bandwidth"],
    [{ dns: { servers: "fd00::53" } }, "runtimeConfig.dns.servers"],
    [{ ipRanges: [{}] }, "runtimeConfig.ipRanges[0]"],
    [{ cgroupPath: 5 }, "runtimeConfig.cgroupPath"],
    [{ podAnnotations: { a: 1 } }, "runtimeConfig.podAnnotations.a"],
    [{ "io.kubernetes.cri.pod-annotations": 1 }, 'runtimeConfig["io.kubernetes.cri.pod-annotations"]'],
    [[], "runtimeConfig"],
    ["x", "runtimeConfig"],
  ] as const)("refuses %j and names %s", ([input, path]) => {
    try {
      readRuntimeConfig(input);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.path).toBe(path);
    }
  });
});

describe("refuseUnknownCapabilities()", () => {
  test("G6 refuses a capability nobody acts on with code 2, its key and its value", () => {
    try {
      refuseUnknownCapabilities({ ips: [], infinibandGUID: "c2:11:22:33:44:55:66:77" });
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      expect(error.code).toBe(2);
      expect(error.message).toBe('runtimeConfig.infinibandGUID: "c2:11:22:33:44:55:66:77" is not supported');
      expect(error.details).toBe("Take the capability out of the configuration");
    }
  });

  test("says which capability a mistyped one resembles", () => {
    try {
      refuseUnknownCapabilities({ portMapping: [] });
      expect.unreachable();
    } catch (error) {
      expect(error instanceof CniError ? error.details : error).toBe("Did you mean portMappings");
    }
  });
});
