// A process of its own that attaches one pod to the bridge, for tests of several at the same moment:
// `node test-attach.ts NODE POD NUMBER`, the first two being paths of namespaces.
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { attach } from "./attach.ts";
import { bridge, sample, severalOfEach } from "./sample-networks.ts";

const [node = "", pod = "", number = "2"] = process.argv.slice(2);
await attach(inside(linux, linux.namespace(node)), sample(Number(number), severalOfEach, { mode: bridge }), pod);
