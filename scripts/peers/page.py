# SPDX-License-Identifier: Apache-2.0
"""The page: what each program wrote, and what the linter says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from makers import WISH, Made
from written import ROWS, Written

from imagebuild.lint import RULES

Findings = Sequence[dict[str, object]]
BY_THE_CLOCK = {"creation-time-digits"}
"""Rules that an image breaks or keeps by the nanosecond it was built in: no page could be made twice with them."""
HEAD = r"""# The peers

<!-- Written by scripts/peers (make peers); do not edit. -->

One context, built by four programs on the same base, one after the other on one Linux machine: a file, an empty
folder, a hard link, a symbolic link to a file and one to a folder, a file that few shall read, all to `C:\app`, and
one file into `C:\Windows\System32`. The base is a [stand-in](guides/bases.md#stand-ins-for-microsofts-bases) for
nanoserver, so that nobody needs the network. This page is what then stands in the layers, byte for byte, and what
[`wcow lint`](guides/lint.md) says of it. `make peers` builds everything again and writes it anew.

It says nothing about whether an image starts: nothing here was imported on Windows. [Unproven](unproven.md) has
what only a host can show.

## Who

| program | version | how |
|---|---|---|
"""
NOTES = r"""
What each was made for has to be said. `crane append` takes a ready tar and moves it under `Files`; it does not know
what was in the base. BuildKit puts Windows layers together on Linux in a Linux folder, so it has no place for what
Linux cannot keep. **Debian's buildah has no support for layers of Windows at all**: it writes what it would write
for Linux, and calls it windows. Newer ones were not looked at.

"""
READING = r"""
How to read it:

- **ACLs.** BuildKit gives every folder one list and every file another, wherever they are; ours are
  [inherited](guides/copy-and-acls.md) from the folder they stand in. crane's entries have an owner and no list.
- **ACL of `C:\Windows\System32`.** A layer has an entry for each folder above what it brings, and Windows gives the
  folder the security of that entry. Whoever does not copy the base's changes a folder of Windows
  ([why](reference/layers.md#the-parents-entries-are-not-a-formality)).
- **Links.** A symbolic link without attributes becomes a link to a file, whatever it points at. A target that
  begins with `Files` points at `C:\app\Files\…` in the container, which is not there. The target of a hard link, in
  turn, has to begin with `Files/`.
- **Times.** Without `atime` and `ctime` a file has a time in the year 1754 in the container.
- **A hard link** of the context is a file of its own in our layers, which take more room for it. BuildKit keeps the
  link.
- **Built again.** wcow takes times from the base, not from the files or the clock ([Reproducible
  builds](guides/reproducible.md)). BuildKit can be given `SOURCE_DATE_EPOCH`, buildah `--timestamp`; neither was,
  as they are not by default.
"""


def page(found: Sequence[tuple[Made, Findings]]) -> str:
    """The page for what each program made, and the findings about it."""
    names = [made.program for made, _ in found]
    who = "".join(f"| {made.program} | {made.version} | {made.how} |\n" for made, _ in found)
    images = [(Written(made.image), made) for made, _ in found]
    rows = "".join(f"| {title} | " + " | ".join(tell(image, made) for image, made in images) + " |\n"
                   for title, tell in ROWS)
    head = "| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names) + "\n"
    wish = WISH.partition("=")[2]
    told = (f"The file that few shall read has the mode 0600; its wish is `{wish}`:\n"
            "Administrators and SYSTEM everything, ContainerUser reading, nobody else anything.\n")
    return (HEAD + who + NOTES + told + "\n## What each wrote\n\n" + head + rows + READING + _findings(found, names))


def _findings(found: Sequence[tuple[Made, Findings]], names: Sequence[str]) -> str:
    """The table of findings: how many of each rule."""
    found = [(made, [one for one in findings if one["rule"] not in BY_THE_CLOCK]) for made, findings in found]
    counts = {made.program: Counter(str(one["rule"]) for one in findings) for made, findings in found}
    worst = {str(one["rule"]): str(one["severity"]) for _, findings in found for one in findings}
    out = ["\n## What the linter finds\n", "Counts of findings; [the rules](reference/lint-rules.md), with the "
           "source of each. Left out is `creation-time-digits`, which\nBuildKit breaks about one time in ten.\n",
           "| rule | | " + " | ".join(names) + " |", "|---|---|" + "---:|" * len(names)]
    order = ("error", "warning", "note")
    for rule in sorted(worst, key=lambda rule: (order.index(worst[rule]), list(RULES).index(rule))):
        cells = " | ".join(str(counts[name][rule] or "") for name in names)
        out.append(f"| [`{rule}`](reference/lint-rules.md#{rule}) | {worst[rule]} | {cells} |")
    for severity in order:
        sums = [sum(one["severity"] == severity for one in findings) for _, findings in found]
        out.append(f"| **{severity}s** | | " + " | ".join(f"**{number}**" for number in sums) + " |")
    return "\n".join(out) + "\n"
