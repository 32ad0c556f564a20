// What is said of a node in one line: that it is ready, or all that stands in the way. The kubelet shows it to people who describe the
// agent's pod, in an event.

export interface ReadyAnswer {
  readonly exitCode: 0 | 1;
  readonly stdout: string;
}

/** `faults` are sentences without a full stop. */
export function readyAnswer(faults: readonly string[]): ReadyAnswer {
  if (faults.length === 0) return { exitCode: 0, stdout: "ready\n" };
  return { exitCode: 1, stdout: `${faults.join(". ").replaceAll("\n", " ")}\n` };
}
