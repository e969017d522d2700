"""What a hostile app, and a hostile package that an app requires, try on a server: every attempt with its name.

Runs on Python 2.7 and 3 with the standard library alone: in the app (wsgi.py), in the trial of its release, and where its
requirements are built (setup.py). The attacker knows every path and process, from the file that the test writes. An
attempt returns what it got. What it does not get is an error of the system, or None.
"""

import ctypes
import errno
import fcntl
import glob
import json
import os
import platform
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys

FOLDER = "/srv/hostile"
TARGETS = {}

VICTIM = "/opt/apps/victim"
OWN = "/opt/apps/hostile"
STATE = "/var/lib/uwsgi-nginx"
LOCKS = "/run/uwsgi-nginx"
TOOLKIT = "/usr/local/lib/uwsgi-nginx"
SITE_PACKAGES = "/venv/lib/python*/site-packages"
SECONDS = 5

libc = ctypes.CDLL(None, use_errno=True)


# How it goes about it


def first(action, patterns):
    """What the first path gives; otherwise the error that says most."""
    failure = None
    for pattern in patterns:
        for path in glob.glob(pattern) or [pattern]:
            try:
                found = action(path)
                if found:
                    return found
            except EnvironmentError as error:
                if failure is None or failure.errno == errno.ENOENT:
                    failure = error
    if failure is not None:
        raise failure
    return None


def read(*patterns):
    def beginning(path):
        with open(path, "rb") as opened:
            text = opened.read(200)
        return text and "%s: %s" % (path, text.decode("utf-8", "replace"))

    return first(beginning, patterns)


def list_folder(*patterns):
    return first(lambda path: "%s: %s" % (path, " ".join(os.listdir(path)) or "(empty)"), patterns)


def write(*patterns):
    """Opens existing files for writing, which is what the system decides about."""

    def may_write(path):
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
        return "may write " + path

    return first(may_write, patterns)


def add(*patterns):
    """Makes a file in one of the folders."""

    def may_add(folder):
        path = "%s/hostile-%d" % (folder, os.getpid())
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.remove(path)
        return "may add files to " + folder

    return first(may_add, patterns)


def links(*patterns):
    return first(lambda path: "%s -> %s" % (path, os.readlink(path)), patterns)


def processes(of, *names):
    return ["/proc/%s/%s" % (pid, name) for pid in TARGETS[of] for name in names]


def output(*command):
    """What a program prints, if it succeeds."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = child.communicate()[0].decode("utf-8", "replace").strip()
    if child.returncode != 0:
        raise EnvironmentError(errno.EPERM, text.split("\n")[-1])
    return text or "it succeeds"


def call(function, *arguments):
    """Calls a function of the C library, or a system call by its number."""
    function = getattr(libc, function) if isinstance(function, str) else function
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "allowed"


def allowed_but(number, function, *arguments):
    """A call that can only fail with that error if it is allowed."""
    try:
        return call(function, *arguments)
    except OSError as error:
        if error.errno != number:
            raise
        return "allowed"


def writable_folder():
    """Some folder of its own."""
    for folder in (OWN + "/shared", os.getcwd(), FOLDER):
        if os.access(folder, os.W_OK):
            return folder
    raise EnvironmentError(errno.EACCES, "no folder of its own")


def exchange(connection, address, request):
    connection.settimeout(2)
    connection.connect(address)
    connection.sendall(request)
    answer = b""
    while len(answer) < 100000:
        part = connection.recv(65536)
        if not part:
            break
        answer += part
    return answer


def ask_victim(**more):
    """Sends a request over the victim's socket as nginx does, with more variables."""
    variables = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "x"}
    variables.update({"SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "x"}, **more)
    words = [word.encode("utf-8") for pair in variables.items() for word in pair]
    body = b"".join(struct.pack("<H", len(word)) + word for word in words)
    packet = struct.pack("<BHB", 0, len(body), 0) + body
    return exchange(socket.socket(socket.AF_UNIX), str(TARGETS["victim_socket"]), packet).decode("utf-8", "replace")


def run_payload():
    """A dynamic app, in uWSGI's words. What runs no code answers with the victim's page."""
    answer = ask_victim(UWSGI_FILE=FOLDER + "/payload.py", UWSGI_APPID="hostile")
    return answer[answer.index("payload ran") :] if "payload ran" in answer else None


# The attempts that take more than a line


def search_secret():
    """Looks into every file that it can read for the victim's secret."""
    secret = TARGETS["secret_backwards"][::-1].encode("utf-8")
    for top in ("/etc", "/opt/apps", "/run", "/tmp", "/var", "/home", "/root", "/srv", "/dev/shm"):
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if name not in ("site-packages", "dpkg", "rpm", "dnf", "apt")]
            for path in (os.path.join(folder, name) for name in names):
                try:
                    if not stat.S_ISREG(os.lstat(path).st_mode):
                        continue
                    with open(path, "rb") as opened:
                        if secret in opened.read(1 << 20):
                            return path
                except EnvironmentError:
                    pass
    return None


def see_processes():
    others = [pid for pid in os.listdir("/proc") if pid.isdigit() and os.stat("/proc/" + pid).st_uid != os.getuid()]
    return others and "%d processes of others" % len(others)


def may_signal(of):
    return first(lambda pid: os.kill(int(pid), 0) or "may signal process " + pid, [str(pid) for pid in TARGETS[of]])


def trace():
    for pid in TARGETS["victim"]:
        call("ptrace", 16, pid, None, None)  # PTRACE_ATTACH
        os.waitpid(pid, 0x40000000)  # __WALL
        call("ptrace", 17, pid, None, None)  # PTRACE_DETACH
        return "traces process %d" % pid


def replace_socket():
    name = str(TARGETS["victim_socket"])
    os.rename(name, name + ".hostile")
    os.rename(name + ".hostile", name)
    return "may replace " + name


def link_data():
    name = writable_folder() + "/hostile-link"
    os.link(VICTIM + "/shared/public", name)
    os.remove(name)
    return "may link the victim's data"


def take_locks():
    def take(path):
        with open(path) as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except EnvironmentError as error:  # whoever may open it can wait for it
                if error.errno != errno.EWOULDBLOCK:
                    raise
        return path

    return first(take, ["/run/lock/uwsgi-nginx-*", LOCKS + "/*"])


def status(*names):
    with open("/proc/self/status") as opened:
        lines = dict(line.split(":", 1) for line in opened)
    return dict((name, lines[name].strip()) for name in names)


def may_gain_rights():
    return status("NoNewPrivs")["NoNewPrivs"] == "0" and "NoNewPrivs is not set"


def capabilities(*names):
    found = status(*names)
    return [it for it in found.values() if int(it, 16)] and str(found)


def become_root():
    for command in (["sudo", "-n", "id", "-u"], ["su", "-c", "id -u", "root"]):
        try:
            if output(*command) == "0":
                return " ".join(command)
        except EnvironmentError as error:
            failure = error
    raise failure


def run_setuid():
    user = output(FOLDER + "/setuid-id", "-u")
    if user == "0":
        return "runs as root"


def mount():
    folder = (FOLDER + "/mount").encode()
    call("mount", b"none", folder, b"tmpfs", 0, None)
    call("umount", folder)
    return "may mount"


def load_module():
    """An empty one."""
    return allowed_but(errno.ENOEXEC, libc.syscall, {"x86_64": 175, "aarch64": 105}[platform.machine()], b"", 0, b"")


def make_setuid():
    path = writable_folder() + "/hostile-setuid"
    with open(path, "w"):
        os.chmod(path, 0o4755)
    made = os.stat(path).st_mode & stat.S_ISUID
    os.remove(path)
    return made and "made a setuid program"


def make_device():
    path = writable_folder() + "/hostile-device"
    os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(8, 0))
    os.remove(path)
    return "made a device"


def set_hostname():
    name = socket.gethostname().encode()
    return call("sethostname", name, len(name))


def read_kernel_log():
    return call("klogctl", 3, ctypes.create_string_buffer(100), 100)


def set_clock():
    """With a value that is refused once the right to set it is found."""
    settings = (ctypes.c_long * 26)()
    settings[0], settings[11] = 0x4000, 1  # ADJ_TICK
    return allowed_but(errno.EINVAL, "adjtimex", settings)


def listen(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", port))
    return "listens on port %d" % port


def add_address():
    change = ("127.0.0.9/32", "dev", "lo")
    output("ip", "address", "add", *change)
    output("ip", "address", "del", *change)
    return "added 127.0.0.9"


def connect(family, host):
    connection = socket.socket(family)
    connection.settimeout(2)
    connection.connect((host, 80))
    # Not every container's systemd can filter addresses.
    with open("/proc/self/cgroup") as opened:
        units = re.findall(r"(?:name=systemd|0:):.*/([^/]+\.service)", opened.read())
    try:
        denied = output("systemctl", "show", "--property", "IPAddressDeny", units[0]) if units else ""
    except EnvironmentError as error:
        denied = str(error)
    return "connects to %s%s" % (host, ", though its unit denies it" if host in denied else "")


def write_huge_file():
    """One byte, a terabyte from the beginning."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = writable_folder() + "/hostile-huge"
    try:
        with open(path, "wb", 0) as opened:
            opened.seek(1 << 40)
            opened.write(b"x")
            return "a file of %d bytes" % os.fstat(opened.fileno()).st_size
    finally:
        os.remove(path)


def fill_run():
    """Takes 64 MB of the memory that /run is in."""

    def fill(folder):
        path = folder + "/hostile-full"
        try:
            with open(path, "wb") as opened:
                for _ in range(64):
                    opened.write(b"x" * (1 << 20))
        finally:
            if os.path.exists(path):
                os.remove(path)
        return "64 MB in " + folder

    return first(fill, ["/run/uwsgi-hostile", "/run", "/run/lock"])


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
    except ValueError as error:  # Python's name for EPERM here
        raise EnvironmentError(errno.EPERM, str(error))
    return "%d open files" % (hard + 1)


# The list: in each section, attempts of one kind.

EVERYWHERE = ("app", "trial", "build", "stranger")
SANDBOXED = ("app", "trial", "build")
RUNNING = ("app", "trial")

# What alone prevents some of them, and the first systemd with which the units have it (rendering/hardening.ts).
PROTECT_PROC = ("ProtectProc", 247)
IP_ADDRESS_DENY = ("IPAddressDeny", 235)
NO_NEW_PRIVILEGES = ("NoNewPrivileges", 235)
RESTRICT_NAMESPACES = ("RestrictNamespaces", 235)
RESTRICT_SUID = ("RestrictSUIDSGID", 242)
PROTECT_KERNEL_LOGS = ("ProtectKernelLogs", 244)

ATTEMPTS = []


def attempt(name, where, run, needs=None, container=True):
    """`container` is whether root can do it in a container."""
    option, systemd = needs or ("", 0)
    about = {"name": name, "option": option, "systemd": systemd, "container": container}
    ATTEMPTS.append({"about": about, "where": where, "run": run})


def other_app(*arguments, **more):
    """What nobody but the victim may do, nginx's user included."""
    attempt(arguments[0], EVERYWHERE, *arguments[1:], **more)


def server(*arguments, **more):
    """What no code of an app may do, nor a package while it is built."""
    attempt(arguments[0], SANDBOXED, *arguments[1:], **more)


def itself(*arguments, **more):
    """What an app may not do to itself: it would outlive the next release. A build may."""
    attempt(arguments[0], RUNNING, *arguments[1:], **more)


CURRENT = VICTIM + "/current"
NOTES = ["%s/%svictim-note" % (tmp, private) for tmp in ("/tmp", "/var/tmp") for private in ("", "systemd-private-*/tmp/")]
UPLOAD = STATE + "/uploads/victim.tar.gz"
CACHE = "/var/cache/uwsgi-nginx"

other_app("list the victim's folder", lambda: list_folder(VICTIM))
other_app("list the victim's releases", lambda: list_folder(VICTIM + "/releases"))
other_app("list the victim's Python packages", lambda: list_folder(CURRENT + SITE_PACKAGES))
other_app("read the victim's code", lambda: read(CURRENT + "/app/wsgi.py", VICTIM + "/releases/*/app/*"))
other_app("read the victim's code as it came", lambda: read(UPLOAD))
other_app("read the victim's uwsgi.ini", lambda: read(CURRENT + "/uwsgi.ini"))
other_app("read the victim's secrets in its release", lambda: read(CURRENT + "/secrets"))
other_app("read the victim's secrets as they came", lambda: read(STATE + "/secrets/victim"))
other_app("write the victim's code", lambda: write(CURRENT + "/app/wsgi.py", CURRENT + "/uwsgi.ini"))
other_app("add a file to the victim's code", lambda: add(CURRENT + "/app", VICTIM + "/releases", VICTIM))
other_app("add a package to the victim's Python", lambda: add(CURRENT + SITE_PACKAGES))
other_app("give the victim other code to deploy", lambda: write(UPLOAD))
other_app("give the victim other packages to install", lambda: add(CACHE + "/victim", CACHE, "/var/cache"))
other_app("list the victim's data", lambda: list_folder(VICTIM + "/shared"))
other_app("read the victim's data with mode 644", lambda: read(VICTIM + "/shared/public"))
other_app("read the victim's data with mode 600", lambda: read(VICTIM + "/shared/private"))
other_app("write the victim's data with mode 666", lambda: write(VICTIM + "/shared/open"))
other_app("add a file to the victim's data", lambda: add(VICTIM + "/shared"))
other_app("link the victim's data into a folder of its own", link_data)
other_app("read what the victim keeps in /dev/shm", lambda: read("/dev/shm/victim-note"))
other_app("read the victim's temporary files", lambda: read(*NOTES))
other_app("search every file for the victim's secret", search_secret)
server("get the victim's page over its socket", lambda: ask_victim())
other_app("run code in the victim, over its socket (UWSGI_FILE)", run_payload)
other_app("replace the victim's socket", replace_socket)
other_app("read the environment of the victim's processes", lambda: read(*processes("victim", "environ")))
other_app("read the memory map of the victim's processes", lambda: read(*processes("victim", "maps")))
server("read the command line of the victim's processes", lambda: read(*processes("victim", "cmdline")), PROTECT_PROC)
other_app("follow the files of the victim's processes", lambda: links(*processes("victim", "cwd", "root", "exe", "fd/0")))
other_app("list the files of the victim's processes", lambda: list_folder(*processes("victim", "cwd", "fd", "root/tmp")))
other_app("signal the victim's processes", lambda: may_signal("victim"))
other_app("trace the victim's processes", trace)

server("see processes of others", see_processes, PROTECT_PROC)
server("read the command lines of nginx, systemd and sshd", lambda: read(*processes("system", "cmdline")), PROTECT_PROC)
server("read the environment of nginx, systemd and sshd", lambda: read(*processes("system", "environ")))
server("follow the files of nginx, systemd and sshd", lambda: links(*processes("system", "cwd", "root", "exe", "fd/0")))
server("signal nginx, systemd and sshd", lambda: may_signal("system"))
server("read the passwords of the system", lambda: read("/etc/shadow", "/etc/gshadow", "/etc/shadow-"))
server("read the host key of sshd", lambda: read("/etc/ssh/ssh_host_*_key"))
server("list root's home", lambda: list_folder("/root", "/root/.ssh"))
server("read a file in the home of a user", lambda: read("/home/somebody/notes"))
server("list secrets and uploads of all apps", lambda: list_folder(STATE + "/secrets", STATE + "/uploads"))
server("read the journal", lambda: read("/var/log/journal/*/*", "/run/log/journal/*/*"))
server("read nginx's logs", lambda: read("/var/log/nginx/access.log", "/var/log/nginx/error.log"))
server("list what nginx keeps of requests", lambda: list_folder("/var/lib/nginx/body", "/var/lib/nginx/tmp"))
server("list the temporary files of the toolkit", lambda: list_folder("/tmp/tmp.*"))
server("claim the server, or an app", lambda: write(STATE + "/stack", STATE + "/apps/*"))
server("change the toolkit", lambda: write(TOOLKIT + "/*", STATE + "/run", STATE + "/uploads/toolkit.tar.gz"))
server("change the uWSGI of all apps", lambda: add("/opt/uwsgi", "/opt/uwsgi/*"))
server("take the locks of the toolkit", take_locks)
server("make a lock before the toolkit does", lambda: add(LOCKS if os.path.isdir(LOCKS) else "/run/lock"))
server("take the locks of the package manager", lambda: write("/var/lib/dpkg/lock*", "/var/lib/rpm/.rpm.lock"))
server("fill /run", fill_run)
server("add an app", lambda: add("/opt", "/opt/apps"))
server("add a site to nginx", lambda: add("/etc/nginx/conf.d", "/etc/nginx"))
server("add a unit to systemd", lambda: add("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"))
server("add a program for everybody", lambda: add("/usr/local/bin", "/usr/bin", "/usr/lib/python*/*-packages"))
server("add a job to cron or at", lambda: add("/etc/cron.*", "/var/spool/cron", "/var/spool/cron/*", "/var/spool/at"))
server("add what the next boot or login reads", lambda: add("/etc/tmpfiles.d", "/etc/profile.d", "/etc/sudoers.d", "/boot"))
server("run a program with systemd-run", lambda: output("systemd-run", "--no-ask-password", "--quiet", "true"))
server("command the victim's unit", lambda: output("systemctl", "--no-ask-password", "reset-failed", "uwsgi@victim"))
server("connect to the cloud's metadata (IPv4)", lambda: connect(socket.AF_INET, "169.254.169.254"), IP_ADDRESS_DENY)
server("connect to the cloud's metadata (IPv6)", lambda: connect(socket.AF_INET6, "fd00:ec2::254"), IP_ADDRESS_DENY)

server("become root with sudo or su", become_root)
server("run a setuid program as root", run_setuid, NO_NEW_PRIVILEGES)
server("gain rights from a program", may_gain_rights, NO_NEW_PRIVILEGES)
server("have a capability", lambda: capabilities("CapEff", "CapPrm", "CapInh", "CapAmb"))
server("gain a capability", lambda: capabilities("CapBnd"))
server("make a user namespace", lambda: call("unshare", 0x10000000), RESTRICT_NAMESPACES)
server("make a setuid program", make_setuid, RESTRICT_SUID)
server("make a device", make_device, container=False)
server("mount a file system", mount)
server("load a kernel module", load_module, container=False)
server("read the kernel's log", read_kernel_log, PROTECT_KERNEL_LOGS, container=False)
server("change kernel settings", lambda: write("/proc/sys/kernel/*", "/sys/kernel/*"), container=False)
server("leave its control group", lambda: write("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/*/cgroup.procs"))
server("set the host name", set_hostname)
server("set the clock", set_clock, container=False)
server("add an address to the network", add_address)
server("open a raw socket", lambda: str(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)))
server("listen to the network's packets", lambda: str(socket.socket(17, socket.SOCK_RAW, 0x300)))  # AF_PACKET
server("listen on a port below 1024", lambda: listen(81))
server("raise its limit of open files", raise_limit, container=False)

itself("write a file of a terabyte", write_huge_file)
itself("change its own code", lambda: write(OWN + "/releases/*/app/wsgi.py"))
itself("add a file to its own code", lambda: add(OWN + "/releases/*/app", OWN + "/releases", OWN))
itself("change its own uwsgi.ini", lambda: write(OWN + "/releases/*/uwsgi.ini", OWN + "/releases/*/reload"))
itself("change its own Python", lambda: add(OWN + "/releases/*" + SITE_PACKAGES, OWN + "/releases/*/venv/bin"))
itself("change its own unit", lambda: write("/etc/systemd/system/uwsgi@hostile.service", OWN + "/releases/*/uwsgi.service"))
itself("read the file of its own secrets", lambda: read(OWN + "/releases/*/secrets"))
itself("go back to another release", lambda: write(OWN + "/last-good"))


def limited(run):
    """Runs an attempt in a process of its own, because the system may kill it. Returns what it got, and why not more."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            try:
                answer = {"got": run() or None, "why": ""}
            except EnvironmentError as error:
                answer = {"got": None, "why": error.strerror or str(error)}
            except BaseException as error:  # a mistake in the attempt itself
                answer = {"got": None, "why": "", "mistake": repr(error)}
            os.write(sender, json.dumps(answer).encode("utf-8")[:60000])
        finally:
            os._exit(0)
    os.close(sender)
    text = b""
    with os.fdopen(receiver, "rb") as opened:
        text = opened.read()
    ended = os.waitpid(child, 0)[1]
    if text:
        return json.loads(text.decode("utf-8"))
    number = os.WTERMSIG(ended)
    if number == signal.SIGALRM:
        return {"got": None, "why": "", "mistake": "not done within %d s" % SECONDS}
    return {"got": None, "why": "killed by signal %d" % number}


def run_all(place):
    """Makes the attempts of a place; `control` stands for all places."""
    with open(FOLDER + "/targets.json") as opened:
        TARGETS.update(json.load(opened))
    results = []
    for it in ATTEMPTS:
        if place not in it["where"] and place != "control":
            continue
        results.append(dict(it["about"], **limited(it["run"])))
    return results


def leave_traces(place):
    """Leaves what is to outlive it: files for others to find, shared memory, links for root to follow, a process."""
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        try:
            with open("%s/hostile-by-%s" % (folder, place), "w") as opened:
                opened.write(place)
        except EnvironmentError:
            pass
    libc.shmget(0, 4096, 0o1600)  # IPC_PRIVATE, IPC_CREAT
    try:  # systemd is to kill another process in its place when it stops
        text = "MAINPID=%d" % TARGETS["victim"][0]
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(text.encode("utf-8"), "/run/systemd/notify")
    except EnvironmentError:
        pass
    for name, target in (("to-victim", VICTIM + "/shared"), ("to-passwords", "/etc/shadow")):
        try:
            os.symlink(target, "%s/%s" % (writable_folder(), name))
        except EnvironmentError:
            pass
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open("/dev/null", os.O_RDWR)
            for descriptor in range(3):
                os.dup2(nothing, descriptor)
            os.closerange(3, 1000)
            os.execv("/bin/sleep", ["hostile-by-" + place, "600"])
        os._exit(0)
    os.wait()


if __name__ == "__main__":
    print(json.dumps(run_all(sys.argv[1])))
