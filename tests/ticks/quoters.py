"""The quoting strategy of the manual in each of its languages, compiled where it has to be."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import algo_trade as at
from algo_trade.strategy import compiled

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
PACKAGE = Path(at.__file__).resolve().parent
SIZE, MAX_POSITION, INTERVAL_MS = Decimal("0.05"), Decimal("0.15"), 100


def load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_c(source: Path, into: Path, *more: str) -> Path:
    cc = shutil.which("cc")
    if cc is None:
        pytest.skip("no C compiler")
    includes = [f"-I{compiled.include_dir()}", *more]
    subprocess.run(
        [cc, "-O1", "-shared", "-fPIC", "-Wall", "-Werror=incompatible-pointer-types", *includes, source, "-o", into],
        check=True,
    )
    return into


def in_python(size: Decimal = SIZE, max_position: Decimal = MAX_POSITION) -> Any:
    return load(EXAMPLES / "quoter.py", "quoter_python").Quoter(
        size=size, max_position=max_position, interval_ms=INTERVAL_MS
    )


def in_c(folder: Path, size: Decimal = SIZE, max_position: Decimal = MAX_POSITION) -> compiled.PointerStrategy:
    library = ctypes.CDLL(str(compile_c(EXAMPLES / "quoter.c", folder / "quoter.so")))
    library.quoter_new.restype = ctypes.c_void_p
    library.quoter_new.argtypes = (ctypes.c_int64,) * 3
    units = [int(value * 10**8) for value in (size, max_position)]
    return compiled.PointerStrategy("Quoter", lambda: library.quoter_new(*units, INTERVAL_MS * 1_000_000))


def in_cython(folder: Path, size: Decimal = SIZE, max_position: Decimal = MAX_POSITION) -> Any:
    pytest.importorskip("Cython")
    source = shutil.copy(EXAMPLES / "quoter_cython.pyx", folder)
    made = folder / "quoter_cython.c"
    subprocess.run([sys.executable, "-m", "cython", "-3", "-I", PACKAGE.parent, source, "-o", made], check=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    library = compile_c(made, folder / f"quoter_cython{suffix}", f"-I{sysconfig.get_path('include')}")
    return load(library, "quoter_cython").Quoter(size, max_position, INTERVAL_MS)


def in_numba(size: Decimal = SIZE, max_position: Decimal = MAX_POSITION) -> Any:
    pytest.importorskip("numba")
    return load(EXAMPLES / "quoter_numba.py", "quoter_numba").quoter(size, max_position, INTERVAL_MS)
