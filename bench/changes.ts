// What a change of one line takes until it is live, for an app with 20 MB that compress no further.
import { randomBytes } from "node:crypto";
import { prepared, testPlatforms } from "../test/support/platforms";
import { Product } from "../test/support/product";
import { median, secondsOf } from "./measure";

const size = 20_000_000;
const app = (line: string) => `# ${line}
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"big"]
`;
/** Packages of Python alone, each of which installs on every platform. */
const packages = ["six", "itsdangerous==1.1.0", "click==7.1.2", "idna==2.10", "chardet==3.0.4", "pytz==2021.1"];

/** @param rounds how often each kind of change is made */
export async function changes(rounds: number): Promise<void> {
  for (const test of testPlatforms) {
    const server = await test.server();
    if ("reason" in server) {
      console.log(`${test.title}: skipped: ${String(server.reason)}`);
      continue;
    }
    const product = await Product.make({}, { ...test, fromSource: true });
    try {
      const settings = { server: await prepared(test, server), source: "", python: test.python };
      await changesOn(product, test.title, settings, rounds);
    } finally {
      await product.remove();
    }
  }
}

async function changesOn(
  product: Product,
  title: string,
  { server, ...common }: { server: Record<string, unknown>; source: string; python: string },
  rounds: number,
): Promise<void> {
  const source = await product.writeApp("big", { "wsgi.py": app("first"), "requirements.txt": "" });
  // Not a text, of which a test's helper makes UTF-8.
  await product.writeBytes(`${source}/large.bin`, randomBytes(size));
  const configure = (processes: number) =>
    product.configure({ server, apps: { big: { ...common, source, processes } } });
  await configure(2);
  await product.up();
  const kinds = {
    code: (round: number) => product.writeApp("big", { "wsgi.py": app(`round ${round}`) }),
    "a setting": (round: number) => configure(3 + (round % 2)),
    requirements: (round: number) =>
      product.writeApp("big", { "requirements.txt": packages.slice(0, round + 1).join("\n") }),
    nothing: () => Promise.resolve(),
  };
  for (const [kind, change] of Object.entries(kinds)) {
    const samples = [];
    for (let round = 0; round < rounds; round++) {
      await change(round);
      const before = await received(product);
      const { seconds } = await secondsOf(() => product.up());
      samples.push({ seconds, bytes: (await received(product)) - before });
    }
    const seconds = samples.map((it) => it.seconds.toFixed(1)).join(" ");
    const megabytes = (median(samples.map(({ bytes }) => bytes)) / 1e6).toFixed(1);
    console.log(`${title}, change of ${kind}: ${seconds} s until \`up\` has ended, ${megabytes} MB received`);
  }
  console.log(`${title}, on the disk:\n${await product.ssh("du --summarize --block-size=1M /opt/apps/big/*")}`);
}

/** Bytes that the server has received over the network. */
async function received(product: Product): Promise<number> {
  return Number(await product.ssh("cat /sys/class/net/e*/statistics/rx_bytes"));
}
