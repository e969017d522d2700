"""The app that is attacked: it keeps its secret in every place where an app keeps something."""

import os

SHARED = "/opt/apps/victim/shared/"


def keep(path, mode=None):
    with open(path, "w") as file:
        file.write(os.environ["TOKEN"])
    if mode is not None:
        os.chmod(path, mode)


for name, mode in (("public", 0o644), ("private", 0o600), ("open", 0o666)):
    keep(SHARED + name, mode)
for folder in ("/dev/shm", "/tmp", "/var/tmp"):
    keep(folder + "/victim-note")


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"victim"]
