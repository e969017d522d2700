import { lookup } from "node:dns/promises";
import { get } from "node:http";
import { UserError } from "./errors.mjs";
import { step } from "./steps.mjs";

/**
 * Asks the deployed page of its server, whether or not its name leads there yet.
 * @param {string} url
 * @param {string} [host] name or address of the server, if not the one in the URL
 * @returns {Promise<string>} the text on it
 */
export function askPage(url, host = new URL(url).hostname) {
  return step(`page ${url}`, async () => {
    let problem = "";
    for (let attempt = 0; attempt < 10; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
      try {
        const { status, body, elsewhere } = await visit(url, host);
        if (elsewhere) return `(leads on to ${elsewhere})`;
        const ok = status >= 200 && status < 300;
        if (ok && body.trim()) return pageText(body);
        problem = ok ? "an empty page" : `status ${status}`;
      } catch (error) {
        problem = String(error);
      }
    }
    throw new UserError(
      `${url} was deployed, but answers with ${problem}.`,
      "See what the app says: log in as printed by 'pulumi stack output sshCommand', then: journalctl -u 'uwsgi*' -n 50",
    );
  });
}

/**
 * Follows redirections as long as they stay on the site.
 * @param {string} url
 * @param {string} host
 */
async function visit(url, host) {
  const site = new URL(url).host;
  for (let page = new URL(url), hops = 0; ; hops++) {
    const { status, location, body } = await ask(page, host);
    if (status < 300 || status >= 400 || location === undefined) return { status, body };
    page = new URL(location, page);
    if (page.host !== site || page.protocol !== "http:") return { status, body, elsewhere: page.href };
    if (hops === 5) throw new Error(`redirections without end, the last to ${page.href}`);
  }
}

/**
 * @param {URL} page
 * @param {string} host
 * @returns {Promise<{ status: number, location?: string, body: string }>}
 */
function ask(page, host) {
  return new Promise((resolve, reject) => {
    const request = get(
      {
        ...{ host, port: page.port || 80, path: `${page.pathname}${page.search}`, headers: { host: page.host } },
        ...{ agent: false, signal: AbortSignal.timeout(5000) },
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk) => (body += chunk));
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
  });
}

/**
 * How to see the page on this machine, where its name does not lead to the server.
 * @param {string} url
 * @param {string} host name or address of the server
 * @param {(name: string) => Promise<string[]>} [resolve] a name's addresses
 * @returns {Promise<string | undefined>}
 */
export async function howToReach(url, host, resolve = addresses) {
  const { hostname, port } = new URL(url);
  if (hostname.replace(/^\[|\]$/g, "") === host) return undefined;
  const [wanted, found] = await Promise.all([resolve(host), resolve(hostname)]);
  if (found.some((address) => wanted.includes(address))) return undefined;
  const address = wanted[0] ?? host;
  const shown = address.includes(":") ? `[${address}]` : address;
  return `${hostname} does not lead there on this machine: curl --resolve ${hostname}:${port || 80}:${shown} ${url}, or add to /etc/hosts: ${address} ${hostname}`;
}

/**
 * @param {string} name
 * @returns {Promise<string[]>} none where it has none, or where nobody answers
 */
async function addresses(name) {
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => setTimeout(reject, 5000).unref());
  const found = await Promise.race([lookup(name, { all: true }), late]).catch(() => []);
  return found.map(({ address }) => address);
}

/**
 * What a reader sees of an HTML page, shortened.
 * @param {string} html
 */
export function pageText(html) {
  const text = html
    .replace(/<(script|style|title)\b.*?<\/\1>/gis, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
