/** Somebody with a browser: keeps cookies and sends Django's token against forged requests with each form. */
export class Visitor {
  private readonly cookies = new Map<string, string>();

  /** @param url with a slash at its end */
  constructor(private readonly url: string) {}

  /** Opens a page. Returns the answer's status. */
  async get(path: string): Promise<number> {
    return this.send(path, {});
  }

  /** Opens the page of a form and sends it. Returns the answer's status: Django redirects if it accepts the form. */
  async post(path: string, fields: Readonly<Record<string, string>>): Promise<number> {
    await this.get(path);
    const token = { csrfmiddlewaretoken: this.cookies.get("csrftoken") ?? "" };
    return this.send(path, { method: "POST", body: new URLSearchParams({ ...fields, ...token }) });
  }

  private async send(path: string, request: RequestInit): Promise<number> {
    const cookie = [...this.cookies].map((it) => it.join("=")).join("; ");
    const response = await fetch(this.url + path, { ...request, redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.cookies.set(name, value);
    }
    await response.arrayBuffer();
    return response.status;
  }
}
