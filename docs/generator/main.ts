// Writes the generated documentation: npm run docs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { settingsPage } from "./settingsPage";

const file = "docs/settings.md";
writeFileSync(join(__dirname, "../..", file), settingsPage());
console.log(`${file} is up to date.`);
