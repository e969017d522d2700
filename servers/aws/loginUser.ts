import { platforms } from "../../platforms";
import type { AwsSettings } from "./schema";

/** The user of the settings, or of the platform's images. */
export function loginUser({ user, platform }: Pick<AwsSettings, "user" | "platform">): string {
  const name = user ?? platforms[platform].aws?.user;
  if (name === undefined) throw new Error(`The login user of ${platform}'s images is not known.`);
  return name;
}
