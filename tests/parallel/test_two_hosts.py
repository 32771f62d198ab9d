"""Training over a network: two namespaces with names and addresses of their own, joined by a cable."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def test_two_hosts_train_as_one_machine_does(run: Any, records: Path, two_hosts: Any) -> None:
    near = run(2, "trained", records).found
    before = two_hosts.sent()
    far = run(2, "trained", records, start=two_hosts.mpirun()).found
    assert [far[rank].pop("host") for rank in "01"] == ["host1", "host2"]
    assert len({near[rank].pop("host") for rank in "01"}) == 1
    assert near["0"].pop("how") == near["1"].pop("how") == {"shared": True, "thread": False}
    assert far["0"].pop("how") == far["1"].pop("how") == {"shared": False, "thread": True}
    assert far == near
    assert far["0"] == far["1"]
    sent = [after - then for after, then in zip(two_hosts.sent(), before, strict=True)]
    assert min(sent) > 40 * 4 * 80 * 80  # the largest gradient, in the 40 iterations that send it whole


def test_a_cut_cable_ends_both(begin: Any, records: Path, two_hosts: Any, tmp_path: Path) -> None:
    output, since = tmp_path / "output", time.monotonic()
    launcher = begin(two_hosts.mpirun(), tmp_path, "stumble", records, "cut")
    try:
        while "must answer" not in output.read_text() or ranks(two_hosts):
            told = f"{output.read_text()}\nleft on the hosts: {two_hosts.processes()}"
            assert time.monotonic() - since < 60, told
            time.sleep(0.1)
    finally:
        launcher.kill()  # that of Open MPI waits for a daemon that it cannot reach as long as TCP does
        launcher.wait()
    assert "rank 0: rank 1 of 2 must answer within 2 s; got nothing" in output.read_text()


def ranks(hosts: Any) -> list[str]:
    """The workers that run on *hosts*."""
    return [command for command in hosts.processes().values() if "python" in command.split(" ")[0]]
