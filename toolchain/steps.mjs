/**
 * Shows a long step and its time: `✔ packages (npm ci)  12.3 s`.
 * On a terminal the line is there while the step runs, with the seconds so far; elsewhere it is printed at the start
 * and at the end. Work that returns `false` had nothing to do: its line is not shown.
 *
 * @template T
 * @callback Step
 * @param {string} title
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */

/**
 * @param {NodeJS.WriteStream} out
 * @returns {<T>(title: string, work: () => T | Promise<T>) => Promise<T>}
 */
export function stepsOn(out) {
  const mark = (/** @type {string} */ sign, /** @type {string} */ colour) =>
    out.isTTY && !process.env.NO_COLOR ? `\x1b[${colour}m${sign}\x1b[0m` : sign;
  return async (title, work) => {
    const start = performance.now();
    const passed = () => ((performance.now() - start) / 1000).toFixed(1);
    const show = () => out.write(`\r\x1b[K${mark("…", "33")} ${title}  ${Math.floor(Number(passed()))} s`);
    // A step that is over at once shows one line only.
    const opening = setTimeout(() => (out.isTTY ? show() : out.write(`… ${title}\n`)), 300);
    const ticking = out.isTTY ? setInterval(show, 1000) : undefined;
    let sign = mark("✘", "31");
    try {
      const result = await work();
      sign = result === false ? "" : mark("✔", "32");
      return result;
    } finally {
      clearTimeout(opening);
      clearInterval(ticking);
      if (out.isTTY) out.write("\r\x1b[K");
      if (sign) out.write(`${sign} ${title}  ${passed()} s\n`);
    }
  };
}

/** Messages and steps go to stderr, so that stdout holds results only. */
export const step = stepsOn(process.stderr);

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`);
}
