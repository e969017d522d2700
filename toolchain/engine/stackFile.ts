import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../common/paths";

/** What existed before the stack: no settings, settings with the line that decrypts secrets, or settings without it. */
type Before = "made" | "kept" | "salted";

/** The line that decrypts the settings' secrets, with a passphrase or with a cloud's key. */
const saltLine = /^encrypt(ionsalt|edkey):.*(\n|$)/m;

/** The settings of a stack, Pulumi.STACK.yaml, to which the engine adds a line when it creates the stack. */
export class StackFile {
  private readonly file: string;
  private readonly marker: string;

  constructor(root: string, stack: string) {
    this.file = join(root, `Pulumi.${stack}.yaml`);
    this.marker = join(paths(root).stacks, stack);
  }

  read(): string | undefined {
    return existsSync(this.file) ? readFileSync(this.file, "utf8") : undefined;
  }

  /** Records what `restore` must leave. */
  recordBefore(): void {
    mkdirSync(join(this.marker, ".."), { recursive: true });
    if (!existsSync(this.marker)) writeFileSync(this.marker, this.before());
  }

  private before(): Before {
    const text = this.read();
    return text === undefined ? "made" : saltLine.test(text) ? "kept" : "salted";
  }

  /** The engine rewrites the file without its comments: this keeps the user's text and adds the engine's line. */
  async keepText(work: () => Promise<unknown>): Promise<void> {
    const [text, before] = [this.read(), this.before()];
    await work();
    if (text === undefined || before !== "salted") return;
    const [salt = ""] = saltLine.exec(this.read() ?? "") ?? [];
    writeFileSync(this.file, text.replace(/\n?$/, "\n") + salt);
  }

  /** Removes what was added for the stack. */
  restore(): void {
    const before = existsSync(this.marker) ? readFileSync(this.marker, "utf8") : undefined;
    if (before === "made") rmSync(this.file, { force: true });
    const text = this.read();
    if (before === "salted" && text !== undefined && withoutSalt(text) !== text) {
      writeFileSync(this.file, withoutSalt(text));
    }
    rmSync(this.marker, { force: true });
  }
}

/** Without the line that `stack init` adds, unless the settings contain secrets, which need it. */
export function withoutSalt(settings: string): string {
  return /^\s+(- )?"?secure"?:/m.test(settings) ? settings : settings.replace(saltLine, "");
}

export function secretsProvider(settings: string): string | undefined {
  return /^secretsprovider:\s*["']?([^\s"'#]+)/m.exec(settings)?.[1];
}
