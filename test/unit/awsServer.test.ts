// The exact inputs and options of a server on AWS, with Pulumi's mocks.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { RemoteStep } from "../../components/remoteStep";
import { platforms } from "../../platforms";
import { inlineScript, script } from "../../rendering/assets";
import { ed25519KeyPair } from "../../rendering/sshKey";
import { renderUserData } from "../../rendering/userData";
import { loginUser } from "../../servers/aws/loginUser";
import { AwsServer } from "../../servers/aws/server";
import { serverSchema } from "../../servers/registry";
import {
  type Cloud,
  input,
  made,
  options,
  password,
  recordOptions,
  revealed,
  settled,
  startMocks,
} from "../support/mocks";

const keys = ed25519KeyPair(createHash("sha256").update(password).digest());
const ami = "ami-0123456789abcdef0";
const subnetId = "subnet-0123456789abcdef0";

/** An AWS account in which every look-up succeeds, except for those that a test replaces. */
function cloud(answers: Record<string, unknown> = {}): Cloud {
  const lookUps: Record<string, unknown> = {
    getAmiIds: { ids: [ami, "ami-0aaaaaaaaaaaaaaaa"] },
    getAmi: { architecture: "x86_64", platform: "" },
    getInstanceType: { supportedArchitectures: ["i386", "x86_64"] },
    getSubnet: { vpcId: "vpc-1", ipv6CidrBlock: "2001:db8::/64" },
    getRouteTable: { routeTableId: "rtb-1", routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }] },
    getZone: { zoneId: "Z1" },
    ...answers,
  };
  return {
    lookUp: (token) => {
      const answer = lookUps[token.split(":").at(-1) ?? ""];
      if (answer instanceof Error) throw answer;
      return answer as Record<string, unknown>;
    },
    outputs: (type) => (type.endsWith(":Eip") ? { publicIp: "192.0.2.7" } : { name: "made-up", keyName: "key" }),
  };
}

function make(settings: Record<string, unknown> = {}, domains: string[] = []): AwsServer {
  const parsed = serverSchema.parse({
    kind: "aws",
    region: "eu-central-1",
    sshCidrs: ["198.51.100.7/32"],
    ...settings,
  });
  assert.equal(parsed.kind, "aws");
  const { platform } = parsed;
  const args = { ...parsed, user: loginUser(parsed), platform: platforms[platform], domains };
  return new AwsServer("server", args, recordOptions);
}

/** The error of the preflight checks before the server is created or updated; undefined if they pass. */
async function preflight(
  when: "beforeCreate" | "beforeUpdate",
  inputs: { newInputs: Record<string, unknown>; oldInputs?: Record<string, unknown> },
): Promise<string | undefined> {
  const hook = options.get("server")?.hooks?.[when]?.[0];
  assert.ok(hook instanceof pulumi.ResourceHook, `the server has no hook ${when}`);
  assert.equal(hook.opts?.onDryRun, true, "preflight checks must run in a preview too");
  try {
    await hook.callback({ urn: "", id: "", name: "server", type: "", ...inputs });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
const preflightCreate = (newInputs: Record<string, unknown> = { ami }) => preflight("beforeCreate", { newInputs });

/** A failed look-up. The SDK reads the details, as in an error of gRPC. */
const failure = (details: string) => Object.assign(new Error(), { details });

describe("AwsServer", () => {
  it("a server on AWS is an instance with an encrypted disk, a firewall and IMDSv2 only", async () => {
    await startMocks(false, cloud());
    const server = make();
    assert.equal(await settled(server.identity), "server-id");
    await pulumi.runtime.disconnect();
    const { userData, ...inputs } = input("server");
    assert.deepEqual(inputs, {
      ami,
      instanceType: "t3.micro",
      vpcSecurityGroupIds: ["server-firewall-id"],
      keyName: "key",
      userDataReplaceOnChange: true,
      rootBlockDevice: { volumeType: "gp3", volumeSize: 10, encrypted: true },
      volumeTags: { Project: "uwsgi-nginx", Stack: "test", Name: "uwsgi-nginx-test" },
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      creditSpecification: { cpuCredits: "standard" },
      disableApiTermination: false,
      forceDestroy: true,
      monitoring: false,
      tags: { Name: "uwsgi-nginx-test" },
    });
    assert.notEqual(
      revealed(userData),
      userData,
      "user-data must be a secret, because it contains the server's private key",
    );
    assert.equal(revealed(userData), renderUserData({ hostKey: keys }));
    assert.deepEqual(options.get("server")?.additionalSecretOutputs, ["userData"]);

    assert.deepEqual(input("server-firewall"), {
      description: "SSH and web of the server",
      ingress: [
        { protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["198.51.100.7/32"] },
        { protocol: "tcp", fromPort: 80, toPort: 80, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] },
        { protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] },
      ],
      egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] }],
      tags: { Name: "uwsgi-nginx-test" },
    });
    assert.deepEqual(input("server-login"), { publicKey: keys.publicKey });
    // Whatever replaces the server also replaces its host key, so that the old server cannot be mistaken for the new one.
    assert.deepEqual(input("server-host-key").keepers, {
      ami,
      subnet: "default",
      login: keys.publicKey,
      ssm: "false",
    });
    assert.deepEqual(input("server-running"), { instanceId: "server-id", state: "running" });
    assert.deepEqual(input("server-address"), {
      domain: "vpc",
      instance: "server-id",
      tags: { Name: "uwsgi-nginx-test" },
    });
    assert.equal(input("server-aws").region, "eu-central-1");
    assert.equal(input("server-aws").defaultTags, JSON.stringify({ tags: { Project: "uwsgi-nginx", Stack: "test" } }));
  });

  it("a server on AWS has booted before any other resource connects to it, and its host key is pinned from the first connection", async () => {
    await startMocks(false, cloud());
    const server = make();
    const connection = {
      host: "192.0.2.7",
      port: 22,
      user: "admin",
      privateKey: keys.privateKey,
      hostKey: keys.publicKey,
    };
    assert.deepEqual(await settled(server.connection), connection);
    await pulumi.runtime.disconnect();
    const { connection: used, ...inputs } = input("server-wait-for-boot");
    assert.deepEqual(revealed(used), { ...connection, dialErrorLimit: 60, perDialTimeout: 5 });
    assert.deepEqual(inputs, {
      create: "bash -s",
      stdin: script("wait-for-boot.sh", {
        parameters: {
          timeout: "600",
          notice: "/run/uwsgi-nginx-boot-notice",
          check_sudo: inlineScript("check-sudo.sh"),
        },
      }),
      triggers: ["server-id"],
      addPreviousOutputInEnv: false,
    });
    assert.equal(options.get("server-wait-for-boot")?.deletedWith, server.deletedWith);
    assert.equal(
      await settled(server.sshCommand),
      "ssh -i .local/servers/test/id_ed25519 -o IdentitiesOnly=yes -o UserKnownHostsFile=.local/servers/test/known_hosts admin@192.0.2.7",
    );
    assert.equal(revealed(input("server-login-files").stdin), `192.0.2.7 ${keys.publicKey}\n${keys.privateKey}`);
  });

  it("a server on AWS is not cleaned up if another server has taken its address", async () => {
    await startMocks(false, cloud());
    const server = make();
    await settled(new RemoteStep("step", { server, command: ["bash", "a b"], stdin: "" }).id);
    const guard = `[ "$(cat /var/lib/cloud/data/instance-id)" != server-id ] || `;
    assert.equal(input("step").delete, `${guard}sudo -n bash 'a b' down`);
  });

  it("a server on AWS keeps its image when a newer one is published", async () => {
    let asked: Record<string, unknown> | undefined;
    await startMocks(false, { ...cloud(), lookUp: (_, inputs) => ((asked = inputs), { ids: [ami] }) });
    await settled(make().identity);
    assert.deepEqual(asked, {
      owners: ["136693071363"],
      filters: [{ name: "name", values: ["debian-12-amd64-2*"] }],
      includeDeprecated: true,
      sortAscending: false,
    });
    assert.deepEqual(options.get("server")?.ignoreChanges, ["ami", "ipv6AddressCount"]);
    assert.deepEqual(options.get("server-host-key")?.ignoreChanges, ["keepers.ami"]);
  });

  it("a server on AWS uses the user's own image without looking up another", async () => {
    const own = "ami-0bbbbbbbbbbbbbbbb";
    await startMocks(false, { ...cloud(), lookUp: (token) => assert.fail(`unexpected look-up: ${token}`) });
    await settled(make({ amiId: own }).identity);
    assert.equal(input("server").ami, own);
    assert.deepEqual(options.get("server")?.ignoreChanges, ["ipv6AddressCount"]);
    assert.deepEqual(options.get("server-host-key")?.ignoreChanges, []);
  });

  it("a server on AWS can run CentOS 7, with its official image, login user and SSM agent", async () => {
    let asked: Record<string, unknown> | undefined;
    const { lookUp, outputs } = cloud();
    await startMocks(false, {
      outputs,
      lookUp: (token, inputs) => {
        if (token.endsWith(":getAmiIds")) asked = inputs;
        return lookUp?.(token, inputs) ?? {};
      },
    });
    const server = make({ platform: "centos7", ssmAccess: true });
    assert.equal((await settled(server.connection)).user, "centos");
    await pulumi.runtime.disconnect();
    assert.deepEqual(asked, {
      owners: ["125523088429"],
      filters: [{ name: "name", values: ["CentOS Linux 7 x86_64 - 2211"] }],
      includeDeprecated: true,
      sortAscending: false,
    });
    const userData = String(revealed(input("server").userData));
    const url = "https://s3.eu-central-1.amazonaws.com/amazon-ssm-eu-central-1/latest/linux_amd64/amazon-ssm-agent.rpm";
    assert.ok(userData.includes(`url=${url} `), userData);
    assert.ok(userData.includes("'install=rpm --install'"), userData);
    assert.throws(
      () => make({ platform: "centos7", instanceType: "t4g.small" }),
      /CentOS 7 has no official image for arm64/,
    );
  });

  it("a server on AWS applies each setting", async () => {
    await startMocks(false, cloud({ getAmi: { architecture: "arm64", platform: "" } }));
    const own = ed25519KeyPair(Buffer.alloc(32, 2));
    const server = make(
      {
        instanceType: "t4g.small",
        subnetId,
        rootVolumeGib: 40,
        webCidrs: ["203.0.113.0/24"],
        publicKey: own.publicKey,
        dnsZone: "example.org",
        ssmAccess: true,
        terminationProtection: true,
        detailedMonitoring: true,
      },
      ["a.example.org", "b.example.org", "a.example.org"],
    );
    const connection = await settled(server.connection);
    await pulumi.runtime.disconnect();
    assert.equal(connection.privateKey, undefined, "the private key must stay in the ssh-agent");
    assert.ok(!made.has("server-login-key"), "with a public key in the settings the stack must not have a private one");
    assert.match(
      String(revealed(input("server-login-files").stdin)),
      /^.+\n$/,
      "only the server's line in known_hosts",
    );
    assert.equal(input("server-login").publicKey, own.publicKey);
    const { instanceType, subnetId: subnet, ipv6AddressCount, rootBlockDevice } = input("server");
    assert.deepEqual(
      { instanceType, subnet, ipv6AddressCount, rootBlockDevice },
      {
        instanceType: "t4g.small",
        subnet: subnetId,
        ipv6AddressCount: 1,
        rootBlockDevice: { volumeType: "gp3", volumeSize: 40, encrypted: true },
      },
    );
    assert.equal(input("server").disableApiTermination, true);
    assert.equal(input("server").monitoring, true);
    assert.equal(input("server").iamInstanceProfile, "made-up");
    assert.equal(
      revealed(input("server").userData),
      renderUserData({
        hostKey: keys,
        ssmAgent: { platform: platforms.debian12, architecture: "arm64", region: "eu-central-1" },
      }),
    );
    assert.equal(input("server-firewall").vpcId, "vpc-1");
    assert.deepEqual((input("server-firewall").ingress as unknown[])[1], {
      protocol: "tcp",
      fromPort: 80,
      toPort: 80,
      cidrBlocks: ["203.0.113.0/24"],
    });
    assert.deepEqual(
      ["server-dns-a.example.org", "server-dns-b.example.org"].map((name) => input(name)),
      ["a.example.org", "b.example.org"].map((name) => ({
        zoneId: "Z1",
        name,
        type: "A",
        ttl: 300,
        records: ["192.0.2.7"],
      })),
    );
  });

  it("a server on AWS with the SSM agent has a role that only opens sessions, and nothing else can be added to it", async () => {
    await startMocks(false, cloud());
    await settled(make({ ssmAccess: true }).identity);
    const { policy, ...of } = input("server-ssm-policy");
    assert.deepEqual(of, { role: "made-up" });
    assert.deepEqual(JSON.parse(String(policy)), {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
          ],
          Resource: "*",
        },
      ],
    });
    const { assumeRolePolicy, ...role } = input("server-ssm-role");
    assert.deepEqual(role, {
      path: "/uwsgi-nginx/",
      permissionsBoundary: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    });
    assert.deepEqual(JSON.parse(String(assumeRolePolicy)).Statement, [
      { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
    ]);
    assert.deepEqual(input("server-ssm-profile"), { path: "/uwsgi-nginx/", role: "made-up" });
    assert.deepEqual([...made.keys()].filter((name) => name.startsWith("server-ssm")).sort(), [
      "server-ssm-policy",
      "server-ssm-profile",
      "server-ssm-role",
    ]);
  });

  it("a server on AWS protects its keys, firewall and address along with itself if termination protection is on", async () => {
    const names = [
      "server",
      "server-host-key",
      "server-login-key",
      "server-login",
      "server-firewall",
      "server-address",
    ];
    for (const terminationProtection of [true, false]) {
      await startMocks(false, cloud());
      await settled(make({ terminationProtection }).identity);
      assert.deepEqual([...new Set(names.map((name) => options.get(name)?.protect))], [terminationProtection]);
    }
  });

  it("a server on AWS is not changed if the new instance type does not exist or its volume would shrink", async () => {
    await startMocks(false, cloud({ getInstanceType: failure("InvalidInstanceType") }));
    await settled(make({ instanceType: "t3.mikro" }).identity);
    const volume = (volumeSize: number) => ({ rootBlockDevice: { volumeSize } });
    const oldInputs = { instanceType: "t3.micro", ...volume(20) };
    assert.equal(
      await preflight("beforeUpdate", { oldInputs, newInputs: { instanceType: "t3.mikro", ...volume(10) } }),
      [
        "The server was not changed, because preflight checks failed.",
        "  - The instance type t3.mikro in eu-central-1 cannot be looked up: InvalidInstanceType.",
        "    Fix: set server.instanceType to one that `aws ec2 describe-instance-types` lists.",
        "  - The root volume has 20 GiB and cannot shrink to 10.",
        "    Fix: set server.rootVolumeGib to 20.",
      ].join("\n"),
    );
    assert.equal(await preflight("beforeUpdate", { oldInputs, newInputs: { ...oldInputs, ...volume(30) } }), undefined);
  });

  it("a server on AWS can be previewed before it exists", async () => {
    await startMocks(true, cloud());
    const server = make({ ssmAccess: true, dnsZone: "example.org" }, ["a.example.org"]);
    await Promise.all([settled(server.urn), pulumi.runtime.disconnect()]);
    assert.equal(input("server").ami, ami);
    assert.equal(input("server-wait-for-boot").create, "bash -s");
    assert.equal(input("server-dns-a.example.org").name, "a.example.org");
  });

  const failures: [
    title: string,
    given: { answers?: Record<string, unknown>; settings?: Record<string, unknown>; ami?: string },
    problem: string,
    fix: string,
  ][] = [
    [
      "a server on AWS is not created in a region without the official image",
      { ami: "none-found" },
      'The region eu-central-1 has no image "debian-12-amd64-2*" of Debian 12\'s account 136693071363.',
      "set server.amiId to an image of your own, or server.region to another region.",
    ],
    [
      "a server on AWS is not created with an image that does not exist",
      { answers: { getAmi: failure("Your query returned no results.") } },
      `The image ${ami} in eu-central-1 cannot be looked up: Your query returned no results.`,
      "set server.amiId to an image that exists there and that this account may use.",
    ],
    [
      "a server on AWS is not created with an instance type that does not exist",
      { answers: { getInstanceType: failure("InvalidInstanceType") }, settings: { instanceType: "t3.mikro" } },
      "The instance type t3.mikro in eu-central-1 cannot be looked up: InvalidInstanceType.",
      "set server.instanceType to one that `aws ec2 describe-instance-types` lists.",
    ],
    [
      "a server on AWS is not created from an image for another architecture",
      { answers: { getAmi: { architecture: "arm64", platform: "" } }, settings: { amiId: ami } },
      `The image ${ami} is built for arm64, but t3.micro is i386 or x86_64.`,
      "change server.instanceType or server.amiId.",
    ],
    [
      "a server on AWS is not created from an image of Windows",
      { answers: { getAmi: { architecture: "x86_64", platform: "windows" } }, settings: { amiId: ami } },
      `The image ${ami} contains Windows.`,
      "set server.amiId to an image of Debian 12.",
    ],
    [
      "a server on AWS is not created with the DNS zone of another account",
      { answers: { getZone: failure("no matching zone") }, settings: { dnsZone: "example.com" } },
      "The zone example.com cannot be looked up: no matching zone.",
      "set server.dnsZone to one that `aws route53 list-hosted-zones` lists, or remove it.",
    ],
    [
      "a server on AWS is not created in a subnet that the internet cannot reach",
      {
        answers: { getRouteTable: { routeTableId: "rtb-1", routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "" }] } },
        settings: { subnetId },
      },
      `The subnet ${subnetId} has no route to an internet gateway, so the server would be unreachable.`,
      "add a route to rtb-1, or set server.subnetId to a public subnet.",
    ],
  ];
  for (const [title, { answers, settings, ami: requested = ami }, problem, fix] of failures) {
    it(title, async () => {
      await startMocks(false, cloud(answers));
      await settled(make(settings).identity);
      const expected = [
        "The server was not created, because preflight checks failed.",
        `  - ${problem}`,
        `    Fix: ${fix}`,
      ];
      assert.equal(await preflightCreate({ ami: requested }), expected.join("\n"));
    });
  }

  it("a server on AWS is created in a subnet that uses the main route table of its VPC", async () => {
    const { lookUp, outputs } = cloud();
    await startMocks(false, {
      outputs,
      lookUp: (token, inputs) => {
        if (token.endsWith(":getRouteTable") && inputs.subnetId) throw new Error("no matching route table found");
        return lookUp?.(token, inputs) ?? {};
      },
    });
    await settled(make({ subnetId }).identity);
    assert.equal(await preflightCreate(), undefined);
  });
});
