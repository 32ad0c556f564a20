// One page by HTTP, whoever serves it: what listens there may be no agent, or one that hangs, so that both its time and its length have
// an end. What it says, and what it means that nothing came, whoever asks knows.
import { get } from "node:http";

export interface Downloaded {
  readonly status: number;
  readonly text: string;
}

const longestAnswer = 1_048_576;

/** Throws where no whole answer came, and an AbortError where the signal was first. */
export function download(url: string, signal: AbortSignal): Promise<Downloaded> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > longestAnswer) request.destroy(new Error(`more than ${longestAnswer} bytes came`));
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    // Nothing else tells of one who switches to another protocol.
    request.on("close", () => reject(new Error("the connection was closed before all of the answer had come")));
  });
}
