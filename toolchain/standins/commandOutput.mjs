// What a command prints: kept apart for the outputs, together for an error, and shown while it runs.
import { StringDecoder } from "node:string_decoder";

/** @typedef {"stdout" | "stderr"} Stream */

/**
 * @param {import("./engineLink.mjs").Log} log
 * @param {string | undefined} logging which streams the user sees: "stdout", "stderr", "stdoutAndStderr" or "none"
 */
export function createCapture(log, logging = "stdoutAndStderr") {
  const shown = { stdout: logging.startsWith("stdout"), stderr: /stderr$/i.test(logging) };
  const chunks = { stdout: /** @type {Buffer[]} */ ([]), stderr: /** @type {Buffer[]} */ ([]) };
  /** @type {Buffer[]} */
  const together = [];
  const lines = lineSplitter(log.status);
  /** @param {Stream} stream */
  const text = (stream) => Buffer.concat(chunks[stream]).toString().replace(/\n$/, "");
  return {
    /** @param {Stream} stream @param {Buffer} chunk */
    add(stream, chunk) {
      chunks[stream].push(chunk);
      together.push(chunk);
      if (shown[stream]) lines.add(chunk);
    },
    end: () => lines.end(),
    outputs: () => ({ stdout: text("stdout"), stderr: text("stderr") }),
    /** Both streams in the order they came. */
    transcript: () => Buffer.concat(together).toString(),
  };
}

/** @param {(line: string) => void} show */
function lineSplitter(show) {
  const decoder = new StringDecoder();
  let rest = "";
  return {
    /** @param {Buffer} chunk */
    add(chunk) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) show(line.replace(/\r$/, ""));
    },
    end() {
      if (rest !== "") show(rest);
      rest = "";
    },
  };
}

/**
 * The previous run's output, which a command may find in its environment.
 * @param {{ stdout?: string, stderr?: string }} previous
 * @returns {Record<string, string>}
 */
export function previousOutput({ stdout, stderr }) {
  return {
    ...(stdout ? { PULUMI_COMMAND_STDOUT: stdout } : {}),
    ...(stderr ? { PULUMI_COMMAND_STDERR: stderr } : {}),
  };
}
