// The programs these tests drive, and where each comes from. A missing one fails a test with the name of its Debian package; a
// test that skips itself would pass on a machine where nothing was tried.
import { existsSync } from "node:fs";

const packages = {
  "/bin/busybox": "busybox-static",
  "/sbin/ip": "iproute2",
  "/usr/bin/conmon": "conmon",
  "/usr/bin/containerd": "containerd",
  "/usr/bin/crun": "crun",
  "/usr/bin/ctr": "containerd",
  "/usr/bin/nsenter": "util-linux",
  "/usr/bin/podman": "podman",
  "/usr/bin/unshare": "util-linux",
  "/usr/lib/cni/bandwidth": "containernetworking-plugins",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  "/usr/lib/cni/host-local": "containernetworking-plugins",
  "/usr/lib/cni/firewall": "containernetworking-plugins",
  "/usr/lib/cni/ipvlan": "containernetworking-plugins",
  "/usr/lib/cni/macvlan": "containernetworking-plugins",
  "/usr/lib/cni/ptp": "containernetworking-plugins",
  "/usr/lib/cni/portmap": "containernetworking-plugins",
  "/usr/lib/cni/tuning": "containernetworking-plugins",
  "/usr/sbin/iptables-save": "iptables",
  "/usr/sbin/nft": "nftables",
  "/usr/sbin/runc": "runc",
} as const;
export type Program = keyof typeof packages;

/** Throws one error that names every missing program and its package. */
export function demand(...programs: readonly Program[]): void {
  if (process.getuid?.() !== 0) throw new Error("These tests make namespaces and mounts: run them as root");
  const missing = programs.filter((program) => !existsSync(program));
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((program) => packages[program]))].join(" ");
  throw new Error(`Missing ${missing.join(", ")}: on Debian run apt-get install ${names}`);
}
