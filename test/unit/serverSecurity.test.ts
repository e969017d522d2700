// Preflight checks on the server, SELinux and firewalld, with fake tools, because no test server runs the last two.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeTools } from "../support/fakeTools";

describe("preflight checks on the server", () => {
  let tools: FakeTools;
  // Your computer is the server, and the settings match it, except for `change`. The tests may run without root.
  const check = (change: string) =>
    tools.run(
      ["system.sh"],
      `title='The System 1'; . /etc/os-release; id=$ID version_id=\${VERSION_ID:-} architectures='x86_64 aarch64'
       written_folders=("$FAKE")
       ${change}
       require_system && echo fine`,
    );
  beforeEach(() => {
    tools = new FakeTools().add("uname", "echo x86_64");
  });
  afterEach(() => {
    tools.remove();
  });

  it("a server that matches the settings passes the preflight check", () => {
    assert.deepEqual({ ...check(""), calls: [] }, { code: 0, stdout: "fine\n", stderr: "", calls: [] });
  });

  it("another operating system is rejected, and the error shows the found one and the settings", () => {
    const { code, stderr } = check("version_id=0");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: This server runs .+, but the settings say The System 1\. Nothing was changed\.\nFix: .*server\.platform/,
    );
  });

  it("another architecture is rejected, and the error shows the found and the supported ones", () => {
    tools.add("uname", "echo s390x");
    const { code, stderr } = check("");
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "Error: This server's architecture is s390x, but The System 1 is supported on x86_64 aarch64. Nothing was changed.\nFix: use a server with a supported architecture.\n",
    );
  });

  it("a folder that is not writable is rejected, and the error shows its mount", () => {
    // Not even root can write to a folder that does not exist.
    tools.add("findmnt", "echo / ext4 ro");
    const { code, stderr } = check("written_folders+=(/not/there)");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: The folder \/not\/there on this server is not writable: \/ ext4 ro\. Nothing was changed\.\nFix: /,
    );
  });
});

describe("disk space on the server", () => {
  let tools: FakeTools;
  const checkSpace = (disks: string, free: number) => {
    tools.add("stat", `case "\${!#}" in ${disks} esac`).add("df", `printf 'Avail\\n %sM\\n' ${free}`);
    return tools.run(["server.sh"], "disk_space='/opt=100 /usr=250 /var=400'; require_disk_space && echo fine");
  };
  beforeEach(() => {
    tools = new FakeTools();
  });
  afterEach(() => {
    tools.remove();
  });

  it("disk space is enough if each disk has what its folders need", () => {
    assert.equal(checkSpace("*) echo 1 ;;", 750).stdout, "fine\n");
    assert.equal(checkSpace("/opt) echo 1 ;; /usr) echo 2 ;; *) echo 3 ;;", 400).stdout, "fine\n");
  });

  it("folders on the same disk need their disk space together", () => {
    assert.match(
      checkSpace("*) echo 1 ;;", 749).stderr,
      /^Error: The server's disk is full: 749 MB are free for \/opt, \/usr, \/var, and 750 MB are needed\. Nothing was changed\.\nFix: /,
    );
    assert.match(
      checkSpace("/opt) echo 1 ;; *) echo 2 ;;", 400).stderr,
      /^Error: The server's disk is full: 400 MB are free for \/usr, \/var, and 650 MB are needed\. Nothing was changed\.\nFix: /,
    );
  });
});

describe("SELinux", () => {
  let tools: FakeTools;
  const selinux = (commands: string) => tools.run(["selinux.sh"], commands);
  beforeEach(() => {
    tools = new FakeTools();
    for (const name of ["semanage", "restorecon", "checkmodule", "semodule_package", "semodule", "systemctl"])
      tools.add(name);
    tools.add("selinuxenabled");
  });
  afterEach(() => {
    tools.remove();
  });

  it("SELinux is not changed, and nothing is printed, where it is disabled", () => {
    tools.add("selinuxenabled", "exit 1");
    const all =
      "label_socket_folder /run/uwsgi-a; unlabel_socket_folder /run/uwsgi-a; disallow_nginx; nginx_was_denied 0 || echo no";
    const { code, stdout, stderr, calls } = selinux(all);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "no\n", stderr: "" });
    assert.deepEqual([...new Set(calls)], ["selinuxenabled"]);
  });

  it("SELinux labels a socket folder for nginx, under the old name of /run", () => {
    const { code, calls } = selinux("label_socket_folder /run/uwsgi-hello");
    assert.equal(code, 0);
    assert.deepEqual(calls, [
      "selinuxenabled",
      "semanage fcontext --list --locallist --noheading",
      "semanage fcontext --add --type httpd_var_run_t /var/run/uwsgi-hello(/.*)?",
      "systemctl daemon-reexec",
    ]);
  });

  const ruled = `[[ $2 != --list ]] || echo '/var/run/uwsgi-hello(/.*)?                         all files          system_u:object_r:httpd_var_run_t:s0'`;

  it("SELinux labels are added once, and removed", () => {
    tools.add("semanage", ruled);
    assert.deepEqual(selinux("label_socket_folder /run/uwsgi-hello").calls.length, 2);
    assert.equal(
      selinux("unlabel_socket_folder /run/uwsgi-hello").calls.at(-1),
      "semanage fcontext --delete /var/run/uwsgi-hello(/.*)?",
    );
    assert.deepEqual(
      selinux("unlabel_socket_folder /run/uwsgi-hell").calls.length,
      2,
      "The rule of another app should stay.",
    );
  });

  const denial = (source: string, target: string) =>
    `type=AVC msg=audit(1700000000.123:456): avc:  denied  { connectto } for  pid=4711 comm="nginx" path="/run/uwsgi-hello/uwsgi.sock" scontext=system_u:system_r:${source}:s0 tcontext=system_u:system_r:${target}:s0 tclass=unix_stream_socket permissive=0`;

  it("only a denial of nginx's access to a socket in SELinux's log counts as one", () => {
    const denied = (line: string) => {
      tools.add("ausearch", `echo '${line}'`);
      return selinux("nginx_was_denied 0 && echo yes || echo no").stdout;
    };
    assert.equal(denied(denial("httpd_t", "unconfined_service_t")), "yes\n");
    assert.equal(denied(denial("httpd_t", "init_t")), "no\n");
    assert.equal(denied(denial("sshd_t", "unconfined_service_t")), "no\n");
    assert.equal(denied("<no matches>"), "no\n");
    const many = `for i in {1..5000}; do printf '%s\\n' "$1"; done`;
    tools.add("journalctl", "exit 1");
    tools.add("ausearch", `set -- '${denial("httpd_t", "unconfined_service_t")}'; ${many}`);
    assert.equal(
      selinux("nginx_was_denied 0 && echo yes || echo no").stdout,
      "yes\n",
      "A denial should be found among many.",
    );
  });

  it("the SELinux module has one rule, and the mode is never permissive", () => {
    tools.add("checkmodule", 'cp "${!#}" "$FAKE/module"');
    const { code, calls } = selinux("allow_nginx");
    assert.equal(code, 0);
    assert.match(
      calls.map((call) => call.replace(/\/tmp\/[^/]+/g, "TMP")).join("\n"),
      /^checkmodule -M -m -o TMP\/uwsgi_nginx\.mod TMP\/uwsgi_nginx\.te\nsemodule_package -o TMP\/uwsgi_nginx\.pp -m TMP\/uwsgi_nginx\.mod\nsemodule -i TMP\/uwsgi_nginx\.pp$/,
    );
    const rules = readFileSync(join(tools.folder, "module"), "utf8").match(/^(module|allow|permissive).*$/gm);
    assert.deepEqual(rules, [
      "module uwsgi_nginx 1.0;",
      "allow httpd_t unconfined_service_t:unix_stream_socket connectto;",
    ]);
  });

  it("the SELinux module is removed if it is installed", () => {
    assert.deepEqual(selinux("disallow_nginx").calls, ["selinuxenabled", "semodule -l"]);
    tools.add("semodule", "[[ $1 != -l ]] || printf 'uwsgi_nginx\\t1.0\\n'");
    assert.equal(selinux("disallow_nginx").calls.at(-1), "semodule -r uwsgi_nginx");
  });
});

describe("firewalld", () => {
  let tools: FakeTools;
  let folder: string;
  const firewall = (commands: string) =>
    tools.run(["firewalld.sh"], `opened_services='${folder}/state/firewalld'\n${commands}`);
  beforeEach(() => {
    tools = new FakeTools();
    folder = mkdtempSync(join(tmpdir(), "firewalld-"));
  });
  afterEach(() => {
    tools.remove();
    rmSync(folder, { recursive: true });
  });

  it("firewalld is not changed if it is installed but not running", () => {
    tools.add("firewall-cmd", "exit 252");
    const { code, stderr, calls } = firewall("open_services http https; close_services");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(calls, ["firewall-cmd --quiet --state"]);
  });

  /** A firewall-cmd with https open in every zone. `zone` is a command that prints the zone of an interface. */
  const firewallCmd = (zone: string) => `case "$*" in
    *--query-service=http) exit 1 ;;
    --get-default-zone) echo public ;;
    --get-zone-of-interface=*) ${zone} ;;
  esac`;
  const routes = "default via 192.0.2.1 dev eth0 proto dhcp metric 100";
  const openedIn = (zone: string) => [
    `firewall-cmd --quiet --permanent --zone=${zone} --query-service=http`,
    `firewall-cmd --permanent --zone=${zone} --add-service=http`,
    `firewall-cmd --quiet --zone=${zone} --query-service=http`,
    `firewall-cmd --zone=${zone} --add-service=http`,
    `firewall-cmd --quiet --permanent --zone=${zone} --query-service=https`,
    `firewall-cmd --quiet --zone=${zone} --query-service=https`,
  ];
  const closedIn = (zone: string) => [
    `firewall-cmd --quiet --permanent --zone=${zone} --remove-service=http`,
    `firewall-cmd --quiet --zone=${zone} --remove-service=http`,
  ];
  const changes = (calls: string[]) => calls.filter((call) => call.includes("--zone="));

  it("firewalld opens the web services permanently and at once, and closes only those that it opened", () => {
    tools.add("firewall-cmd", firewallCmd("echo public")).add("ip", `[[ $* == *-6* ]] || echo '${routes}'`);
    const opened = firewall("open_services http https");
    assert.equal(opened.code, 0, opened.stderr);
    assert.deepEqual(changes(opened.calls), openedIn("public"));
    const closed = firewall("close_services");
    assert.equal(closed.code, 0);
    assert.deepEqual(changes(closed.calls), closedIn("public"));
    assert.ok(!existsSync(join(folder, "state")), "The state folder should be removed when all services are closed.");
  });

  const interfaces: [string, string, string, string[]][] = [
    ["the default zone if an interface has none", "exit 2", `echo '${routes}'`, ["public"]],
    ["the default zone if there is no default route", "exit 2", "", ["public"]],
    [
      "each zone of all interfaces with a default route",
      "[[ $* == *eth0 ]] && echo external || echo work",
      `[[ $* == *-6* ]] && echo 'default via fe80::1 dev eth1 metric 1' || printf '%s\\n' '${routes}' 'default via 198.51.100.1 dev eth1'`,
      ["external", "work"],
    ],
  ];
  for (const [what, zone, ip, zones] of interfaces) {
    it(`firewalld opens the zones through which requests arrive: ${what}`, () => {
      tools.add("firewall-cmd", firewallCmd(zone)).add("ip", ip);
      assert.deepEqual(changes(firewall("open_services http https").calls), zones.flatMap(openedIn));
      assert.deepEqual(changes(firewall("close_services").calls), zones.flatMap(closedIn));
    });
  }

  it("firewalld keeps services that were already open", () => {
    mkdirSync(join(folder, "state"));
    tools.add("firewall-cmd", "[[ $* != --get-* ]] || echo public").add("ip");
    assert.deepEqual(
      firewall("open_services http").calls.filter((call) => call.includes("--add")),
      [],
    );
    assert.deepEqual(firewall("close_services").calls, []);
  });
});
