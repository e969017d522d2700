// The policies in docs/aws.md allow what the program's resources need, and nothing else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { tokens } from "../support/cloud";
import { root } from "../support/root";

/** The API actions that the provider calls for each type: to read it, and to create, update and delete it. */
const actions: Record<string, { read: string[]; write?: string[] }> = {
  "aws:ec2/instance:Instance": {
    read: [
      "ec2:DescribeInstanceAttribute",
      "ec2:DescribeInstanceCreditSpecifications",
      "ec2:DescribeInstances",
      "ec2:DescribeInstanceTypes",
      "ec2:DescribeTags",
      "ec2:DescribeVolumes",
    ],
    write: [
      "ec2:CreateTags",
      "ec2:DeleteTags",
      "ec2:DescribeVolumesModifications",
      "ec2:ModifyInstanceAttribute",
      "ec2:ModifyInstanceCreditSpecification",
      "ec2:ModifyInstanceMetadataOptions",
      "ec2:ModifyVolume",
      "ec2:MonitorInstances",
      "ec2:RunInstances",
      "ec2:StartInstances",
      "ec2:StopInstances",
      "ec2:TerminateInstances",
      "ec2:UnmonitorInstances",
      "iam:PassRole",
    ],
  },
  "aws:ec2transitgateway/instanceState:InstanceState": {
    read: ["ec2:DescribeInstanceStatus", "ec2:DescribeInstances"],
    write: ["ec2:StartInstances"],
  },
  "aws:ec2/securityGroup:SecurityGroup": {
    read: ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"],
    write: [
      "ec2:AuthorizeSecurityGroupEgress",
      "ec2:AuthorizeSecurityGroupIngress",
      "ec2:CreateSecurityGroup",
      "ec2:CreateTags",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteTags",
      "ec2:RevokeSecurityGroupEgress",
      "ec2:RevokeSecurityGroupIngress",
    ],
  },
  "aws:ec2/keyPair:KeyPair": {
    read: ["ec2:DescribeKeyPairs"],
    write: ["ec2:CreateTags", "ec2:DeleteKeyPair", "ec2:DeleteTags", "ec2:ImportKeyPair"],
  },
  "aws:ec2/eip:Eip": {
    read: ["ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute"],
    write: [
      "ec2:AllocateAddress",
      "ec2:AssociateAddress",
      "ec2:CreateTags",
      "ec2:DeleteTags",
      "ec2:DisassociateAddress",
      "ec2:ReleaseAddress",
    ],
  },
  "aws:route53/record:Record": {
    read: ["route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets"],
    write: ["route53:ChangeResourceRecordSets"],
  },
  "aws:iam/role:Role": {
    read: [
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
    ],
    write: ["iam:CreateRole", "iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy"],
  },
  "aws:iam/rolePolicy:RolePolicy": {
    read: ["iam:GetRolePolicy"],
    write: ["iam:DeleteRolePolicy", "iam:PutRolePolicy"],
  },
  "aws:iam/instanceProfile:InstanceProfile": {
    read: ["iam:GetInstanceProfile"],
    write: [
      "iam:AddRoleToInstanceProfile",
      "iam:CreateInstanceProfile",
      "iam:DeleteInstanceProfile",
      "iam:RemoveRoleFromInstanceProfile",
      "iam:TagInstanceProfile",
      "iam:UntagInstanceProfile",
    ],
  },
  "aws:ec2/getAmi:getAmi": { read: ["ec2:DescribeImages"] },
  "aws:ec2/getAmiIds:getAmiIds": { read: ["ec2:DescribeImages"] },
  "aws:ec2/getInstanceType:getInstanceType": { read: ["ec2:DescribeInstanceTypes"] },
  "aws:ec2/getSubnet:getSubnet": { read: ["ec2:DescribeSubnets"] },
  "aws:ec2/getRouteTable:getRouteTable": { read: ["ec2:DescribeRouteTables"] },
  "aws:route53/getZone:getZone": { read: ["route53:ListHostedZones", "route53:ListTagsForResource"] },
};
/** The stack's state in S3, and its data key, encrypted by KMS when the stack was created. */
const state = {
  read: ["kms:Decrypt", "s3:GetObject", "s3:ListBucket"],
  write: ["s3:DeleteObject", "s3:PutObject"],
};

interface Statement {
  Sid: string;
  Effect: string;
  Action: string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, unknown>>;
}
const policy = (name: string): Statement[] =>
  JSON.parse(fs.readFileSync(path.join(root, "docs/iam", `${name}.json`), "utf8")).Statement;
const allowed = (name: string) => [...new Set(policy(name).flatMap(({ Action }) => Action))].sort();
const needed = (kinds: ("read" | "write")[]) =>
  [...new Set([...Object.values(actions), state].flatMap((it) => kinds.flatMap((kind) => it[kind] ?? [])))].sort();

describe("docs/iam", () => {
  it("the IAM policies cover every resource type that the program uses, and no other", () => {
    assert.deepEqual(Object.keys(actions).sort(), [...tokens].sort());
    // The program's classes and functions of the SDK are those that the fake AWS knows.
    const folder = path.join(root, "servers/aws");
    const sources = fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
    const used = sources.flatMap((text) =>
      [...text.matchAll(/\b(ec2|ec2transitgateway|iam|route53)\s*\.(get)?([A-Z]\w+?)(?:Output)?\(/g)].map(
        ([, module, get = "", name]) => `${module}:${get}${name}`,
      ),
    );
    const known = tokens.map((token) => {
      const [, module = "", name] = token.split(":");
      return `${module.split("/")[0]}:${name}`;
    });
    assert.deepEqual([...new Set(used)].sort(), known.sort());
  });

  it("the IAM policy for previews only allows reading", () => {
    assert.deepEqual(allowed("preview"), needed(["read"]));
  });

  it("the IAM policy for deployments only allows what the resources need", () => {
    assert.deepEqual(allowed("deploy"), needed(["read", "write"]));
  });

  it("the IAM policies only allow changes in one region, of resources with the project's tag, and CreateTags cannot add that tag to others", () => {
    const made = ["AllocateAddress", "CreateSecurityGroup", "ImportKeyPair", "RunInstances"];
    const region = { "aws:RequestedRegion": "REGION" };
    const changes = policy("deploy").filter(({ Action }) => Action.some((it) => /^ec2:(?!Describe)/.test(it)));
    assert.deepEqual(
      changes.map(({ Sid, Condition }) => [Sid, Condition]),
      [
        ["Make", { StringEquals: region }],
        [
          "TagWhatIsMade",
          { StringEquals: { ...region, "aws:RequestTag/Project": "PROJECT", "ec2:CreateAction": made } },
        ],
        ["ChangeOwn", { StringEquals: { ...region, "aws:ResourceTag/Project": "PROJECT" } }],
        ["GiveOwnAddressToInterfaces", { StringEquals: region }],
      ],
    );
    const of = (sid: string) => {
      const { Action = [], Resource } = changes.find(({ Sid }) => Sid === sid) ?? {};
      return { actions: Action, resources: [Resource].flat() };
    };
    assert.deepEqual(
      of("Make").actions,
      made.map((it) => `ec2:${it}`),
    );
    assert.deepEqual(of("TagWhatIsMade").actions, ["ec2:CreateTags"]);
    // EC2 checks the address and the interface, which has no tags. The address must be the project's.
    const { actions, resources } = of("GiveOwnAddressToInterfaces");
    assert.deepEqual(resources, ["arn:aws:ec2:REGION:ACCOUNT:network-interface/*"]);
    for (const action of actions) assert.ok(of("ChangeOwn").actions.includes(action), action);
    assert.deepEqual(
      of("ChangeOwn").resources,
      ["elastic-ip", "instance", "key-pair", "security-group", "volume"].map(
        (type) => `arn:aws:ec2:REGION:ACCOUNT:${type}/*`,
      ),
    );
  });

  it("the IAM policies only reach this project's objects in the bucket of states", () => {
    const ofProject = /^arn:aws:s3:::BUCKET\/\.pulumi\/(backups|history|locks\/organization|stacks)\/PROJECT\/\*$/;
    for (const name of ["preview", "deploy"]) {
      for (const { Action, Resource } of policy(name).filter(({ Action }) =>
        Action.some((it) => it.startsWith("s3:")),
      )) {
        // Without it, S3 answers for an object that does not exist as for one that is forbidden.
        if (Action.join() === "s3:ListBucket") continue;
        const others = [Resource].flat().filter((it) => !ofProject.test(it));
        // Every project's engine reads the version of the folder's layout.
        assert.deepEqual(others, Action.join() === "s3:GetObject" ? ["arn:aws:s3:::BUCKET/.pulumi/meta.yaml"] : []);
      }
    }
  });

  it("the IAM policies only allow roles in the project's path, for EC2, which cannot do more than the SSM agent", () => {
    const changes = policy("deploy").filter(({ Action }) => Action.some((it) => /^iam:(?!Get|List)/.test(it)));
    for (const { Resource } of changes)
      for (const resource of [Resource].flat())
        assert.match(resource, /^arn:aws:iam::ACCOUNT:(role|instance-profile)\/PROJECT\/\*$/);
    const conditionOf = (action: string) =>
      changes.filter(({ Action }) => Action.includes(action)).map(({ Condition }) => Condition);
    // Otherwise a deployment could give a server, and so itself, every permission.
    const boundary = { "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" };
    for (const action of ["iam:CreateRole", "iam:PutRolePolicy"])
      assert.deepEqual(conditionOf(action), [{ StringEquals: boundary }]);
    assert.deepEqual(conditionOf("iam:PassRole"), [{ StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } }]);
    const forbidden = ["AttachRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"];
    assert.deepEqual(
      allowed("deploy").filter((it) => forbidden.includes(it.slice("iam:".length))),
      [],
    );
    for (const { Action, Resource } of policy("deploy"))
      if (Action.some((it) => /^(kms|route53):(?!Get|List)/.test(it))) assert.notEqual(Resource, "*");
  });

  it("the IAM policies are filled in by the commands in docs/aws.md, into files that git ignores", () => {
    const text = fs.readFileSync(path.join(root, "docs/aws.md"), "utf8");
    const commands = [...text.matchAll(/^ *```sh\n([^]*?)```/gm)].map(([, code = ""]) => code);
    const fill = commands.find((code) => code.includes("docs/iam/*.json"));
    assert.ok(fill, "docs/aws.md has no command that fills in docs/iam/*.json");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "policies-"));
    try {
      fs.cpSync(path.join(root, "docs/iam"), path.join(folder, "docs/iam"), { recursive: true });
      const names = {
        REGION: "eu-central-1",
        BUCKET: "b",
        REPOSITORY: "acme/site",
        ZONE: "z1",
        ACCOUNT: "123456789012",
      };
      const env = { ...process.env, ...names, KEY: "k1", PROJECT: "site" };
      execFileSync("bash", ["-euc", fill], { cwd: folder, env });
      const files = fs.readdirSync(path.join(folder, ".local/iam")).sort();
      assert.deepEqual(files, ["deploy.json", "preview.json", "trust-deploy.json", "trust-preview.json"]);
      for (const file of files) {
        const filled = fs.readFileSync(path.join(folder, ".local/iam", file), "utf8");
        assert.doesNotThrow(() => JSON.parse(filled) as unknown, `${file} is not JSON`);
        assert.doesNotMatch(filled, /\b[A-Z]{3,}\b/);
      }
      const trust = fs.readFileSync(path.join(folder, ".local/iam/trust-deploy.json"), "utf8");
      assert.match(trust, /"repo:acme\/site:environment:dev"/);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
