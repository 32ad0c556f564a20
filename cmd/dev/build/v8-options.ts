// What V8 is told by the launcher, program by program, through the option that Node's single executable applications have for it
// (`--node-options`). A hash of these options goes into bytecode, so it is compiled under the very same.

/** The executable is over after some forty milliseconds, most of them V8's own; what each option brings: docs/performance.md. */
export const hextetOptions: readonly string[] = [
  // Hash tables come as they are in V8's own snapshot, with its seed. Who could fill one with keys that collide has written the
  // network's configuration; the agent, which keeps what users name in tables for long, has a seed of its own.
  "--no-rehash-snapshot",
  // No garbage is collected before the end. Pages that are not touched take no memory.
  "--min-semi-space-size=16",
  // No machine code for what runs once. Long loops still come to be optimized.
  "--no-sparkplug",
  "--no-maglev",
];
