/** Shows a long step and its time: `✔ packages (npm ci)  12.3 s`. */
export type Step = <T>(title: string, work: () => T | Promise<T>) => Promise<T>;

/**
 * On a terminal the line is updated every second while the step runs, with the titles of all that run. Elsewhere it is
 * printed at the start, unless the step ends at once, and at the end.
 */
export function stepsOn(out: NodeJS.WriteStream): Step {
  const coloured = (sign: string, colour: string) =>
    out.isTTY && !process.env.NO_COLOR ? `\x1b[${colour}m${sign}\x1b[0m` : sign;
  const running = new Set<string>();
  return async (title, work) => {
    running.add(title);
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    const show = () =>
      out.write(`\r\x1b[K${coloured("…", "33")} ${[...running].join(", ")}  ${Math.floor(seconds())} s`);
    const opening = setTimeout(() => (out.isTTY ? show() : out.write(`… ${title}\n`)), 300);
    const ticking = out.isTTY ? setInterval(show, 1000) : undefined;
    let sign = coloured("✘", "31");
    try {
      const result = await work();
      sign = coloured("✔", "32");
      return result;
    } finally {
      clearTimeout(opening);
      clearInterval(ticking);
      running.delete(title);
      out.write(`${out.isTTY ? "\r\x1b[K" : ""}${sign} ${title}  ${seconds().toFixed(1)} s\n`);
    }
  };
}

/** Steps and messages go to stderr: stdout holds results only. */
export const step = stepsOn(process.stderr);

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
