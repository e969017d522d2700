import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** What a reader got: an answer's status and text, or what went wrong. */
export interface Answer {
  status: number;
  text: string;
}

/** Asks a page once, on a connection of its own. (`fetch` would not take a Host header.) */
export function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
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
  /** Answers that were not wanted, and errors. */
  failures: string[];
  /** Texts that came, in the order they first came. */
  texts: string[];
}

/**
 * Asks a page on 127.0.0.1 all the time that `work` takes, and a little longer: a few readers, each with a pause
 * between its questions, for at most five minutes.
 */
export async function underLoad(url: string, work: () => Promise<unknown>): Promise<LoadResult> {
  const result: LoadResult = { answered: 0, failures: [], texts: [] };
  const deadline = Date.now() + 300_000;
  let isOver = false;
  const reader = async () => {
    while (!isOver && Date.now() < deadline) {
      try {
        const { status, text } = await ask(url);
        if (status === 200) result.answered += 1;
        else result.failures.push(`status ${status}`);
        if (status === 200 && !result.texts.includes(text)) result.texts.push(text);
      } catch (error) {
        result.failures.push(String(error));
      }
      await pause(10);
    }
  };
  const readers = [reader(), reader(), reader(), reader()];
  try {
    await work();
    const asked = result.answered;
    while (result.answered < asked + 20 && result.failures.length === 0 && Date.now() < deadline) await pause(10);
  } finally {
    isOver = true;
    await Promise.all(readers);
  }
  return result;
}
