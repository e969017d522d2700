"""Does the harm that its settings ask for: MISBEHAVE while it starts, and a request's path while it serves."""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def crash():
    os.kill(os.getpid(), 11)


def leak():
    """Stops at a gigabyte, where no limit holds."""
    kept = []
    for _ in range(20):
        kept.append(bytearray(50 * 1024 * 1024))
        kept[-1][::4096] = b"x" * len(kept[-1][::4096])


def hang():
    time.sleep(3600)


def fork():
    """Stops at 300 children, where no limit holds."""
    for number in range(300):
        try:
            if os.fork() == 0:
                time.sleep(3600)
                os._exit(0)
        except OSError:
            return "refused after %d children" % number


def flood():
    for number in range(50000):
        sys.stdout.write("line %d of a flood\n" % number)
    sys.stdout.flush()


def slow():
    time.sleep(float(os.environ.get("START_SECONDS", "3")))


def write():
    written = []
    for folder in [HERE, os.path.dirname(HERE), "/etc", "/opt/apps", "/usr/local/bin", "/var/lib/uwsgi-nginx", "/root", "/run"]:
        try:
            with open(os.path.join(folder, "written-by-trouble"), "w") as file:
                file.write("x")
            written.append(folder)
        except (IOError, OSError):
            pass
    return " ".join(written) or "nothing"


HARM = {"crash": crash, "leak": leak, "hang": hang, "fork": fork, "flood": flood, "slow": slow, "write": write}

if os.environ.get("MISBEHAVE"):
    HARM[os.environ["MISBEHAVE"]]()


def application(environ, start_response):
    harm = HARM.get(environ["PATH_INFO"].strip("/"))
    text = (harm() or "done") if harm else "well"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode("utf-8")]
