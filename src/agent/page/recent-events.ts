// What the agent told its log lately, for people who have no log at hand: changes and faults, a bounded number of them, each of a bounded
// length. What is told again and again is one event that is counted.
import { createLog, type Level, type Log } from "../../log/log.ts";

export interface RecentEvent {
  readonly time: string;
  readonly level: Level;
  readonly message: string;
  /** The line's other fields as they were written; absent where there were none. */
  readonly fields?: string;
  /** How often it was told, where it was more than once in a row. */
  readonly times?: number;
}

const mostEvents = 200;
const longestFields = 600;

export class RecentEvents {
  readonly #now: (() => Date) | undefined;
  #events: RecentEvent[] = [];

  constructor(now?: () => Date) {
    this.#now = now;
  }

  /** The newest first. */
  get newestFirst(): readonly RecentEvent[] {
    return this.#events.toReversed();
  }

  /** The log, and everything from info on that is written to it is an event as well. */
  heard(log: Log): Log {
    const write = (line: string) => this.#take(JSON.parse(line));
    return both(log, createLog({ write, ...(this.#now === undefined ? {} : { now: this.#now }) }));
  }

  #take({ time, level, message, ...rest }: Pick<RecentEvent, "time" | "level" | "message">): void {
    const text = Object.entries(rest)
      .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join("; ");
    const fields = text.length > longestFields ? `${text.slice(0, longestFields)} …` : text;
    const last = this.#events.at(-1);
    const isAgain = last?.message === message && last.level === level && (last.fields ?? "") === fields;
    const times = isAgain ? (last.times ?? 1) + 1 : 1;
    const event = { time, level, message, ...(fields !== "" && { fields }), ...(times > 1 && { times }) };
    this.#events = [...(isAgain ? this.#events.slice(0, -1) : this.#events), event].slice(-mostEvents);
  }
}

function both(one: Log, other: Log): Log {
  const at =
    (level: Level): Log["info"] =>
    (message, fields) => {
      one[level](message, fields);
      other[level](message, fields);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    with: (fields) => both(one.with(fields), other.with(fields)),
  };
}
