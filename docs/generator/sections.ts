/** What docs/settings.md says about a section of settings, besides the table. */
export interface SectionText {
  title: string;
  introduction: string;
  /** Configuration that the schema accepts; the common settings and one kind together are a whole server. */
  example: string;
  /** Shown below the example. */
  notes?: string;
}

/** By topic (`apps`) or topic and server kind (`server.ssh`). A section without a text is an error. */
export const sectionTexts: Readonly<Record<string, SectionText>> = {
  server: {
    title: "Server",
    introduction:
      "Every server has these settings. `server.kind` selects where it runs, and each kind adds its own settings.",
    example: `
config:
  server:
    platform: debian12
    proxy: http://proxy.example.org:3128
    pipIndex: https://pypi.example.org/simple
    caCertificates: certificates/office.pem
`,
  },
  "server.container": {
    title: "Container",
    introduction: "A container on your computer that boots systemd. It listens on 127.0.0.1 only.",
    example: `
config:
  server:
    kind: container
    httpPort: 8081
    sshPort: 2223
`,
  },
  "server.ssh": {
    title: "Existing server (SSH)",
    introduction: "A server that you reach over SSH. See [Deploy to an existing server](existing-server.md).",
    example: `
config:
  server:
    kind: ssh
    address: server.example.org
    user: admin
    hostKey: |
      server.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEIpX7iDdplNYBHPIfURmArQXjYa+TLVjH98ESNXc1c0
`,
    notes: `
Set secrets on the command line, so that they are encrypted in the stack's file:

\`\`\`sh
pulumi config set --secret --path server.privateKey < ~/.ssh/id_ed25519
pulumi config set --secret --path server.sudoPassword    # prompts for the password
\`\`\`
`,
  },
  "server.aws": {
    title: "AWS",
    introduction: "An EC2 instance with a fixed address. See [Deploy to AWS](aws.md).",
    example: `
config:
  server:
    kind: aws
    region: eu-central-1
    sshCidrs:
      - 198.51.100.7/32
    instanceType: t4g.small
    dnsZone: example.org
`,
  },
  uwsgi: {
    title: "uWSGI",
    introduction: "Shared by all apps of the stack.",
    example: `
config:
  uwsgi:
    version: "2.0.31"
`,
  },
  apps: {
    title: "App",
    introduction: "`APP` stands for the name of an app. Without any `apps`, the stack deploys one sample app, `hello`.",
    example: `
config:
  apps:
    shop:
      source: ../shop
      module: shop:create_app()
      packages:
        - libpq-dev
      domains:
        - shop.example.org
      processes: 7
      healthCheck:
        path: /health
        contains: ok
      static:
        /static/: staticfiles
`,
    notes: `
The app also gets \`APP_NAME\`, \`APP_DATA\` (its folder for data) and \`APP_RELEASE\`. The engine passes at most 128 KB of settings.

Below the app's name:

\`\`\`yaml
environment: { DJANGO_SETTINGS_MODULE: shop.settings }
secrets: { SECRET_KEY: { generate: true } }
folders: [media]
files: [db.sqlite3]
\`\`\`

Secrets are environment variables of the app too. The stack generates those with \`generate\`. Set others, and what only pip needs, on the
command line, so that they are encrypted in the stack's file:

\`\`\`sh
pulumi config set --secret --path apps.shop.secrets.SECRET_KEY    # prompts for the value
pulumi config set --secret --path apps.shop.pip.secrets.TOKEN
\`\`\`

All other settings of an app are part of the state and of files on the server in clear text. Setting one of them with \`--secret\` is an
error.

See [What is packed](how-it-works.md#what-is-packed) for what of \`source\` is deployed.
`,
  },
};
