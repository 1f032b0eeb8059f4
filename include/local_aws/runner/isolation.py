"""The kinds of isolation that give a process its own /opt/ml, best first."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.local_aws.runner.container import Container

OPT_ML = "/opt/ml"

# In a new mount namespace: an /opt with the folders of the machine's /opt, and the container's folder as
# /opt/ml. The shell stays process 1, so that SIGTERM has its usual effect on the command.
ENTER = """
set -e
root=$1; hidden=$2; shift 2
hold=$(mktemp -d)
mount -t tmpfs tmpfs "$hold"; mkdir "$hold/opt" "$hold/ml"
[ ! -d /opt ] || mount --rbind /opt "$hold/opt"
mount --bind "$root" "$hold/ml"
[ -z "$hidden" ] || mount -t tmpfs tmpfs "$hidden"
mount -t tmpfs tmpfs /opt
for entry in "$hold"/opt/*; do
    [ -d "$entry" ] && [ "${entry##*/}" != ml ] || continue
    mkdir "/opt/${entry##*/}"; mount --rbind "$entry" "/opt/${entry##*/}"
done
mkdir /opt/ml; mount --bind "$hold/ml" /opt/ml
umount -l "$hold"; rmdir "$hold"
[ ! -x /usr/sbin/ip ] && [ ! -x /sbin/ip ] || ip link set lo up 2>/dev/null || true
cd /opt/ml
set +e
"$@" &
wait $!; status=$?
while kill -0 $! 2>/dev/null; do wait $!; status=$?; done
exit $status
"""


class Isolation(Protocol):
    """How a container becomes a command on this machine.

    :param name: the value of the server's option `--runner`.
    :param hint: what this kind of isolation needs.
    """

    name: str
    hint: str

    def command(self, container: Container) -> list[str]:
        """The command that starts the container."""
        ...

    def environment(self, container: Container) -> Mapping[str, str]:
        """The environment of the container's process."""
        ...


class Namespaces:
    """Linux user and mount namespaces, by util-linux."""

    name = "namespaces"
    hint = "needs util-linux and unprivileged user namespaces"

    def command(self, container: Container) -> list[str]:
        unshare = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child",
        ]
        network = [] if container.network else ["--net"]
        enter = ["sh", "-c", ENTER, "container", str(container.root), ""]
        # the container dies with the server: setpriv kills unshare, --kill-child kills the rest
        return ["setpriv", "--pdeathsig", "KILL", *unshare, *network, "--", *enter, *container.command]

    def environment(self, container: Container) -> Mapping[str, str]:
        return container.environment


class Bubblewrap:
    """bubblewrap: namespaces in which the process keeps the caller's user id."""

    name = "bubblewrap"
    hint = "needs the program bwrap"

    def command(self, container: Container) -> list[str]:
        folders = [
            str(entry) for entry in sorted(Path("/opt").glob("*")) if entry.is_dir() and entry.name != "ml"
        ]
        binds = [word for path in folders for word in ("--dev-bind", path, path)]
        isolation = ["--unshare-pid", "--die-with-parent", "--new-session"]
        isolation += [] if container.network else ["--unshare-net"]
        # --bind resolves its source on the host, so a root below /opt works although /opt is covered
        mounts = ["--dev-bind", "/", "/", "--tmpfs", "/opt", *binds, "--bind", str(container.root), OPT_ML]
        return ["bwrap", *isolation, *mounts, "--proc", "/proc", "--chdir", OPT_ML, "--", *container.command]

    def environment(self, container: Container) -> Mapping[str, str]:
        return container.environment


class PathRewriting:
    """No isolation: /opt/ml becomes the real folder wherever command and environment name it.

    A script that has the path `/opt/ml` in its own code fails; it should read it from the environment.
    """

    name = "rewriting"
    hint = "works everywhere"

    def command(self, container: Container) -> list[str]:
        supervisor = [sys.executable, "-S", str(Path(__file__).with_name("supervisor.py")), str(os.getpid())]
        root = str(container.root)
        return [*supervisor, root, *(word.replace(OPT_ML, root) for word in container.command)]

    def environment(self, container: Container) -> Mapping[str, str]:
        real = str(container.root)
        rewritten = {name: value.replace(OPT_ML, real) for name, value in container.environment.items()}
        return {"SAGEMAKER_BASE_DIR": real, **rewritten}


ISOLATIONS: tuple[Isolation, ...] = (Bubblewrap(), Namespaces(), PathRewriting())


def base_environment() -> dict[str, str]:
    """The variables of every container: the jobs environment's programs, none of the server's secrets."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": "/tmp",  # noqa: S108 — a container's home is not the user's
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }
