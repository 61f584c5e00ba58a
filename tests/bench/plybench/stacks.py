# SPDX-License-Identifier: Apache-2.0
"""The stacks by name: how many layers each has and what makes it. A stack is made once, when a row of it is wanted first.

The layers of a stack are the directories 0 (the topmost), 1, 2, ... below its own, so that they have short relative names.
"""
import os
import shutil
import subprocess

from . import inputs, layers

SIZES = [1, 8, 64, 128, 500]  # numbers of layers over which the same tree is measured
MADE = "made-6"               # goes up when what is made changes


def numbered(count):
    return f"layers-{count}"


def over(what, count):
    """The name of a row."""
    return f"{what} {count} layer{'s' if count > 1 else ''}"


# {name: (layers, what makes them below a directory)}; "few" and "many" are made together.
STACKS = {
    "few": (layers.LAYERS, None),
    "many": (layers.MANY, None),
    "programs": (inputs.PROGRAM_LAYERS, inputs.make_programs),
    "image": (inputs.IMAGE_LAYERS, inputs.make_image),
    "root": (inputs.ROOT_LAYERS, inputs.make_root),
    "engine": (len(inputs.ENGINE_LINKS), inputs.make_engine),
    "huge": (layers.HUGE_LAYERS, layers.make_huge),
}
STACKS.update((numbered(n), (n, lambda top, n=n: layers.make_spread(top, n))) for n in SIZES)


def get_stack(top, name):
    """Makes it where it isn't there. Raises inputs.Skip where this machine can't."""
    count, make = STACKS[name]
    where = f"{os.path.realpath(top)}/{name}"
    if make is None:
        layers.make_layers(top)
    elif not os.path.exists(f"{where}/{MADE}"):
        shutil.rmtree(where, ignore_errors=True)
        for i in range(count):
            os.makedirs(f"{where}/{i}")
        make(where)
        layers.write_file(f"{where}/{MADE}", 0)
        os.sync()
    return {"name": name, "n": count, "dir": where}


def read_only(stack, point):
    """The stack with its layers at `point`, where nothing can write to them: mergerfs would, and the next system had other files."""
    os.makedirs(point)
    subprocess.run(["mount", "-o", "bind,ro", stack["dir"], point], check=True)
    return dict(stack, dir=point)


def warm(stack):
    """Brings the layers into the caches, so that the system that is measured first has no colder ones than the others."""
    for path, _, names in os.walk(stack["dir"]):
        for name in names:
            os.lstat(f"{path}/{name}")
