// users.sh: whose user an app may have, and what is removed with one.
import assert from "node:assert/strict";
import { FakeTools } from "../support/fakeTools";

/** Lines of /etc/passwd and /etc/group. */
const passwd = [
  "root:x:0:0::/root:/bin/bash",
  "admin:x:1000:1000::/home/admin:/bin/bash",
  "hello:x:990:990:uwsgi-nginx app hello:/opt/apps/hello:/sbin/nologin",
  "other:x:991:991:uwsgi-nginx app other:/opt/apps/other:/sbin/nologin",
  "_other:x:996:996:uwsgi-nginx build other:/nonexistent:/sbin/nologin",
  "web:x:992:992::/:/sbin/nologin",
  "shared:x:993:993::/:/sbin/nologin",
  "friend:x:994:993::/:/sbin/nologin",
  "open:x:995:995::/:/sbin/nologin",
];
const group = ["disk:x:6:", "hello:x:990:", "web:x:992:", "shared:x:993:", "open:x:995:www-data,admin"];

describe("the user of an app", () => {
  let tools: FakeTools;
  beforeEach(() => {
    tools = new FakeTools()
      .add(
        "getent",
        `case $1 in passwd) all='${passwd.join("\n")}' ;; group) all='${group.join("\n")}' ;; esac
         if (($# == 1)); then echo "$all"; else grep -E "^$2:|^[^:]*:x:$2:" <<< "$all" || exit 2; fi`,
      )
      .add(
        "id",
        `[[ $1 != -gn ]] || exec echo "$2"; getent passwd "$2" | cut -d : -f "$([[ $1 == -u ]] && echo 3 || echo 4)"`,
      )
      // Of the folder that the login user uploads to.
      .add("stat", "echo admin")
      .add("useradd");
  });
  afterEach(() => {
    tools.remove();
  });

  /** Makes the user, which the setting apps.APP.uid names unless it has the app's name. */
  const make = (uid: string, app = "hello") =>
    tools.run(
      ["claim.sh", "apps.sh", "users.sh"],
      `app=${app} uid=${uid} uid_given=${uid !== app} folder=/opt/apps/${app}; make_user; echo "$group"`,
    );

  it("is the app's own, or one that the settings name", () => {
    for (const uid of ["hello", "web"]) assert.equal(make(uid).stdout, `${uid}\n`);
  });

  const refused: [what: string, uid: string, app: string, error: string][] = [
    ["root", "root", "hello", "The user root of app hello is root."],
    ["the login user", "admin", "hello", "The user admin of app hello is the login user, who can become root."],
    ["another app's", "other", "hello", "The user other of app hello was made for something else of this stack."],
    [
      "that of an app's builds",
      "_other",
      "hello",
      "The user _other of app hello was made for something else of this stack.",
    ],
    ["another service's", "web", "web", "The server already has a user web, who was not made for app web."],
    [
      "one whose name is a group's",
      "disk",
      "disk",
      "The server already has a group disk, whose rights app disk would get.",
    ],
    [
      "one whose group is the first of another user",
      ...(["shared", "hello"] as const),
      "The user shared of app hello is in the group shared with others (friend), who could read the app's code and data.",
    ],
    [
      "one whose group has other users",
      ...(["open", "hello"] as const),
      "The user open of app hello is in the group open with others (www-data), who could read the app's code and data.",
    ],
  ];
  for (const [what, uid, app, error] of refused) {
    it(`is never ${what}`, () => {
      const { code, stderr, calls } = make(uid, app);
      assert.equal(stderr.split("\n")[0], `Error: ${error}`);
      assert.match(stderr, /^Fix: choose another user with apps\./m);
      assert.equal(code, 1);
      assert.ok(!calls.some((call) => /^(useradd|usermod|groupadd)/.test(call)), "nothing should be made");
    });
  }
});
