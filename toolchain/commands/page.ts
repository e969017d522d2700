import { lookup } from "node:dns/promises";
import { get } from "node:http";
import type { HealthCheck } from "../../rendering/healthCheck";
import { UserError } from "../common/errors";
import { step } from "../common/steps";

interface Page {
  readonly status: number;
  readonly body: string;
  readonly location?: string;
}

/**
 * The text of the deployed page, fetched from the server at `address` whether or not its name leads there.
 * @param url address of the site
 */
export function fetchPage(
  url: string,
  address = new URL(url).hostname,
  check: HealthCheck = { path: "/", host: new URL(url).host },
  attempts = 10,
): Promise<string> {
  const target = new URL(check.path, url);
  return step(`page ${target.href}`, async () => {
    let problem: string | undefined = "";
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
      try {
        const page = await httpGet(target, address, check.host);
        problem = problemOf(page, check);
        if (problem === undefined) return await follow(page, target, address, check.host);
      } catch (error) {
        problem = String(error);
      }
    }
    throw new UserError(
      `The page ${target.href} was deployed, but the answer is ${problem}.`,
      "read the app's log: log in with the command in 'pulumi stack output sshCommand' and run journalctl -u 'uwsgi*' -n 50",
    );
  });
}

/** What is wrong with an answer, by the rules of the health check (assets/toolkit/health.sh). */
function problemOf({ status, body }: Page, { status: expected, contains = "" }: HealthCheck): string | undefined {
  const isExpected = expected?.includes(status) ?? (status >= 200 && status < 400);
  if (!isExpected) return `status ${status}`;
  if (status === 200 && !body) return "an empty page";
  return body.includes(contains) ? undefined : `a page without the text ${JSON.stringify(contains)}`;
}

/** What a page says, or where it redirects to. Redirects within the site are followed. */
async function follow(first: Page, from: URL, address: string, host: string): Promise<string> {
  let [page, target] = [first, from];
  for (let hops = 0; page.status >= 300 && page.status < 400 && page.location !== undefined; hops++) {
    target = new URL(page.location, target);
    // Also where the app makes addresses of the host that it was asked by.
    if (![from.host, host].includes(target.host) || target.protocol !== "http:") return `(redirects to ${target.href})`;
    if (hops === 5) throw new Error(`more than five redirects, the last to ${target.href}`);
    page = await httpGet(target, address, host, from.port);
  }
  const isOk = page === first || (page.status >= 200 && page.status < 300);
  if (!isOk) throw new Error(`a redirect to ${target.href}, which has status ${page.status}`);
  return pageText(page.body) || `(status ${page.status})`;
}

function httpGet(target: URL, address: string, host: string, port = target.port): Promise<Page> {
  return new Promise((resolve, reject) => {
    const request = get(
      {
        ...{ host: address, port: port || 80, path: `${target.pathname}${target.search}` },
        ...{ headers: { host }, agent: false, signal: AbortSignal.timeout(5000) },
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
