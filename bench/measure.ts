// Samples, and ratios of them.

/** Of one round. */
export interface Sample {
  seconds: number;
  cpuSeconds?: number;
}

/** The samples of each round, for what is measured and for what it is compared with. */
export interface Measurement {
  product: Sample[];
  baseline: Sample[];
}

export async function secondsOf(action: () => Promise<unknown>): Promise<Sample> {
  const start = performance.now();
  await action();
  return { seconds: (performance.now() - start) / 1000 };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

export function report(title: string, { product, baseline }: Measurement, goal?: number): void {
  const ratio = (of: (sample: Sample) => number) =>
    median(product.map((sample, round) => of(sample) / of(baseline[round] ?? { seconds: NaN }))).toFixed(2);
  const list = (samples: readonly Sample[]) => samples.map(({ seconds }) => seconds.toFixed(1)).join(" ");
  const target = goal === undefined ? "" : ` (goal: at most ${goal})`;
  const cpu = product[0]?.cpuSeconds === undefined ? "" : `, in CPU time ${ratio((it) => it.cpuSeconds ?? NaN)}`;
  console.log(
    `${title}: ratio ${ratio((it) => it.seconds)}${target}${cpu}; ${list(product)} s, baseline ${list(baseline)} s`,
  );
}
