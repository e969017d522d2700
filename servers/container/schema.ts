import { z } from "zod";
import { platforms, type Platform } from "../../platforms";
import { ownLoginKey } from "../../settings/login";
import { commonServerSettings } from "../../settings/serverCommon";
import { port, setting } from "../../settings/setting";

const all: readonly Platform[] = Object.values(platforms);
const variables = all.flatMap(({ container }) => container.rootFilesystemVariable ?? []);
const [exampleImage] = all.flatMap(({ container }) => container.image ?? []);

export const containerSchema = z.strictObject({
  kind: z.literal("container"),
  ...commonServerSettings,
  image: setting(
    z
      .string()
      .regex(/^[a-z0-9][\w./:@-]*$/)
      .optional(),
    {
      meaning:
        "Image with systemd that the container is created from; sshd is installed if the image does not have it.",
      allowed: `a reference that the container engine can pull${exampleImage ? `, such as ${exampleImage}` : ""}`,
      defaultText: "one that `npm start` builds, where the platform has one",
    },
  ),
  rootFilesystem: setting(z.string().min(1).optional(), {
    meaning: `Root file system in place of an image. The environment variable ${variables.map((it) => `\`${it}\``).join(", ")} overrides it and the image.`,
    allowed: "the path of a tar archive or of a folder",
    defaultText: "none",
  }),
  httpPort: setting(port().default(8080), {
    meaning: "TCP port on 127.0.0.1 of your computer that leads to the server's port 80.",
    allowed: "a port from 1 to 65535",
  }),
  sshPort: setting(port().default(2222), {
    meaning: "TCP port on 127.0.0.1 of your computer that leads to the server's sshd.",
    allowed: "a port from 1 to 65535",
  }),
  privateKey: ownLoginKey(),
});

export type ContainerSettings = z.output<typeof containerSchema>;
