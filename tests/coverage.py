# SPDX-License-Identifier: ISC
"""Judges what llvm-cov exported against the exceptions in docs/TESTING.md.

A condition in a header is compiled into many programs and files: what one of
them reaches is reached.  An exception is a line of a table there:
| file | `condition` | outcome that is not reached | why |
with the outcome true, false, or any for a condition that one system decides
at compile time.
"""
import json
import os
import re
import sys


def add(table, key, values):
    old = table.setdefault(key, [0] * len(values))
    table[key] = [a + b for a, b in zip(old, values)]


def read_regions(files):
    branches, decisions, text = {}, {}, {}
    for f in files:
        name = f["filename"]
        with open(name) as src:
            text[name] = src.read().split("\n")
        for b in f.get("branches", []):
            add(branches, (name, *b[:4]), b[4:6])
        for d in f.get("mcdc_records", []):
            add(decisions, (name, *d[:4]), [int(c) for c in d[-1]])
    return branches, decisions, text


def source(text, key):
    """The condition as it is written, in one line without extra blanks."""
    name, line, col, end_line, end_col = key
    lines = text[name][line - 1 : end_line]
    lines[-1] = lines[-1][: end_col - 1]
    lines[0] = lines[0][col - 1 :]
    words = " ".join(" ".join(lines).split())
    # A macro's own branch is given as a place without extent.
    return words or re.split(r"[(;]", text[name][line - 1][col - 1 :])[0]


def inside(key, outer):
    return (
        key[0] == outer[0]
        and key[1:3] >= outer[1:3]
        and key[3:5] <= outer[3:5]
    )


def missing(branches, decisions, text):
    """(file, line, condition, outcome) of all that was not reached."""
    for key, (true, false) in sorted(branches.items()):
        where = os.path.basename(key[0]), key[1], source(text, key)
        if not true:
            yield (*where, "true")
        if not false:
            yield (*where, "false")
    for key, covered in sorted(decisions.items()):
        conditions = sorted(k for k in branches if inside(k, key))
        for i, done in enumerate(covered):
            if done:
                continue
            words = "?"
            if len(conditions) == len(covered):
                words = source(text, conditions[i])
            yield os.path.basename(key[0]), key[1], words, "alone"


def read_exceptions(path):
    row = re.compile(r"^\| `?(\S+\.[ch])`? \| `(.+?)` \| (\w+) \|")
    with open(path) as f:
        found = (row.match(line) for line in f)
        return {(m[1], m[2], m[3]) for m in found if m}


def main():
    with open(sys.argv[1]) as f:
        files = json.load(f)["data"][0]["files"]
    branches, decisions, text = read_regions(files)
    exceptions = read_exceptions(sys.argv[2])
    used, bad = set(), 0
    outcomes = {"branch": 0, "mcdc": 0}
    for name, line, words, outcome in missing(branches, decisions, text):
        outcomes["mcdc" if outcome == "alone" else "branch"] += 1
        for e in ((name, words, outcome), (name, words, "any")):
            if e in exceptions:
                used.add(e)
                break
        else:
            # Not alone, because an excepted outcome is missing for it.
            near = [e for e in exceptions if e[:2] == (name, words)]
            if outcome == "alone" and near:
                continue
            print(f"not reached: src/{name}:{line}: `{words}` {outcome}")
            bad += 1
    for e in sorted(exceptions - used):
        print(f"reached, but listed as an exception: {e}")
        bad += 1
    total = 2 * len(branches)
    parts = sum(len(d) for d in decisions.values())
    lines = {}
    for f in files:
        s = f["summary"]["lines"]
        lines[f["filename"]] = (s["covered"], s["count"])
    covered, count = map(sum, zip(*lines.values()))
    print(
        f"lines {covered} of {count}, "
        f"branches {total - outcomes['branch']} of {total}, "
        f"MC/DC conditions {parts - outcomes['mcdc']} of {parts}, "
        f"{len(exceptions)} exceptions, {bad} not accounted for"
    )
    return bad != 0


sys.exit(main())
