import { describe, expect, test } from "vitest";
import { describeFindings } from "./findings.ts";
import { readNamespace } from "./parse-namespace.ts";
import { readPod } from "./parse-pod.ts";

const metadata = { namespace: "shop", name: "web-0", uid: "u1", labels: { app: "web" } };

describe("readPod()", () => {
  test.for([
    ["IPv4-only", ["10.1.0.5"]],
    ["IPv6-only", ["2001:db8:0:1::5"]],
    ["dual-stack", ["2001:db8:0:1::5", "10.1.0.5"]],
  ] as const)("keeps of an %s pod what policy looks at", ([, ips]) => {
    const { value, faults, remarks } = readPod({
      metadata: { ...metadata, annotations: { note: "x" }, ownerReferences: [{}] },
      spec: {
        nodeName: "alpha",
        containers: [
          { name: "web", image: "web", ports: [{ containerPort: 9 }, { name: "http", containerPort: 8080 }] },
          {
            name: "dns",
            ports: [
              { name: "dns", containerPort: 53, protocol: "UDP" },
              { name: "http", containerPort: 1 },
            ],
          },
        ],
        initContainers: [
          { name: "sidecar", restartPolicy: "Always", ports: [{ name: "metrics", containerPort: 9090 }] },
          { name: "migrate", ports: [{ name: "gone", containerPort: 7 }] },
        ],
      },
      status: { phase: "Running", podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) },
    });
    expect([...faults, ...remarks]).toEqual([]);
    expect(JSON.parse(JSON.stringify(value))).toEqual({
      ...metadata,
      node: "alpha",
      addresses: ips,
      ports: [
        { name: "http", protocol: "tcp", port: 8080 },
        { name: "dns", protocol: "udp", port: 53 },
        { name: "metrics", protocol: "tcp", port: 9090 },
      ],
    });
  });

  test("knows a pod before it has a node and addresses", () => {
    expect(readPod({ metadata, spec: { containers: [{ name: "a" }] }, status: {} }).value).toEqual({
      ...metadata,
      addresses: [],
      ports: [],
    });
  });

  test("takes podIP from an API that serves no podIPs", () => {
    expect(readPod({ metadata, status: { podIP: "fd00::1" } }).value?.addresses.join()).toBe("fd00::1");
  });

  test.for([
    ["is of the host's network", { spec: { hostNetwork: true } }],
    ["has succeeded", { status: { phase: "Succeeded" } }],
    ["has failed", { status: { phase: "Failed" } }],
  ])("leaves out a pod that %s", ([, rest]) => {
    expect(readPod({ metadata, ...Object(rest) })).toEqual({ faults: [], remarks: [] });
  });

  test("knows a static pod by the uid that the kubelet calls it by", () => {
    const annotations = { "kubernetes.io/config.mirror": "hash" };
    expect(readPod({ metadata: { ...metadata, annotations } }).value?.uid).toBe("hash");
  });

  test("leaves out what it cannot read and says so", () => {
    const reading = readPod({
      metadata,
      spec: {
        containers: [
          {
            ports: [
              { name: "a", containerPort: 1, protocol: "QUIC" },
              { name: "b", containerPort: 2 },
            ],
          },
          "none",
        ],
      },
      status: { podIPs: [{ ip: "nowhere" }, { ip: "fd00::1" }] },
    });
    expect(JSON.parse(JSON.stringify(reading.value))).toMatchObject({
      addresses: ["fd00::1"],
      ports: [{ name: "b", protocol: "tcp", port: 2 }],
    });
    expect(describeFindings(reading).join("; ")).toMatch(
      /^status\.podIPs\[0\]: "nowhere".*; spec\.containers\[0\]\.ports\[0\]\.protocol: "QUIC".*; spec\.containers\[1\]: "none" is not an object$/,
    );
  });

  test("has no value for a pod whose labels cannot be read", () => {
    expect(readPod({ metadata: { ...metadata, labels: ["app"] } }).value).toBeUndefined();
  });
});

describe("readNamespace()", () => {
  test("gives a namespace its name as a label, whatever stands there", () => {
    const labels = { team: "a", "kubernetes.io/metadata.name": "other" };
    expect(readNamespace({ metadata: { name: "shop", labels } })).toEqual({
      value: { name: "shop", labels: { team: "a", "kubernetes.io/metadata.name": "shop" } },
      faults: [],
      remarks: [],
    });
    expect(readNamespace({ metadata: { name: "bare" } }).value?.labels).toEqual({
      "kubernetes.io/metadata.name": "bare",
    });
  });

  test("has no value for what has no name", () => {
    expect(readNamespace({ metadata: {} })).toMatchObject({ faults: [{ path: ["metadata", "name"] }] });
  });
});
