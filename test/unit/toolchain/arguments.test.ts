import assert from "node:assert/strict";
import { parseArguments } from "../../../toolchain/commands/arguments";

describe("the arguments of npm scripts", () => {
  const parse = (...argv: string[]) => {
    const { command, stack, args } = parseArguments(argv);
    return { command, stack, args };
  };

  it("name the stack first, by default 'local', and pass the flags on", () => {
    assert.deepEqual(parse("up"), { command: "up", stack: "local", args: [] });
    assert.deepEqual(parse("up", "--yes"), { command: "up", stack: "local", args: ["--yes"] });
    assert.deepEqual(parse("preview", "centos7", "--show-sames", "-j", "--target", "**x"), {
      command: "preview",
      stack: "centos7",
      args: ["--show-sames", "-j", "--target", "**x"],
    });
    assert.deepEqual(parse("env", "dev"), { command: "env", stack: "dev", args: [] });
    assert.equal(parse("destroy", "acme/site/prod").stack, "acme/site/prod");
  });

  it("keep the project's own flags from pulumi", () => {
    const destroy = parseArguments(["destroy", "dev", "--yes", "--server-gone"]);
    assert.equal(destroy.serverGone, true, "--server-gone is recognized");
    assert.deepEqual(destroy.args, ["--yes"]);
    const comment = parseArguments(["comment", "dev", "--post", "--refresh"]);
    assert.equal(comment.post, true, "--post is recognized");
    assert.deepEqual(comment.args, ["--refresh"]);
  });

  it("of `npm test` and `npm run proof` are passed on to mocha", () => {
    for (const command of ["test", "proof"]) {
      assert.deepEqual(parse(command, "--grep", "x").args, ["--grep", "x"]);
    }
  });

  it("of `npm run exec` name a stack, an app and a command, whose words stay as they are", () => {
    const words = ["python", "x.py", "--help", "a b", "", "--"];
    const expected = { command: "exec", stack: "dev", app: "hello", args: words, post: false, serverGone: false };
    assert.deepEqual(parseArguments(["exec", "dev", "hello", "--", ...words]), expected);
    assert.deepEqual(parseArguments(["exec", "dev", "hello", ...words]), expected, "npm may have removed the --");
  });

  it("ask for help", () => {
    assert.equal(parse("--help").command, "help");
    assert.equal(parse("up", "--help").command, "help");
  });

  const mistakes: [string[], RegExp][] = [
    [[], /No command/],
    [["fly"], /command 'fly' does not exist/],
    [["up", "../x"], /'\.\.\/x' is not a valid stack name/],
    [["up", ".."], /not a valid/],
    [["up", ""], /not a valid/],
    [["up", "a b"], /not a valid/],
    [["up", "local", "--stack", "other"], /is named without --stack/],
    [["up", "--stack=other"], /is named without --stack=other/],
    [["up", "local", "--server-gone"], /--server-gone is a flag of 'destroy'/],
    [["up", "local", "--post"], /--post is a flag of 'comment'/],
    [["start", "local", "--yes"], /'start' takes no flags, but '--yes'/],
    [["clean", "local"], /'clean' takes no arguments/],
    [["exec"], /'exec' needs a stack, an app and a command: npm run exec -- STACK APP -- COMMAND\./],
    [["exec", "local", "hello", "--"], /'exec' needs/],
    [["exec", "local", "--", "id"], /'exec' needs/],
    [["exec", "--help"], /'exec' needs/],
    [["exec", "../x", "hello", "id"], /'\.\.\/x' is not a valid stack name/],
    [["env", "--json"], /'env' takes no flags, but '--json'/],
  ];
  for (const [argv, message] of mistakes) {
    it(`are rejected with exit code 2: ${JSON.stringify(argv)}`, () => {
      assert.throws(() => parseArguments(argv), { name: "UserError", exitCode: 2, message });
    });
  }
});
