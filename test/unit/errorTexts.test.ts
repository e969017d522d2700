// Every error has the same form: what failed, in full sentences, "Nothing was changed." where that is true, and a fix.
import assert from "node:assert/strict";
import { type ErrorText, errorTexts, isUnknown } from "../support/errorTexts";
import { scriptErrors } from "../support/scriptErrors";

/** Where the texts of each layer are, and at least how many there are. */
const layers: Readonly<Record<string, { sources: readonly string[]; atLeast: number }>> = {
  scripts: { sources: ["assets/scripts", "assets/toolkit"], atLeast: 60 },
  toolchain: { sources: ["toolchain"], atLeast: 25 },
  settings: { sources: ["settings"], atLeast: 10 },
  servers: { sources: ["components", "servers", "index.ts"], atLeast: 3 },
  platforms: { sources: ["platforms", "rendering"], atLeast: 2 },
  workflows: { sources: [".github"], atLeast: 3 },
};

/** Words that a fix must not begin with, because they are not imperatives. */
const notImperative =
  /^(you|your|the|a|an|it|its|this|that|these|there|if|when|where|on|in|for|with|without|one|all|no|not|please|to|such|what|which|at|by)\b/;

/** Other ways to say that nothing was changed. */
const variants = [
  /nothing (was|is|has been|were) (touched|done|modified|altered|removed|made|written|deployed)/i,
  /nothing (is|has been|were) changed/i,
  /nothing was changed|Nothing was changed(?!\.)/,
  /\b(left|stays|stay|kept) as (it was|it is|they were|they are)\b/i,
  /\buntouched\b/i,
];

/** Sentences that say what is wrong with a text. */
function problems({ what, fix, followsKey, part }: ErrorText): string[] {
  const [sentences = ""] = what?.split("\n") ?? [];
  return [
    ...(part === "fix" || isUnknown(what) ? [] : whatProblems(sentences, followsKey ?? false)),
    ...(part === "what" || isUnknown(fix) ? [] : fixProblems(fix)),
    ...(/\byou should\b/i.test(`${what} ${fix}`) ? ['Do not say "you should".'] : []),
  ];
}

function whatProblems(what: string, followsKey: boolean): string[] {
  const startsWell = followsKey || /^([A-Z]|[a-z]+(\.\w+)+ )/.test(what);
  return [
    ...(startsWell ? [] : ["Begin with a capital letter or a setting's key."]),
    ...(what.endsWith(".") ? [] : ["End what failed with a full stop."]),
    ...(variants.some((variant) => variant.test(what)) ? ['Say "Nothing was changed." in these words.'] : []),
    ...(/Nothing was changed\.(?!$)/.test(what) ? ['Put "Nothing was changed." at the end of what failed.'] : []),
  ];
}

function fixProblems(fix: string | undefined): string[] {
  if (fix === undefined) return ["Add a fix."];
  return [
    ...(/^[a-z]+\b/.test(fix) && !notImperative.test(fix) ? [] : ["Begin the fix with an imperative in lower case."]),
    ...(/nothing was/i.test(fix) ? ['Move "Nothing was changed." from the fix to what failed.'] : []),
  ];
}

function report(error: ErrorText): string[] {
  const text = `    ${error.what?.split("\n")[0] ?? ""}\n    Fix: ${error.fix ?? ""}`;
  return problems(error).map((problem) => `${error.where}: ${problem}\n${text}`);
}

describe("error texts", () => {
  for (const [layer, { sources, atLeast }] of Object.entries(layers)) {
    it(`the errors of the ${layer} have the common form`, () => {
      const texts = sources.flatMap(errorTexts);
      assert.ok(
        texts.length >= atLeast,
        `Only ${texts.length} error texts were found in ${sources.join(", ")}, expected at least ${atLeast}. ` +
          "Teach test/support/errorTexts.ts how the layer makes its errors.",
      );
      const notChecked = texts.filter(({ what, fix }) => isUnknown(what) || isUnknown(fix)).map(({ where }) => where);
      if (notChecked.length > 0) console.log(`      only known at run time: ${notChecked.join(", ")}`);
      const found = texts.flatMap(report);
      assert.equal(found.length, 0, `${found.length} problems:\n${found.join("\n")}`);
    });
  }

  const good = { where: "", what: "This failed: x. Nothing was changed.", fix: "set x to y." };
  const bad: [string, Partial<ErrorText>][] = [
    ["Begin with a capital letter or a setting's key.", { what: "this failed." }],
    ["End what failed with a full stop.", { what: "This failed: x" }],
    ['Say "Nothing was changed." in these words.', { what: "This failed. Nothing was touched." }],
    ['Say "Nothing was changed." in these words.', { what: "This failed; nothing was changed." }],
    ['Put "Nothing was changed." at the end of what failed.', { what: "This failed. Nothing was changed. Really." }],
    ["Add a fix.", { fix: undefined }],
    ["Begin the fix with an imperative in lower case.", { fix: "The setting x must be set." }],
    ["Begin the fix with an imperative in lower case.", { fix: "you can set x." }],
    ['Do not say "you should".', { fix: "set x, or you should set y." }],
    ['Move "Nothing was changed." from the fix to what failed.', { fix: "set x. Nothing was changed." }],
  ];
  for (const [problem, change] of bad) {
    it(`a text with a mistake is reported: ${JSON.stringify(change)}`, () => {
      assert.deepEqual(problems(good), []);
      assert.deepEqual(problems({ ...good, ...change }), [problem]);
    });
  }

  it("texts of scripts are read with their values and over several lines", () => {
    const script = 'x\nfail "A $b is \\"$(cat "$c")\\"." \\\n  "${d:-set e}." "$f"\nquietly "Making g" g\n';
    assert.deepEqual(scriptErrors(script), [
      { line: 2, what: 'A $b is "…".', fix: "set e." },
      { line: 4, what: "Making g failed.", part: "what" },
    ]);
  });
});
