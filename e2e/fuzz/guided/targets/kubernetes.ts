// What an API server sends, or whoever sits at its address: lists and watch streams of every kind of object that is read. The reflector
// goes on whatever comes; what cannot be read it calls garbled, and a defect of ours it would call a lost connection.
import type { ApiRequest } from "../../../../src/cluster/kubernetes/api-client.ts";
import type { ApiFailure } from "../../../../src/cluster/kubernetes/api-failure.ts";
import { nodeResource } from "../../../../src/cluster/kubernetes/node-resource.ts";
import {
  namespaceResource,
  networkPolicyResource,
  podResource,
} from "../../../../src/cluster/kubernetes/policy-resources.ts";
import { Reflector } from "../../../../src/cluster/kubernetes/reflector.ts";
import type { Resource } from "../../../../src/cluster/kubernetes/resource.ts";
import { changeValue } from "../json-mutation.ts";
import { changeLines } from "../line-mutation.ts";
import type { Mutator } from "../mutation.ts";
import { Finding, type Target } from "../target.ts";
import { kubernetesDictionary, listSeeds, watchSeeds } from "./kubernetes-samples.ts";

export const openList = () => openAs(listSeeds(), [changeValue], async (input) => await reflect([input]));

export const openWatch = () =>
  openAs(watchSeeds(), [changeEvent, changeLines], async (input) => await reflect([emptyList, input]));

const emptyList = Buffer.from('{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}');

async function openAs(seeds: readonly Uint8Array[], mutators: readonly Mutator[], run: Target["run"]): Promise<Target> {
  return { seeds, dictionary: kubernetesDictionary, mutators, run, [Symbol.asyncDispose]: async () => {} };
}

/** One of the lines of a stream. */
const changeEvent: Mutator = (input, context) => {
  const lines = Buffer.from(input).toString("utf8").split("\n");
  const at = context.chance.below(lines.length);
  const changed = changeValue(Buffer.from(lines[at] ?? ""), context);
  return Buffer.from(lines.with(at, Buffer.from(changed).toString("utf8")).join("\n"));
};

async function reflect(answers: readonly Uint8Array[]): Promise<void> {
  const resources = [nodeResource, podResource(), namespaceResource, networkPolicyResource];
  for (const resource of resources) await reflectAs<unknown>(resource, answers);
}

async function reflectAs<T>(resource: Resource<T>, answers: readonly Uint8Array[]): Promise<void> {
  const over = new AbortController();
  const left = [...answers];
  const get = async (_request: ApiRequest): Promise<AsyncIterable<Uint8Array>> => {
    const answer = left.shift();
    if (answer === undefined) over.abort();
    return pieces(answer ?? new Uint8Array());
  };
  const failures: ApiFailure[] = [];
  const reflector = new Reflector({
    resource,
    client: { get },
    // Nothing is waited for; a watch has no time to prove itself.
    clock: { now: () => 0, sleep: async () => {} },
    random: () => 0.5,
    onChange: () => {},
    onFailure: (failure) => failure !== undefined && failures.push(failure),
    onRemarks: (key, remarks) => judgeRemarks(key, remarks),
  });
  await reflector.run(over.signal);
  for (const failure of failures) judgeFailure(failure);
}

/** Wherever the network cuts it. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = 1 + (bytes.length % 61) * 16;
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function judgeFailure({ kind, message, cause }: ApiFailure): void {
  if (kind === "unreachable" && cause instanceof Error) throw cause;
  if (!message.startsWith("Cannot ")) throw new Finding(`It does not say what failed: ${message}`);
}

function judgeRemarks(key: string, remarks: readonly string[]): void {
  for (const remark of remarks) if (!/^\S.*: ?./s.test(remark)) throw new Finding(`A remark on ${key}: ${remark}`);
}
