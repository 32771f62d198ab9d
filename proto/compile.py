"""Rebuild what is generated from ``caffe.proto``: the descriptor and the editor stubs.

    python proto/compile.py

writes ``caffe.desc``, the compiled schema that Cortado loads at run time, and ``caffe_pb2.pyi``, which tells editors
and type checkers the fields of the stock messages. It needs the package ``grpcio-tools``, users of Cortado do not.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
STUB_HEAD = "# Generated from caffe.proto by compile.py; do not edit.\n# ruff: noqa\n# fmt: off\n"


def compile_proto(source: Path) -> tuple[bytes, str]:
    """The descriptor (a serialized FileDescriptorProto without comments) and the stub text for *source*."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    protoc = import_module("grpc_tools.protoc")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        arguments = [
            "protoc",
            f"-I{source.parent}",
            f"--descriptor_set_out={out / 'set'}",
            f"--pyi_out={out}",
        ]
        if protoc.main([*arguments, source.name]) != 0:
            raise SystemExit(f"{source} does not compile")
        files = FileDescriptorSet.FromString((out / "set").read_bytes())
        stub = (out / f"{source.stem}_pb2.pyi").read_text(encoding="utf-8")
    return files.file[0].SerializeToString(deterministic=True), STUB_HEAD + _strict(stub)


def _strict(stub: str) -> str:
    """Give the mappings that protoc leaves open their types, for strict type checkers."""
    named = stub.replace("from typing import ", "from typing import Any as _Any, ", 1)
    return named.replace("_Mapping]", "_Mapping[str, _Any]]")


def main() -> int:
    """Write both files beside ``caffe.proto``."""
    descriptor, stub = compile_proto(FOLDER / "caffe.proto")
    (FOLDER / "caffe.desc").write_bytes(descriptor)
    (FOLDER / "caffe_pb2.pyi").write_text(stub, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
