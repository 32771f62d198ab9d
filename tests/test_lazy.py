"""Names that are imported when they are first used."""

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ("cortado", "cortado.engines", "cortado.netdef", "cortado.proto", "cortado.solver", "cortado.testing")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_and_no_other(package):
    module = import_module(package)
    assert len(set(module.__all__)) == len(module.__all__) > 0
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_alone_imports_no_arrays(package):
    code = f"import sys, {package}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
