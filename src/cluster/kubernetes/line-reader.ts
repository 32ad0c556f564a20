// Cuts a stream of bytes into lines, as a watch sends them: one JSON object each. A line without its end is no line: a server that
// dies in the middle of one sends it again to whoever asks again.

const newline = 0x0a;
/** An object of Kubernetes has at most 1.5 MB (etcd's limit), and an event has one object. */
const maxLineBytes = 16 * 1024 * 1024;

export class LineReader {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** The lines that this chunk completes, without those that are empty. */
  push(chunk: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const line = this.#complete(chunk.subarray(from, at));
      if (line.trim() !== "") lines.push(line);
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  #complete(last: Uint8Array): string {
    const line = Buffer.concat([...this.#parts, last]).toString("utf8");
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }

  #keep(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > maxLineBytes) throw new SyntaxError(`a line has more than ${maxLineBytes} bytes`);
    this.#parts.push(Uint8Array.from(part));
  }
}
