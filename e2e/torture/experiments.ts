// The experiments by name. A new one is a file beside this and a line here.
import { crashEverywhere } from "./crash.ts";
import { database } from "./database.ts";
import type { Experiment } from "./experiment.ts";
import { fuzzing } from "./fuzz.ts";
import { hostilePods } from "./hostile-pods.ts";
import { largeCluster } from "./large-cluster.ts";
import { scale, soak } from "./load.ts";
import { meddling } from "./meddling.ts";
import { modelTest } from "./model/model.ts";
import { overrun } from "./overrun.ts";
import { powerCut } from "./power-cut/power-cut.ts";
import { races } from "./races.ts";
import { kernelRefusals } from "./refusals.ts";
import { slowDisk } from "./slow.ts";
import { storm } from "./storm.ts";

export const experiments: readonly Experiment[] = [
  { name: "crash", about: "kills executable and agent at every system call of ADD and DEL", run: crashEverywhere },
  { name: "storm", about: "kills calls and agents at random under 16 runtimes", run: storm },
  { name: "database", about: "loses, damages, fills and reboots what lies below the leases", run: database },
  { name: "power", about: "cuts the power at every write of the lease database", run: powerCut },
  { name: "races", about: "calls for one attachment at the same moment, by agent and executable", run: races },
  { name: "refusals", about: "fails system calls with ENOBUFS, EINTR, ENOMEM, EIO and more", run: kernelRefusals },
  { name: "slow", about: "delays writes of the lease database, and holds its lock for long", run: slowDisk },
  { name: "meddling", about: "deletes, renames and moves what is made, between any two requests", run: meddling },
  { name: "pods", about: "lets pods with NET_ADMIN change what is theirs before they end", run: hostilePods },
  { name: "overrun", about: "tells an agent more than it can hear", run: overrun },
  {
    name: "model",
    about: "random histories of everything, compared with a plain model after each step",
    run: modelTest,
  },
  { name: "fuzz", about: "bytes that nobody means, wherever bytes of others come in, for --minutes", run: fuzzing },
  {
    name: "cluster",
    about: "changes among --nodes nodes with ten pods each, by their API, with --pods pods here, for --seconds",
    run: largeCluster,
  },
  { name: "scale", about: "as many pods as --pods, twice; memory and descriptors of the agent", run: scale },
  { name: "soak", about: "changes among --nodes nodes, and agents replaced under a stream, for --seconds", run: soak },
];
