// health.sh: what an error about an app says.
import assert from "node:assert/strict";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";

describe("what is said about an app's answer", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  interface Given {
    status: string;
    body?: string;
    expected?: string;
    contains?: string;
  }
  const said = (functions: string, { status, body = "page", expected = "", contains = "" }: Given) => {
    const values = {
      ...{ work: tools.folder, app: "shop", path: "/up", host_header: "127.0.0.1:8080", timeout: "30" },
      ...{ expected, contains, python: "python3", isolation: "-I" },
    };
    const assignments = Object.entries(values).map(([name, value]) => `${name}=${quote(value)}`);
    const files = `printf '%s\\n' ${quote(status)} > "$work/status"; printf %s ${quote(body)} > "$work/body"`;
    const { code, stdout, stderr } = tools.run(
      ["health.sh"],
      `${assignments.join("; ")}; ${files}; hide_secrets() { cat; }; ${functions}`,
    );
    assert.equal(code, 0, stderr);
    return stdout;
  };

  it("any status from 200 to 399 is right, or those of the setting", () => {
    for (const status of ["200", "204", "302"]) assert.equal(said("health_problem", { status }), "");
    assert.equal(said("health_problem", { status: "404" }), "answered with status 404");
    assert.equal(said("health_problem", { status: "401", expected: "401 403" }), "");
    assert.equal(said("health_problem", { status: "200", expected: "401 403" }), "answered with status 200");
    assert.equal(said("health_problem", { status: "204", body: "" }), "");
    assert.match(said("health_problem", { status: "200", body: "" }), /^answered with status 200 and an empty body/);
    assert.equal(said("health_problem", { status: "" }), "closed the connection without an answer");
  });

  it("each problem has the setting that changes it", () => {
    const key = "apps.shop.healthCheck";
    const log = "solve the problem that the app's log above shows";
    const cases: [Given, string][] = [
      [
        { status: "400" },
        `add 127.0.0.1 to the app's allowed hosts (ALLOWED_HOSTS in Django), or set ${key}.host to a name that it allows`,
      ],
      [{ status: "401" }, `set ${key}.path to a page that needs no login, or ${key}.status to 401`],
      [{ status: "403" }, `set ${key}.path to a page that needs no login, or ${key}.status to 403`],
      [{ status: "404" }, `set ${key}.path to a page that the app has`],
      [{ status: "418" }, `set ${key}.path to a page that answers as expected, or ${key}.status to 418`],
      [{ status: "500" }, log],
      [{ status: "none" }, `${log}, or correct its settings (apps.shop)`],
      [{ status: "timeout" }, `let the app answer faster, or set ${key}.timeoutSeconds to more than 30`],
      [
        { status: "200", contains: "cart" },
        `set ${key}.contains to a text that is on this page, or ${key}.path to the page that has it`,
      ],
      [{ status: "200", body: "" }, "correct the app"],
    ];
    for (const [given, advice] of cases) {
      assert.equal(said("health_advice", given), `${advice}, then deploy again.`);
    }
    const behind = said("health_advice nginx", { status: "502" });
    assert.equal(behind, `${log}, or /var/log/nginx/error.log on the server, then deploy again.`);
  });

  it("the answer is shown as text: at most ten lines, without HTML, secrets, and what a terminal obeys", () => {
    const body = `<html><title>t</title><style>h1 {\n}</style><h1>Invalid  HTTP_HOST</h1>\n\n<p class="a>b">&#x27;x&#x27; &lt;1&gt; \u001b[31mred s3cret</p><!-- <b>no</b> -->${"<p>more</p>\n".repeat(20)}`;
    const hide = "hide_secrets() { sed s/s3cret/[secret]/; }";
    assert.equal(
      said(`${hide}; health_report`, { status: "400", body }).replace(/( {2}more\n?)+$/, "  (more)"),
      `Request: GET /up, Host: 127.0.0.1:8080
Answer: 400
  Invalid HTTP_HOST
  b">'x' <1> [31mred [secret]
  (more)`,
    );
    assert.equal(said("health_report", { status: "400", body }).split("\n").length, 12);
    const plain = said("health_report", { status: "timeout", body: "" });
    assert.equal(plain, "Request: GET /up, Host: 127.0.0.1:8080\nAnswer: timeout");
  });
});

describe("what is said about an app that does not start", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  const advice = (log: string, module = "shop.wsgi:application", files: readonly string[] = []) => {
    const code = files.map((file) => `install -D /dev/null "$releases/1/app/"${quote(file)}`).join("; ");
    const values = `app=shop; folder=/opt/apps/shop; releases=$FAKE/releases; release=1; module=${quote(module)}`;
    const call = `mkdir -p "$releases/1/app"; ${code || ":"}; start_advice ${quote(log)}`;
    const { code: result, stdout, stderr } = tools.run(["health.sh"], `${values}; ${call}`);
    assert.equal(result, 0, stderr);
    return stdout;
  };

  it("a package that is missing belongs into the requirements", () => {
    const fix =
      "add the package with the module flask to the app's requirements (requirements.txt), then deploy again.";
    assert.equal(advice("Traceback\nModuleNotFoundError: No module named 'flask'\nunable to load app 0"), fix);
    assert.equal(advice("ImportError: No module named flask"), fix);
    assert.equal(advice("ModuleNotFoundError: No module named 'flask.json'"), fix);
  });

  it("the app's own module is named by settings, also when it is in a subfolder of the code", () => {
    const log = "ModuleNotFoundError: No module named 'shop'";
    const settings =
      "apps.shop.module (shop.wsgi:application) to a module of the app's code, or apps.shop.source to the";
    assert.equal(advice(log), `set ${settings} folder that it is in, then deploy again.`);
    const path = "set apps.shop.environment.PYTHONPATH to src, the folder with the module shop";
    assert.equal(advice(log, undefined, ["src/shop/__init__.py"]), `${path}, then deploy again.`);
    assert.equal(advice(log, undefined, ["src/shop.py"]), `${path}, then deploy again.`);
    assert.equal(
      advice("ModuleNotFoundError: No module named 'shop.views'", "wsgi:application", ["shop/__init__.py"]),
      "correct what the app imports, then deploy again.",
    );
  });

  it("a callable that is not there is the setting's, and all else is the app's", () => {
    const log = "unable to load app 0 (mountpoint='') (callable not found or import error)";
    const callable = "set apps.shop.module (wsgi:app) to the name of the WSGI callable in that module, for Django";
    assert.equal(advice(log, "wsgi:app"), `${callable} PROJECT.wsgi:application, then deploy again.`);
    const other = "correct the app or its settings (apps.shop), then deploy again.";
    assert.equal(advice(`SyntaxError: invalid syntax\n${log}`, "wsgi:app"), other);
    assert.equal(advice(""), other);
  });
});
