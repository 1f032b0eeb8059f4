"""The ways in which a process gets to see its own /opt/ml, best first."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.local_aws.runner.container import Container

OPT_ML = "/opt/ml"

# In a new mount namespace: an /opt with all that the machine's holds, and the container's folder as /opt/ml.
# The shell stays process 1, so that SIGTERM has its usual effect on the command.
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


class Way(Protocol):
    """How a container becomes a command of this machine."""

    name: str
    hint: str  # what is missing where it does not work

    def command(self, container: Container) -> list[str]: ...
    def environment(self, container: Container) -> Mapping[str, str]: ...


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
        # the container dies with the server: unshare by this, everything in it by --kill-child
        return ["setpriv", "--pdeathsig", "KILL", *unshare, *network, "--", *enter, *container.command]

    def environment(self, container: Container) -> Mapping[str, str]:
        return container.environment


class Bubblewrap:
    """bubblewrap: the same, with the caller's uid kept."""

    name = "bubblewrap"
    hint = "needs the program bwrap"

    def command(self, container: Container) -> list[str]:
        others = [
            str(entry) for entry in sorted(Path("/opt").glob("*")) if entry.is_dir() and entry.name != "ml"
        ]
        binds = [word for path in others for word in ("--dev-bind", path, path)]
        isolation = ["--unshare-pid", "--die-with-parent", "--new-session"]
        isolation += [] if container.network else ["--unshare-net"]
        # --bind is resolved on the host's tree, so a root below /opt is found although /opt is covered
        mounts = ["--dev-bind", "/", "/", "--tmpfs", "/opt", *binds, "--bind", str(container.root), OPT_ML]
        return ["bwrap", *isolation, *mounts, "--proc", "/proc", "--chdir", OPT_ML, "--", *container.command]

    def environment(self, container: Container) -> Mapping[str, str]:
        return container.environment


class Rewriting:
    """No isolation: /opt/ml becomes the real folder wherever command and environment name it.

    Scripts that write the path themselves do not find it; they should read it from the environment.
    """

    name = "rewriting"
    hint = "works everywhere"

    def command(self, container: Container) -> list[str]:
        supervisor = [sys.executable, "-S", str(Path(__file__).with_name("supervisor.py")), str(os.getpid())]
        root = str(container.root)
        return [*supervisor, root, *(word.replace(OPT_ML, root) for word in container.command)]

    def environment(self, container: Container) -> Mapping[str, str]:
        real = str(container.root)
        moved = {name: value.replace(OPT_ML, real) for name, value in container.environment.items()}
        return {"SAGEMAKER_BASE_DIR": real, **moved}


WAYS: tuple[Way, ...] = (Bubblewrap(), Namespaces(), Rewriting())


def base_environment() -> dict[str, str]:
    """What every container starts with: the jobs environment's programs, nothing of the server's secrets."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": "/tmp",  # noqa: S108 — a container's home is not the user's
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }
