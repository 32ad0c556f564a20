// What of the host itself gets in the way: its kernel, its clock, its disk and its limits.
import type { Facts } from "../facts.ts";
import { type Check, command, type Finding, problem, sysctl, warning } from "../finding.ts";
import { known } from "../reading.ts";
import { nodeOf } from "../view.ts";

const kernelVersion: Check = {
  id: "kernel-version",
  why: "IPv4 by routers of IPv6 needs Linux 5.2, and nftables' sets of pairs 5.6",
  look(facts) {
    const { release } = known(facts.machine);
    const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
    const version = major * 1000 + minor;
    if (version >= 5006) return [];
    const seen = `The kernel is ${release}`;
    const fix = command("install a kernel of 5.10 or later, and start it");
    return [version < 5002 ? problem(seen, fix) : warning(seen, fix)];
  },
};

const kernelModules: Check = {
  id: "kernel-modules",
  why: "nodes off this link are reached by VXLAN, which the kernel must have or be able to load",
  look(facts) {
    const wanted = nodeOf(facts).tunnels;
    const there = known(facts.tunnels);
    if (wanted.every(({ underlay }) => there[underlay] !== undefined)) return [];
    const { present, loadable } = known(facts.modules);
    if (present.has("vxlan") || loadable === undefined || loadable.has("vxlan")) return [];
    const seen = `The kernel ${known(facts.machine).release} has no vxlan, neither built in nor as a module`;
    return [problem(seen, command("apt-get install linux-modules-extra-$(uname -r) && modprobe vxlan"))];
  },
};

const toleranceMs = 60_000;
/** Nothing of Hextet is older: a host that believes so starts with an empty battery. */
const earliestMs = Date.UTC(2025, 0);
const setClock = command("timedatectl set-ntp true; chronyc makestep");

const clock: Check = {
  id: "clock",
  why: "leases, cool-downs and certificates go by the clock: one that jumps makes addresses free too early or never",
  look(facts) {
    const { nowMs, bootedAtMs, newestFile } = known(facts.machine);
    const found: Finding[] = [];
    if (nowMs < earliestMs) found.push(problem(`The clock says ${time(nowMs)}`, setClock));
    if (bootedAtMs > nowMs + toleranceMs) {
      found.push(
        problem(`The host was started in the future: at ${time(bootedAtMs)}, and it is ${time(nowMs)}`, setClock),
      );
    }
    if (newestFile !== undefined && newestFile.changedAtMs > nowMs + toleranceMs) {
      const { path, changedAtMs } = newestFile;
      found.push(
        problem(`${path} was changed in the future: at ${time(changedAtMs)}, and it is ${time(nowMs)}`, setClock),
      );
    }
    return found;
  },
};

const apiClock: Check = {
  id: "api-clock",
  why: "tokens and certificates of Kubernetes are refused by who lives in another time",
  look(facts) {
    const ahead = known(facts.aheadOfServerMs);
    if (ahead === undefined || Math.abs(ahead) <= toleranceMs) return [];
    const seconds = Math.round(Math.abs(ahead) / 1000);
    return [problem(`The clock is ${seconds} seconds ${ahead > 0 ? "ahead of" : "behind"} the API server's`, setClock)];
  },
};

function time(ms: number): string {
  return new Date(ms).toISOString();
}

const mebibyte = 1 << 20;

const disk: Check = {
  id: "disk",
  why: "a pod can only be attached where its lease can be written",
  look(facts) {
    const { directory, freeBytes, freeInodes, readOnly } = known(facts.disk);
    const look = command(`df -h ${directory}; df -i ${directory}`);
    if (readOnly)
      return [
        problem(
          `${directory} is on a file system that is read-only`,
          command(`mount -o remount,rw $(df --output=target ${directory} | tail -n1)`),
        ),
      ];
    const found: Finding[] = [];
    if (freeBytes < 64 * mebibyte) {
      const seen = `${Math.floor(freeBytes / 1024)} KiB are free for ${directory}`;
      found.push(freeBytes < mebibyte ? problem(seen, look) : warning(seen, look));
    }
    if (freeInodes !== undefined && freeInodes < 1000) {
      const seen = `${freeInodes} inodes are free for ${directory}`;
      found.push(freeInodes < 16 ? problem(seen, look) : warning(seen, look));
    }
    return found;
  },
};

const inotify: Check = {
  id: "inotify",
  why: "without a watch the agent and the container runtime see changed files seconds later, or never",
  look: (facts) => [...tooFewInstances(facts), ...tooFewWatches(facts)],
};

function tooFewInstances(facts: Facts): Finding[] {
  const { instances, maxInstances } = known(facts.inotify);
  if (instances * 10 < maxInstances * 9) return [];
  const seen = `${instances} of ${maxInstances} inotify instances of root are in use`;
  return [warning(seen, sysctl("fs/inotify/max_user_instances", Math.max(1024, maxInstances * 4)))];
}

function tooFewWatches(facts: Facts): Finding[] {
  const { maxWatches } = known(facts.inotify);
  if (maxWatches >= 8192) return [];
  return [warning(`fs.inotify.max_user_watches is ${maxWatches}`, sysctl("fs/inotify/max_user_watches", 65_536))];
}

export const machineChecks: readonly Check[] = [kernelVersion, kernelModules, clock, apiClock, disk, inotify];
