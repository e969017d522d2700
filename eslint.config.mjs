import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", ".local/", "**/*.d.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: "tsconfig.check.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and booleans in texts are fine.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A component is made for what its constructor does.
      "@typescript-eslint/no-extraneous-class": "off",
      "no-new": "off",
    },
  },
  {
    files: ["test/**/*.ts", "bench/**/*.ts"],
    // What a run of another program prints as JSON is looked at piece by piece, and the pieces are what is tested.
    rules: Object.fromEntries(
      ["assignment", "return", "call", "member-access"].map((what) => [`@typescript-eslint/no-unsafe-${what}`, "off"]),
    ),
  },
  {
    files: ["test/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            ":matches(CallExpression[callee.object.name=assert][callee.property.name=ok], CallExpression[callee.name=assert])[arguments.length<2]",
          message: "Add a message that says what was expected and what to do.",
        },
      ],
    },
  },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
  prettier,
);
