// Scripts and units use only features of bash 4.2 and systemd 219 (CentOS 7). Other tools do not check that: systemd only logs
// what it ignores, and shellcheck does not know versions of bash.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { platforms, type Platform } from "../../platforms";
import { assetFiles, inlineScript, renderTemplate } from "../../rendering/assets";
import { buildService } from "../../rendering/build";
import { retries } from "../../rendering/hardening";
import { helloFiles, helloPlan } from "../support/plans";
import { root } from "../support/root";

/** Directives of systemd 219 that a unit may need (systemd.unit(5), systemd.service(5), systemd.exec(5) of that version). */
const known: Record<string, string> = {
  Unit: "Description Documentation After Before Wants Requires BindsTo PartOf Conflicts ReloadPropagatedFrom PropagatesReloadTo ConditionPathExists JobTimeoutSec",
  Socket: "ListenStream SocketUser SocketGroup SocketMode DirectoryMode RemoveOnStop Backlog Service",
  Install: "WantedBy RequiredBy Also Alias DefaultInstance",
  Service:
    "Type NotifyAccess PIDFile RemainAfterExit ExecStartPre ExecStart ExecStartPost ExecReload ExecStop ExecStopPost PermissionsStartOnly " +
    "Restart RestartSec SuccessExitStatus StartLimitInterval StartLimitBurst StartLimitAction TimeoutSec TimeoutStartSec TimeoutStopSec WatchdogSec " +
    "User Group SupplementaryGroups WorkingDirectory RootDirectory RuntimeDirectory RuntimeDirectoryMode UMask Nice OOMScoreAdjust " +
    "Environment EnvironmentFile PassEnvironment StandardInput StandardOutput StandardError SyslogIdentifier SyslogFacility SyslogLevel " +
    "KillMode KillSignal SendSIGHUP SendSIGKILL LimitNOFILE LimitNPROC LimitCORE LimitAS LimitFSIZE TasksMax MemoryLimit CPUShares CPUQuota BlockIOWeight Slice Delegate " +
    "PrivateTmp PrivateDevices PrivateNetwork ProtectSystem ProtectHome NoNewPrivileges CapabilityBoundingSet AmbientCapabilities " +
    "ReadWriteDirectories ReadOnlyDirectories InaccessibleDirectories MountFlags RestrictAddressFamilies SystemCallArchitectures SystemCallFilter " +
    "LimitMEMLOCK SELinuxContext IgnoreSIGPIPE DeviceAllow DevicePolicy",
};

/** Values that systemd 219 ignores, with the consequence. */
const dropped: [RegExp, string][] = [
  [/^ProtectSystem=(?!full$|yes$|no$|true$|false$)/, "nothing is protected"],
  [/^Exec\w+=-?[+!:]/, "the whole line is ignored"],
  [/^Type=(exec|notify-reload)/, ""],
  [/^Standard(Output|Error)=(append|file|truncate):/, ""],
  [/^WorkingDirectory=(~|-)/, ""],
  [/^RuntimeDirectory=\S*\//, ""],
];

/** Lines of a unit that systemd 219 would ignore. */
function unknownTo219(unit: string): string[] {
  let section = "";
  return unit.split("\n").filter((line) => {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    const directive = /^(\w+)=/.exec(line)?.[1];
    if (directive === undefined) return line !== "" && !/^([#;]|\[(Unit|Service|Socket|Install)\]$)/.test(line);
    return !known[section]?.split(" ").includes(directive) || dropped.some(([pattern]) => pattern.test(line));
  });
}

describe("units for systemd 219", () => {
  const old = Object.values(platforms).filter(({ systemd }: Platform) => systemd <= 219);
  const variants: Record<string, unknown>[] = [{}, { master: false }, { dieOnTerm: false }, { uid: "web" }];
  for (const platform of old) {
    for (const settings of variants) {
      it(`the unit of an app has only directives that systemd 219 supports: ${platform.title}, ${JSON.stringify(settings)}`, () => {
        const { unit, socket } = helloFiles({ ...settings, python: "3" }, { platform });
        assert.deepEqual([...unknownTo219(unit), ...unknownTo219(socket)], []);
      });
    }
  }

  for (const platform of old) {
    it(`the unit of a build has only directives that systemd 219 supports: ${platform.title}`, () => {
      assert.deepEqual(unknownTo219(buildService(platform)), []);
    });
  }

  for (const platform of old) {
    it(`the unit of a command has only directives that systemd 219 supports: ${platform.title}`, () => {
      const { uwsgi_command = "" } = helloPlan({ commands: { build: ["true"] }, python: "3" }, { platform }).manifest;
      assert.match(uwsgi_command, /^ProtectSystem=full$/m);
      assert.deepEqual(unknownTo219(uwsgi_command), []);
    });
  }

  for (const name of ["uwsgi.service", "nginx-restart.conf"]) {
    it(`the file has only directives that systemd 219 supports: ${name}`, () => {
      assert.deepEqual(unknownTo219(renderTemplate(name, { retries: retries(219) })), []);
    });
  }

  it("a unit with a newer directive or value is detected", () => {
    const lines = [
      "StateDirectory=x",
      "ProtectSystem=strict",
      "ExecStartPre=+/bin/true",
      "MemoryMax=1G",
      "RuntimeDirectory=a/b",
    ];
    assert.deepEqual(unknownTo219(["[Service]", "ExecStart=/bin/true", ...lines].join("\n")), lines);
    assert.deepEqual(unknownTo219("[Unit]\nStartLimitBurst=3"), ["StartLimitBurst=3"]);
    const { unit } = helloFiles();
    assert.ok(
      unknownTo219(unit).includes("ProtectSystem=strict"),
      "The unit for Debian 12 should contain a value that systemd 219 does not know; otherwise this test shows nothing.",
    );
  });
});

/** Features that the tools of CentOS 7 lack. */
const tooNew: [RegExp, string][] = [
  [/\$\{[^}]*@[QEPAaUuLKk]\}/, "bash 4.2 has no ${x@Q}"],
  [/\bwait\s+-[nfp]/, "bash 4.2 has no wait -n"],
  [/\b(mapfile|readarray)\b.*\s-d/, "bash 4.2 has no mapfile -d"],
  [/\b(local|declare|typeset)\s+-\w*n/, "bash 4.2 has no references"],
  [/\blocal\s+-($|\s)/, "bash 4.2 has no local -"],
  [/\[\[\s+-v\s+\S*\[/, "bash 4.2 has no -v for elements"],
  [/\b(EPOCHSECONDS|EPOCHREALTIME|SRANDOM|BASH_ARGV0)\b/, "bash 4.2 has no such variable"],
  [/\binherit_errexit\b|\blocalvar_inherit\b/, "bash 4.2 has no such option"],
  [/\bsystemctl\b.*\s(--value|revert|try-reload-or-restart)\b/, "systemctl 219 does not have it"],
  [/\bsystemd-run\b.*\s--wait\b/, "systemd-run 219 does not have it"],
  [/\bjournalctl\b.*\s(-g|--grep)\b/, "journalctl 219 does not have it"],
  [/\bcurl\b.*--(retry-connrefused|fail-with-body|retry-all-errors)\b/, "curl 7.29 does not have it"],
  [/\btar\b.*--sort\b/, "tar 1.26 does not have it"],
  [/\bip\s+-j/, "ip does not have it"],
  [/\bopenssl\b.*-addext\b/, "openssl 1.0.2 does not have it"],
  [/(^|[;&|(])\s*(git|jq|unzip|which)\s/, "a minimal server does not have it"],
  [/C\.UTF-8/, "CentOS 7 has no such locale"],
];

function problems(script: string): string[] {
  const lines = script.split("\n").filter((line) => !/^\s*#/.test(line));
  const found = lines.flatMap((line) =>
    tooNew.filter(([pattern]) => pattern.test(line)).map(([, why]) => `${why}: ${line.trim()}`),
  );
  // With set -u, bash 4.2 fails on an empty array, unless it is written ${list[@]+"${list[@]}"}.
  for (const [, array = ""] of script.matchAll(/\b(\w+)=\(\)/g)) {
    const bare = new RegExp(`(?<!\\+)"\\$\\{${array}\\[[@*]\\]\\}"`);
    found.push(...lines.filter((line) => bare.test(line)).map((line) => `the array may be empty: ${line.trim()}`));
  }
  return found;
}

describe("scripts for CentOS 7", () => {
  const scripts = [...assetFiles("toolkit"), ...assetFiles("scripts")];
  // That one runs on your computer.
  for (const { name, text } of scripts.filter(({ name }) => name !== "container-server.sh")) {
    it(`the script uses only features of the tools of CentOS 7: ${name}`, () => {
      assert.deepEqual(problems(text), []);
    });
  }

  it("a script with a newer feature is detected", () => {
    const bad = [
      'echo "${x@Q}"',
      "wait -n",
      "mapfile -t -d '' list",
      "local -n name=$1",
      'list=(); for it in "${list[@]}"; do :; done',
      "systemctl show --value -p MainPID nginx",
      "journalctl -u nginx -g error",
      "curl --retry-connrefused localhost",
      "export LC_ALL=C.UTF-8",
    ];
    for (const line of bad) assert.equal(problems(line).length, 1, `One problem should be found in: ${line}`);
    assert.deepEqual(problems('list=(); run ${list[@]+"${list[@]}"} ${#list[@]}'), []);
  });
});

describe("scripts in a command line", () => {
  for (const name of ["unpack-and-run.sh", "sudo.sh", "check-sudo.sh"]) {
    it(`the script works as one line in bash and has no history expansion of csh: ${name}`, () => {
      const line = inlineScript(name);
      assert.doesNotMatch(line, /\n|![^ =(]/);
      execFileSync("bash", ["-n", "-c", line]);
    });
  }
});

describe("names of platforms", () => {
  const all: Platform[] = Object.values(platforms);
  const patternOf = (names: readonly string[]) =>
    new RegExp(names.map((name) => `\\b${name.replace(" ", "[ _:-]?")}`).join("|"), "i");
  /** The toolchain may ask which system your computer runs, so the ids of os-release are allowed in it. */
  const servers = patternOf(all.flatMap(({ name, title }) => [name, title]));
  const anything = patternOf(all.flatMap(({ name, title, os }) => [name, title, os.id]));
  const code = (name: string, pattern: RegExp) =>
    fs
      .readFileSync(path.join(root, name), "utf8")
      .split("\n")
      .filter((line) => pattern.test(line.replace(/(^|\s)(\/\/|\/\*|\*|#).*$/, "")))
      .map((line) => `${name}: ${line.trim()}`);
  const files = (folder: string) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs|sh)$/.test(name))
      .map((name) => `${folder}/${name}`);

  it("only the descriptions of platforms contain their names", () => {
    const program = [
      "index.ts",
      ...["components", "servers", "settings", "rendering", "assets/scripts", "assets/toolkit"].flatMap(files),
    ];
    // Package scripts are part of the descriptions.
    const asked = program.filter((name) => !name.startsWith("assets/toolkit/packages-"));
    assert.deepEqual(
      [...asked.flatMap((file) => code(file, anything)), ...files("toolchain").flatMap((file) => code(file, servers))],
      [],
    );
  });

  it("the name of a platform in code is detected", () => {
    assert.match('if (platform.name === "centos7") {', servers);
    assert.match('pull("docker.io/library/debian:12")', servers);
    assert.match("[[ $ID == debian ]]", anything);
  });
});
