"""The package as a whole: what importing it costs."""

from __future__ import annotations

import subprocess
import sys


def test_importing_builds_nothing() -> None:
    code = "import sys, cortado.proto, cortado.proto.caffe_pb2\n"
    code += "print([m for m in ('google.protobuf', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_text_does_not_need_numpy() -> None:
    code = "import sys\nfrom cortado.proto import parse_net\nparse_net('name: \"a\"')\nprint('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
