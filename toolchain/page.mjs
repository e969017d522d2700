import { UserError } from "./errors.mjs";
import { step } from "./steps.mjs";

/**
 * Asks the deployed page, as a visitor would.
 * @param {string} url
 * @returns {Promise<string>} the text on it
 */
export function askPage(url) {
  return step(`page ${url}`, async () => {
    let problem = "";
    for (let attempt = 0; attempt < 10; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
        const body = await response.text();
        if (response.ok && body.trim()) return pageText(body);
        problem = response.ok ? "an empty page" : `status ${response.status}`;
      } catch (error) {
        problem = error instanceof Error ? String(error.cause ?? error.message) : String(error);
      }
    }
    throw new UserError(
      `${url} was deployed, but answers with ${problem}.`,
      "See what the app says: log in as printed by 'pulumi stack output sshCommand', then: journalctl -u 'uwsgi*' -n 50",
    );
  });
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
