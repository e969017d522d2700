// As much of GitHub's API as comments of a pull request need, on 127.0.0.1.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The account of a workflow's own token. */
const workflows = { login: "github-actions[bot]", type: "Bot" };

export class GitHub {
  comments: { id: number; body: string; user: { login: string; type: string } | null }[] = [];
  /** What was asked for, with the caller's credentials. */
  readonly requests: string[] = [];
  /** Of the next answers. */
  status = 200;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<GitHub> {
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        gitHub.requests.push(`${method} ${url} ${headers.authorization}`);
        const answer = gitHub.answer(method, url, (text ? JSON.parse(text) : {}) as { body?: string });
        response.writeHead(gitHub.status, { "content-type": "application/json" });
        response.end(JSON.stringify(answer));
      });
    });
    const gitHub = new GitHub(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return gitHub;
  }

  private answer(method: string, url: string, { body = "" }: { body?: string }): unknown {
    const page = Number(new URL(url, "http://x").searchParams.get("page"));
    const id = Number(/comments\/(\d+)$/.exec(url)?.[1]);
    if (method === "POST") this.comments.push({ id: this.comments.length + 1, body, user: workflows });
    if (method === "PATCH") this.comments = this.comments.map((it) => (it.id === id ? { ...it, body } : it));
    return method === "GET" ? this.comments.slice((page - 1) * 100, page * 100) : {};
  }

  /** The variables of a step, for the pull request that `eventFile` tells of. */
  variables(eventFile: string) {
    const { port } = this.server.address() as AddressInfo;
    return {
      GITHUB_API_URL: `http://127.0.0.1:${port}`,
      GITHUB_EVENT_PATH: eventFile,
      GITHUB_REPOSITORY: "acme/site",
      GITHUB_TOKEN: "token",
    };
  }

  stop(): void {
    this.server.close();
  }
}
