// trial.sh: what differs between a trial and the live unit.
import assert from "node:assert/strict";
import { quote } from "../../rendering/shell";
import { FakeTools } from "../support/fakeTools";
import { helloFiles } from "../support/plans";

describe("the trial of a release", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  /** What functions print for an app with these settings. */
  const printed = (functions: string, settings: Record<string, unknown> = {}) => {
    const values = {
      ...{ app: "hello", folder: "/opt/apps/hello", uid: "hello", nginx_group: "www-data", timeout: "10" },
      ...{ uwsgi_ini: helloFiles(settings).ini, uwsgi_service: helloFiles(settings).unit },
    };
    const assignments = Object.entries(values).map(([name, value]) => `${name}=${quote(value)}`);
    const { code, stdout, stderr } = tools.run(["trial.sh"], `${assignments.join("; ")}; ${functions}`);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  it("has the live ini but for its release, its socket and its number of processes", () => {
    const settings = { dieOnTerm: false, master: false, processes: 7 };
    const live = helloFiles(settings).ini.split("\n");
    const changed = printed("trial_ini", settings)
      .split("\n")
      .filter((line) => !live.includes(line));
    assert.deepEqual(changed, [
      "chdir = /opt/apps/hello/trial/app",
      "virtualenv = /opt/apps/hello/trial/venv",
      "binary-path = /opt/apps/hello/trial/reload",
      "master = true",
      "processes = 1",
      "socket = /run/uwsgi-nginx-trial/hello.sock",
      "die-on-term = true",
    ]);
  });

  const service = `[Service]
Type=notify
NotifyAccess=main
ExecStart=
ExecStart=/opt/apps/hello/trial/venv/bin/uwsgi --ini /opt/apps/hello/releases/trial.ini
SyslogIdentifier=uwsgi-trial@hello
KillSignal=SIGTERM
Restart=no
TimeoutStartSec=10
TimeoutStopSec=5
WorkingDirectory=/opt/apps/hello/trial/app
EnvironmentFile=
EnvironmentFile=/opt/apps/hello/trial/id
`;

  it("has the live unit with a drop-in that starts the release once", () => {
    assert.equal(printed("trial_lines"), service);
    assert.equal(
      printed("trial_lines", { secrets: { TOKEN: "x" }, environment: { NAME: "x" } }),
      `${service}EnvironmentFile=/opt/apps/hello/trial/environment\nEnvironmentFile=/opt/apps/hello/trial/secrets\n`,
    );
  });

  it("has a socket of its own, which nginx's user may use", () => {
    assert.equal(
      printed("trial_socket"),
      `[Socket]
ListenStream=/run/uwsgi-nginx-trial/hello.sock
SocketUser=hello
SocketGroup=www-data
SocketMode=0660
RemoveOnStop=true
`,
    );
  });
});
