#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report-shown.py DOCUMENT DIRECTORY : the paths that a report shows are those of the directory, and its bytes too if they are bytes of content."""
import codecs
import json
import os
import stat
import sys

report, root = json.load(open(sys.argv[1])), os.fsencode(sys.argv[2])
paths, shown = [], set()
for parent, name, kind, *versions in report["nodes"]:
    path = paths[parent] + "/" + name if parent >= 0 else ""
    paths.append(path)
    if 0 in versions[2::4]:
        shown.add(path)


# A byte that isn't UTF-8 is told as a backslash and three octal digits.
codecs.register_error("octal", lambda e: ("".join("\\%03o" % b for b in e.object[e.start:e.end]), e.end))
want, size, files = {""}, 0, set()
for folder, folders, names in os.walk(root):
    for name in folders + names:
        path = os.path.join(folder, name)
        want.add(path[len(root):].decode("utf-8", "octal"))
        st = os.lstat(path)
        if stat.S_ISREG(st.st_mode) and st.st_ino not in files:
            files.add(st.st_ino)
            size += st.st_size
assert shown == want, ("not there: %s" % sorted(want - shown)[:5], "too many: %s" % sorted(shown - want)[:5])
assert report["on_disk"] or report["totals"]["shown"] == size, (report["totals"], size)
