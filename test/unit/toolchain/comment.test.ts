import assert from "node:assert/strict";
import { join } from "node:path";
import { marker, renderComment } from "../../../toolchain/github/comment";
import { postComment, pullRequestOf, runUrl } from "../../../toolchain/github/pullRequest";
import { GitHub } from "../../support/gitHub";
import { projectFolder, put, removeProjectFolders } from "./support";

/** As `pulumi preview --diff` 3.248.0 prints it. */
const stdout = `Previewing update (dev):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:dev::test::pulumi:pulumi:Stack::test-dev]
    + command:local:Command: (create)
        [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$command:local:Command::new]
        [provider=urn:pulumi:dev::test::pulumi:providers:command::default_1_2_1::cc8c12f3-67ed-4d04-ad18-70418b867946]
        create                : "cat > /dev/null"
        stdin                 : "line 0\\nline 1\\nline 2\\n..."
    +-command:local:Command: (replace)
        [id=repf17a0be0]
        [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$command:local:Command::rep]
      ~ triggers: [
          ~ [0]: 5 => 7
        ]
    ~ command:local:Command: (update)
        [id=sec9e1855bb]
        [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$command:local:Command::sec]
      ~ stdin: [secret] => [secret]
    ~ command:local:Command: (update)
        [id=inicb3111ea]
        [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$command:local:Command::ini]
      ~ stdin:${" "}
            ...
            line 29
          - processes = 5
          + processes = 7
            line 31
            ...
    - command:local:Command: (delete)
        [id=gone645f5ba5]
        [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$command:local:Command::gone]
        create                : "cat > /dev/null"
    --outputs:--
  ~ url: "u5" => "u7"
Resources:
    + 1 to create
    ~ 2 to update
    - 1 to delete
    +-1 to replace
    5 changes. 2 unchanged
`;
const preview = { stack: "dev", failed: false, stdout, stderr: "", runUrl: "https://github.example/run/1" };

describe("the comment on a pull request", () => {
  it("shows the lines that change, deletions and replacements first", () => {
    assert.equal(
      renderComment(preview),
      `<!-- preview of stack dev -->

### Preview of \`dev\`: 5 changes. 2 unchanged

\`\`\`diff
! rep (replace, command:local:Command)
!       triggers: [
!           [0]: 5 => 7
         ]

- gone (delete, command:local:Command)
         create                : "cat > /dev/null"

! sec (update, command:local:Command)
!       stdin: [secret] => [secret]

! ini (update, command:local:Command)
!       stdin:${" "}
             ...
             line 29
-           processes = 5
+           processes = 7
             line 31
             ...

! outputs of the stack
!   url: "u5" => "u7"

+ new (create, command:local:Command)
         create                : "cat > /dev/null"
         stdin                 : "line 0\\nline 1\\nline 2\\n..."
\`\`\`

[Complete log](https://github.example/run/1)
`,
    );
  });

  it("shows of an app the lines of the file that changes, and nothing else", () => {
    const update = `Previewing update (dev):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:dev::test::pulumi:pulumi:Stack::test-dev]
    ~ uwsgi-nginx:index:AppFiles: (update)
        [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$uwsgi-nginx:index:AppFiles::hello-files]
        code            : "c98a1beb8a9f"
        nginx.conf      : "server {\\n    listen 80 default_server;\\n}\\n"
      ~ uwsgi.ini       :${" "}
            ...
            master = true
          - processes = 5
          + processes = 7
            uid = hello
            ...
        uwsgi.service   : "[Unit]\\nDescription=uWSGI app hello\\n"
        ~ command:remote:Command: (update)
            [id=hello-app8171b0f8]
            [urn=urn:pulumi:dev::test::uwsgi-nginx:index:UwsgiApp$command:remote:Command::hello-app]
            addPreviousOutputInEnv: false
            create                : "bash /var/lib/uwsgi-nginx/run app up"
            stdin                 : "app=hello\\n..."
            triggers              : [
                [0]: "machine-1"
            ]
Resources:
    ~ 2 to update
    11 unchanged
`;
    assert.match(
      renderComment({ ...preview, stdout: update }),
      /```diff\n! hello-files \(update, uwsgi-nginx:index:AppFiles\)\n! +uwsgi\.ini +: \n +\.\.\.\n +master = true\n- +processes = 5\n\+ +processes = 7\n +uid = hello\n +\.\.\.\n```/,
    );
  });

  it("has the counts in its title if everything is new, and says if only outputs change", () => {
    const all = `${stdout.split("    +-command")[0]}Resources:\n    + 25 to create\n`;
    assert.match(renderComment({ ...preview, stdout: all }), /^### Preview of `dev`: \+ 25 to create$/m);
    const outputs = `    --outputs:--\n  ~ url: "u5" => "u7"\nResources:\n    7 unchanged\n`;
    assert.match(renderComment({ ...preview, stdout: outputs }), /^### Preview of `dev`: changes of outputs only$/m);
  });

  it("says that nothing changes", () => {
    const nothing = "Previewing update (dev):\n  pulumi:pulumi:Stack: (same)\nResources:\n    7 unchanged\n";
    assert.equal(
      renderComment({ ...preview, stdout: nothing, runUrl: undefined }),
      "<!-- preview of stack dev -->\n\n### Preview of `dev`: no changes\n",
    );
  });

  it("shows why the preview failed", () => {
    const failed = { ...preview, failed: true, stdout: "", stderr: "error: A setting is wrong. Nothing was changed." };
    assert.match(
      renderComment(failed),
      /: failed\n\n```text\nerror: A setting is wrong\. Nothing was changed\.\n```\n/,
    );
  });

  it("shortens long changes and names those left out, within GitHub's limit", () => {
    const block = (name: string, lines: number) =>
      `    ~ command:remote:Command: (update)\n        [urn=urn:pulumi:dev::t::x::${name}]\n${"      + a line of some length that was added to a file\n".repeat(lines)}`;
    const names = Array.from({ length: 60 }, (_, index) => `app-${index}`);
    const long = renderComment({
      ...preview,
      stdout: `${names.map((name) => block(name, 100)).join("")}Resources:\n    ~ 60 to update\n    60 changes\n`,
    });
    assert.ok(long.length < 65_536, String(long.length));
    assert.match(long, /^### Preview of `dev`: 60 changes$/m);
    assert.match(long, /^ {2}… 41 more lines$/m);
    for (const name of names) assert.ok(long.includes(`! ${name} (`) !== long.includes(`\`~ ${name}\``), name);
  });

  it("contains no private key, and its text cannot close the fence", () => {
    const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----";
    const text = renderComment({ ...preview, stdout: stdout.replace("line 29", `\`\`\`\n${key}`) });
    assert.doesNotMatch(text, /AAAA|PRIVATE KEY/);
    assert.match(text, /^````diff$/m);
    const failed = renderComment({ ...preview, failed: true, stderr: `error: ${key.slice(0, 50)}` });
    assert.doesNotMatch(failed, /PRIVATE KEY/);
  });
});

describe("posting the comment", () => {
  let gitHub: GitHub;
  beforeEach(async () => {
    gitHub = await GitHub.start();
  });
  afterEach(() => {
    gitHub.stop();
    removeProjectFolders();
  });

  function pullRequest() {
    const event = put(join(projectFolder(), "event.json"), JSON.stringify({ pull_request: { number: 7 } }));
    return pullRequestOf(gitHub.variables(event));
  }

  it("creates the comment once and replaces its text the next time", async () => {
    gitHub.comments = Array.from({ length: 150 }, (_, index) => ({
      ...{ id: index + 1, body: "me too" },
      user: { login: "jo", type: "User" },
    }));
    const mark = marker("dev");
    await postComment(pullRequest(), mark, `${mark} first`);
    await postComment(pullRequest(), mark, `${mark} second`);
    const list = "/repos/acme/site/issues/7/comments?per_page=100&page=";
    assert.deepEqual(gitHub.requests, [
      `GET ${list}1 Bearer token`,
      `GET ${list}2 Bearer token`,
      "POST /repos/acme/site/issues/7/comments Bearer token",
      `GET ${list}1 Bearer token`,
      `GET ${list}2 Bearer token`,
      "PATCH /repos/acme/site/issues/comments/151 Bearer token",
    ]);
    assert.deepEqual(
      gitHub.comments.filter(({ body }) => body.startsWith(mark)).map(({ body }) => body),
      [`${mark} second`],
    );
  });

  it("leaves comments of others alone, whatever they begin with", async () => {
    const mark = marker("dev");
    const others = [
      { login: "jo", type: "User" },
      { login: "github-actions", type: "User" },
      { login: "dependabot[bot]", type: "Bot" },
      null, // whose account was deleted
    ].map((user, index) => ({ id: index + 1, body: `${mark} forged`, user }));
    gitHub.comments = [...others];
    await postComment(pullRequest(), mark, `${mark} first`);
    await postComment(pullRequest(), mark, `${mark} second`);
    assert.deepEqual(gitHub.comments.slice(0, 4), others);
    assert.deepEqual(
      gitHub.comments.slice(4).map(({ body }) => body),
      [`${mark} second`],
    );
  });

  it("reports a missing permission without the token", async () => {
    gitHub.status = 403;
    await assert.rejects(postComment(pullRequest(), marker("dev"), "text"), (error: Error) => {
      assert.match(error.message, /GitHub rejected the comment .*403/);
      assert.match(error.message, /pull-requests: write/);
      assert.doesNotMatch(error.message, /token/);
      return true;
    });
  });

  it("is posted in workflows only", () => {
    assert.throws(() => pullRequestOf({}), { name: "UserError", message: /leave --post out to print the comment/ });
    assert.equal(runUrl({}), undefined);
    assert.equal(
      runUrl({ GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "a/b", GITHUB_RUN_ID: "1" }),
      "https://github.com/a/b/actions/runs/1",
    );
  });
});
