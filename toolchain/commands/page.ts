import { lookup } from "node:dns/promises";
import { get } from "node:http";
import { UserError } from "../common/errors";
import { step } from "../common/steps";

interface Page {
  readonly status: number;
  readonly body: string;
  readonly location?: string;
}

/** The text of the deployed page, fetched from the server at `address` whether or not its name leads there. */
export function fetchPage(url: string, address = new URL(url).hostname): Promise<string> {
  return step(`page ${url}`, async () => {
    let problem = "";
    for (let attempt = 0; attempt < 10; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
      try {
        const page = await follow(url, address);
        if (typeof page === "string") return `(redirects to ${page})`;
        const isOk = page.status >= 200 && page.status < 300;
        if (isOk && page.body.trim()) return pageText(page.body);
        problem = isOk ? "an empty page" : `status ${page.status}`;
      } catch (error) {
        problem = String(error);
      }
    }
    throw new UserError(
      `The page ${url} was deployed, but the answer is ${problem}.`,
      "read the app's log: log in with the command in 'pulumi stack output sshCommand' and run journalctl -u 'uwsgi*' -n 50",
    );
  });
}

/** Follows redirects within the site. Returns the address of one that leads elsewhere. */
async function follow(url: string, address: string): Promise<Page | string> {
  const site = new URL(url).host;
  for (let target = new URL(url), hops = 0; ; hops++) {
    const page = await httpGet(target, address);
    if (page.status < 300 || page.status >= 400 || page.location === undefined) return page;
    target = new URL(page.location, target);
    if (target.host !== site || target.protocol !== "http:") return target.href;
    if (hops === 5) throw new Error(`more than five redirects, the last to ${target.href}`);
  }
}

function httpGet(target: URL, address: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const request = get(
      {
        ...{ host: address, port: target.port || 80, path: `${target.pathname}${target.search}` },
        ...{ headers: { host: target.host }, agent: false, signal: AbortSignal.timeout(5000) },
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
  });
}

/** How to see the page on your computer if its name does not lead to the server's `address`. */
export async function howToReach(url: string, address: string, resolve = addresses): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  if (hostname.replace(/^\[|\]$/g, "") === address) return undefined;
  const [wanted, found] = await Promise.all([resolve(address), resolve(hostname)]);
  if (found.some((it) => wanted.includes(it))) return undefined;
  const ip = wanted[0] ?? address;
  const target = `${hostname}:${port || 80}:${ip.includes(":") ? `[${ip}]` : ip}`;
  return `${hostname} does not resolve to the server on this computer: curl --resolve ${target} ${url}, or add to /etc/hosts: ${ip} ${hostname}`;
}

/** A name's addresses; none if it has none or the name server does not answer. */
async function addresses(name: string): Promise<string[]> {
  const timeout = new Promise<never>((_, reject) => setTimeout(reject, 5000).unref());
  const found = await Promise.race([lookup(name, { all: true }), timeout]).catch(() => []);
  return found.map(({ address }) => address);
}

/** The visible text of an HTML page, shortened. */
export function pageText(html: string): string {
  const text = html
    .replace(/<(script|style|title)\b.*?<\/\1>/gis, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
