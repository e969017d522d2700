import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** Status and text of an answer. */
export interface Answer {
  status: number;
  text: string;
}

/** Requests a page once, on a connection of its own. (`fetch` does not take a Host header.) */
export function httpGet(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers, timeout: 10_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 10 seconds")));
    request.on("error", reject);
  });
}

export interface LoadResult {
  answered: number;
  /** Answers with another status than 200, and errors. */
  failures: string[];
  /** The different texts of the answers, in the order of their first appearance. */
  texts: string[];
}

/** Milliseconds that a reader waits between two requests. */
export const pauses = {
  /** For what switches from one release to another, which must not drop any of many. */
  dense: 10,
  /** For what must leave the page alone: many requests take half a processor from what they watch. */
  sparse: 100,
};

/**
 * Requests a page on 127.0.0.1 all the time that `work` takes, and a little longer: a few readers, for at most five
 * minutes.
 */
export async function underLoad(
  url: string,
  work: () => Promise<unknown>,
  pauseMilliseconds = pauses.dense,
): Promise<LoadResult> {
  const result: LoadResult = { answered: 0, failures: [], texts: [] };
  const deadline = Date.now() + 300_000;
  let isOver = false;
  const reader = async () => {
    while (!isOver && Date.now() < deadline) {
      try {
        const { status, text } = await httpGet(url);
        if (status === 200) result.answered += 1;
        else result.failures.push(`status ${status}`);
        if (status === 200 && !result.texts.includes(text)) result.texts.push(text);
      } catch (error) {
        result.failures.push(String(error));
      }
      await pause(pauseMilliseconds);
    }
  };
  const readers = [reader(), reader(), reader(), reader()];
  try {
    await work();
    const answered = result.answered;
    while (result.answered < answered + 20 && result.failures.length === 0 && Date.now() < deadline) await pause(10);
  } finally {
    isOver = true;
    await Promise.all(readers);
  }
  return result;
}
