"""From what Numba has compiled to a library that needs neither Numba nor LLVM.

A library holds the object code of one function for some types, with the wrapper by which Python
calls it, and in C the few functions of Numba's runtime that these refer to. Code that needs others,
or a machine without a C compiler, leaves the function to Numba and its own cache.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numba

from smallpolaron.compiled.library import FACTORY, IN_ROWS, OTHERWISE, folders
from smallpolaron.compiled.numba_cache import loaded
from smallpolaron.support.files import NotWritable, seal, temporary_name

_COMPILER: Final = "cc"
_TIME_LIMIT_S: Final = 60.0

_LATEST: Final = (0, 68)
"""The latest Numba whose object code needs of the runtime what is below; 0.60 and it were tried."""

_RUNTIME: Final = r"""
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The parts of Python's and NumPy's interfaces that are used, whose layout is fixed. */
typedef struct { intptr_t count; void *type; } Object;
typedef struct {
    Object head; char *data; int ndim; intptr_t *shape, *strides; void *base, *dtype; int flags;
} NumpyArray;
typedef struct { const char *name; void *function; int flags; const char *text; } Method;
extern Object *PyCFunction_NewEx(Method *, void *, void *);
extern Object *PyObject_GetAttrString(void *, const char *);
extern intptr_t PyLong_AsSsize_t(void *), PyTuple_Size(void *);
extern Object *PyTuple_GetItem(void *, intptr_t);
extern int PyObject_RichCompareBool(void *, void *, int);
extern char PyTuple_Type, _Py_NotImplementedStruct;
extern void Py_DecRef(void *), Py_IncRef(void *);
extern void PyErr_SetString(void *, const char *);
extern Object *PyExc_RuntimeError;

/* An array that compiled code allocates, as its inlined counting of references knows it. */
typedef struct {
    size_t count; void *destroy, *about; void *data; size_t size; void *allocator;
} MemInfo;

MemInfo *NRT_MemInfo_alloc_aligned(size_t size, uint32_t alignment)
{
    char *block = malloc(sizeof(MemInfo) + size + alignment);
    if (!block) return NULL;
    MemInfo *info = (MemInfo *)block;
    uintptr_t data = (uintptr_t)(block + sizeof(MemInfo));
    if (alignment) data = (data + alignment - 1) / alignment * alignment;
    *info = (MemInfo){1, NULL, NULL, (void *)data, size, NULL};
    return info;
}
void NRT_MemInfo_call_dtor(MemInfo *info) { free(info); }
void *NRT_Allocate(size_t size) { return malloc(size); }
void NRT_Free(void *block) { free(block); }

/* An array of the caller, who keeps it: no references are counted. */
typedef struct {
    void *info, *parent; intptr_t count, itemsize; void *data; intptr_t sizes[];
} Array;

int NRT_adapt_ndarray_from_python(NumpyArray *from, Array *to)
{
    Object *size = PyObject_GetAttrString(from, "itemsize");
    if (!size) return -1;
    to->itemsize = PyLong_AsSsize_t(size);
    Py_DecRef(size);
    to->info = NULL;
    to->parent = from;
    to->data = from->data;
    to->count = 1;
    for (int i = 0; i < from->ndim; i++) {
        to->count *= from->shape[i];
        to->sizes[i] = from->shape[i];
        to->sizes[from->ndim + i] = from->strides[i];
    }
    return 0;
}

/* An error in compiled code, such as a division by zero. */
void *numba_unpickle(const char *data, int n, const char *hashed)
{
    PyErr_SetString(PyExc_RuntimeError, "error in compiled code");
    return NULL;
}
void *numba_runtime_build_excinfo_struct(void *fixed, void *rest) { return NULL; }
int numba_do_raise(void *error) { return 0; }

/* For calls from C, of which there are none. */
int numba_gil_ensure(void) { return 0; }
void numba_gil_release(int *state) {}

static void *kinds, *array_type;

/* Whether a value is of a kind: what kind_of() returns for it. */
static int is_of(Object *value, Object *kind)
{
    if (kind->type != (void *)&PyTuple_Type) return value->type == (void *)kind;
    Object *first = PyTuple_GetItem(kind, 0);
    if (value->type == array_type) {
        NumpyArray *array = (NumpyArray *)value;
        return PyObject_RichCompareBool(array->dtype, first, 2) == 1
            && array->ndim == PyLong_AsSsize_t(PyTuple_GetItem(kind, 1))
            && (array->flags & (array->flags & 1 ? @IN_ROWS@ : @OTHERWISE@))
                == PyLong_AsSsize_t(PyTuple_GetItem(kind, 2));
    }
    if (value->type != (void *)first || PyTuple_Size(value) != PyTuple_Size(kind) - 2) return 0;
    for (intptr_t i = PyTuple_Size(value); i-- > 0;)
        if (!is_of(PyTuple_GetItem(value, i), PyTuple_GetItem(kind, i + 2))) return 0;
    return 1;
}

extern Object *wrapper(Object *, Object *, Object *) __asm__("@WRAPPER@");
extern void *environment __asm__("@ENVIRONMENT@");
static void *nothing[8];

static Object *call(Object *self, Object *arguments, Object *named)
{
    intptr_t count = PyTuple_Size(kinds);
    int fits = PyTuple_Size(arguments) == count;
    for (intptr_t i = 0; fits && i < count; i++)
        fits = is_of(PyTuple_GetItem(arguments, i), PyTuple_GetItem(kinds, i));
    if (fits) return wrapper(self, arguments, named);
    Py_IncRef(&_Py_NotImplementedStruct);
    return (Object *)&_Py_NotImplementedStruct;
}

static Method method = {"@NAME@", call, 3, NULL};

Object *@FACTORY@(void *given_kinds, void *given_array_type)
{
    Py_IncRef(kinds = given_kinds);
    Py_IncRef(array_type = given_array_type);
    environment = nothing;
    return PyCFunction_NewEx(&method, NULL, NULL);
}
"""
"""The runtime of a library; see numba/core/runtime/nrt.cpp and numba/_helperlib.c."""


def link(dispatcher: Any, arguments: tuple[Any, ...], name: str, vectorized: bool) -> None:
    """Compile a function for arguments, and keep it as a library where that is possible."""
    types = tuple(map(numba.typeof, arguments))
    chosen = numba.config.SLP_VECTORIZE  # type: ignore[attr-defined]
    numba.config.SLP_VECTORIZE = vectorized or chosen  # type: ignore[attr-defined]
    try:
        dispatcher.compile(types)
    finally:
        numba.config.SLP_VECTORIZE = chosen  # type: ignore[attr-defined]
    compiler = shutil.which(_COMPILER)
    known = sys.platform == "linux" and not sys.abiflags and numba.version_info.short <= _LATEST
    if compiler is None or not known:
        return
    found = dispatcher.overloads[types]
    descriptor = found.fndesc
    code = loaded.get(descriptor.mangled_name)
    if code is None:
        code = found.library._get_compiled_object()
    source = _RUNTIME
    for mark, text in {
        "WRAPPER": descriptor.llvm_cpython_wrapper_name,
        "ENVIRONMENT": descriptor.env_name,
        "NAME": dispatcher.py_func.__name__,
        "FACTORY": FACTORY,
        "IN_ROWS": str(IN_ROWS),
        "OTHERWISE": str(OTHERWISE),
    }.items():
        source = source.replace(f"@{mark}@", text)
    for folder in folders():
        with suppress(OSError, subprocess.SubprocessError, NotWritable):
            _write(folder / name, compiler, code, source)
            return


def _write(path: Path, compiler: str, code: bytes, source: str) -> None:
    """Make a library from object code and the source of its runtime.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be made.
    """
    with temporary_name(path) as temporary, tempfile.TemporaryDirectory() as folder:
        parts = {"code.o": code, "runtime.c": source.encode()}
        for part, content in parts.items():
            Path(folder, part).write_bytes(content)
        options = ["-shared", "-fPIC", "-O1", "-w", "-Wl,-Bsymbolic", "-Wl,-w"]
        command = [compiler, *options, *parts, "-lm", "-o", str(temporary.resolve())]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_TIME_LIMIT_S)
        ctypes.PyDLL(str(temporary.resolve()))  # nothing is missing
        seal(temporary)
        os.replace(temporary, path)
