# SPDX-License-Identifier: Apache-2.0
"""Rules about what entries carry: types, attributes, security, times, EAs, links' data, hives."""

from __future__ import annotations

from .finding import Rule, Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_LOOP = "microsoft/hcsshim:pkg/ociwclayer/import.go"
_TAR = "microsoft/go-winio:backuptar/tar.go"
_LEGACY = "microsoft/hcsshim:internal/wclayer/legacy.go"
_REPARSE = "microsoft/go-winio:reparse.go"
_CIM = "microsoft/hcsshim:pkg/ociwclayer/cim/import.go"
_CIM_HIVES = "microsoft/hcsshim:internal/wclayer/cim/registry.go, internal/wclayer/cim/common.go"
_HPC = "microsoft/windows-host-process-containers-base-image:New-HostProcessBaseImage.ps1"

VALUE_RULES = (
    Rule("global-header", "a global PAX header",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_LOOP}; golang/go:src/archive/tar/reader.go",
         "Go hands it to the importer as an entry, and that makes a file called pax_global_header of it. git archive "
         "and Python's tarfile write such headers.",
         "write the records into each entry's own header", proven=False),
    Rule("special-file", "a device or FIFO",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, _LOOP,
         "The importer looks at no type but links and folders: it becomes an empty file.", "leave it out"),
    Rule("unknown-typeflag", "an entry of a type that Windows does not know",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, _LOOP,
         "The importer looks at no type but links and folders: it becomes a file.", "write it as a file, or "
         "leave it out"),
    Rule("sparse-file", "a GNU sparse file",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, "golang/go:src/archive/tar/reader.go; GNU tar manual",
         "Windows' own layers never hold one; Go fills the holes with zeros, other readers of the image refuse it.",
         "write the file with its zeros (tar without --sparse)"),
    Rule("attributes-malformed", "MSWINDOWS.fileattr is no number",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, _TAR,
         "The importer ends with the error of the number it could not read.", "write a decimal number of 32 bits"),
    Rule("attributes-kind", "attributes that contradict the entry's type",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_TAR}, {_LEGACY}",
         "Whether a folder or a file is made is read from MSWINDOWS.fileattr (0x10), not from the tar's type.",
         "give folders attributes with 0x10, files without it"),
    Rule("reparse-attributes", "a symlink or junction without the reparse attribute",
         {"base": WARNING, "wcifs": ERROR, "cimfs": NOTE}, f"{_TAR}, {_LEGACY}",
         "Windows' exporter writes 0x410 for symlinks to folders and junctions, 0x400 for symlinks to files; without "
         "0x400 the importer keeps a folder's placeholder where the link should be.",
         "write MSWINDOWS.fileattr 1040 for folders, 1024 or 1056 for files", proven=False),
    Rule("reparse-without-link", "a reparse attribute on an entry that is no link",
         {"base": WARNING, "wcifs": WARNING, "cimfs": NOTE}, f"{_REPARSE}, {_CIM}",
         "A layer can carry symlinks and junctions only. Other reparse points (deduplicated, compressed or "
         "cloud files) "
         "have no form, and the attribute without its data is none.",
         "clear the bit 0x400 and write the file with its content"),
    Rule("junction-not-folder", "a junction without the folder attribute",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_TAR}, {_REPARSE}",
         "A junction is a folder: MSWINDOWS.fileattr must have 0x10.", "write MSWINDOWS.fileattr 1040"),
    Rule("junction-relative", "a junction with a relative target",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_REPARSE}; [MS-FSCC] 2.1.2.5",
         "NTFS has no relative junctions.", "give a target like C:\\dir, or write a directory symlink"),
    Rule("link-target", "a symlink or junction whose target cannot be one",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_REPARSE}; [MS-FSCC] 2.1.2.4",
         "The target is empty, or longer than the 16 KiB of a reparse point hold.", "give the link a target it "
         "can have"),
    Rule("security-malformed", "a security descriptor that is none",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_TAR}; [MS-DTYP] 2.4.6",
         "MSWINDOWS.rawsd is the base64 of a self-relative security descriptor; Windows refuses to set anything else.",
         "write a descriptor made by Windows or wcow, in padded standard base64"),
    Rule("security-missing", "no security descriptor below Files",
         {"wcifs": WARNING, "cimfs": WARNING}, f"ko-build/ko#361; {_CIM}",
         "What the file may be used for is left to chance: ContainerUser of nanoserver was denied to run such a "
         "program "
         "(0x5), CimFS lets everyone do everything, and a folder of the base loses the one it had.",
         "write MSWINDOWS.rawsd on every entry below Files", where="layer"),
    Rule("security-without-dacl", "a security descriptor without an access control list",
         {"wcifs": WARNING, "cimfs": WARNING}, "[MS-DTYP] 2.4.6; ko-build/ko, "
         "google/go-containerregistry:internal/windows",
         "A descriptor without a DACL lets everyone do everything, ContainerUser included. ko, crane and the .NET SDK "
         "write one (O:BUG:BU) on every file.",
         "write the descriptor that the folder would have given the file", where="layer"),
    Rule("base-folder-changed", "the security or attributes of a folder of Windows are replaced",
         {"wcifs": WARNING, "cimfs": WARNING}, f"image-spec layer.md; {_LEGACY}; "
         f"moby/buildkit:util/winlayers/applier.go",
         "A folder's entry replaces what the base said about it: here a well-known folder of Windows gets another "
         "access control list or other attributes than in the layers below.",
         "copy the folder's records from the layer below (wcow build does), unless this was the "
         "purpose", where="layer"),
    Rule("times-missing", "no access or change time",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, f"{_TAR} (FileInfoFromHeader)",
         "Where atime and ctime are missing, Go's zero time overflows and Windows shows 1754-08-30. ko, crane, imgutil "
         "and the .NET SDK make such layers.",
         "write mtime, atime, ctime and LIBARCHIVE.creationtime into each header"),
    Rule("time-malformed", "a time that is none",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, "golang/go:src/archive/tar/strconv.go; POSIX pax",
         "The time of a PAX record is decimal seconds; Go refuses the layer.", "write it like 1700000000.1234567"),
    Rule("time-range", "a time that NTFS cannot keep",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, "[MS-DTYP] 2.3.3",
         "FILETIMEs begin in 1601 and end in 30828; Go's times overflow long before that on both sides.",
         "give the file a time between 1678 and 2262"),
    Rule("creation-time-digits", "a creation time whose fraction lost its zeros",
         {"base": NOTE, "wcifs": NOTE, "cimfs": NOTE}, "moby/buildkit:util/winlayers/differ.go",
         "BuildKit writes the nanoseconds without leading zeros, so the fraction means another moment.",
         "write the fraction with nine digits"),
    Rule("ea-malformed", "an extended attribute that Windows cannot have",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_TAR}; microsoft/go-winio:ea.go",
         "The value is base64 of at most 65,535 bytes, the name 1 to 254 ASCII characters.",
         "leave MSWINDOWS.xattr.* out, or write it so"),
    Rule("record-ignored", "a MSWINDOWS record that nobody reads",
         {"base": NOTE, "wcifs": NOTE, "cimfs": NOTE}, _TAR,
         "Importers know fileattr, rawsd, sd, mountpoint and xattr.*; extended attributes under ea.* and other records "
         "are lost without a word.",
         "write extended attributes as MSWINDOWS.xattr.NAME; drop other records"),
    Rule("base-hive-missing", "a base without all five hives",
         {"base": ERROR, "cimfs": ERROR}, f"microsoft/hcsshim:internal/wclayer/converttobaselayer.go; {_CIM_HIVES}",
         "Files/Windows/System32/config must hold DEFAULT, SAM, SECURITY, SOFTWARE and SYSTEM; of them Windows "
         "makes the "
         "registry that layers above are applied to.",
         "add the missing ones; wcow base create makes valid empty hives", where="base"),
    Rule("base-hive-invalid", "a base with a hive that is none, or damaged",
         {"base": ERROR, "cimfs": ERROR}, f"{_HPC} (commit 2ac6fdd); moby/moby#44992; microsoft/hcsshim#901",
         "Before Windows Server 2025 empty files were enough; now hives must be valid, and with others the "
         "layers above "
         "fail with 'configuration registry database is corrupt' (0x3f1).",
         "use hives of Windows, or those of wcow base create", where="base"),
    Rule("base-hive-dirty", "a base with a hive that was not closed cleanly",
         {"base": NOTE, "cimfs": NOTE}, "msuhanov/regf: Windows registry file format specification",
         "Its sequence numbers differ: what is in its logs is not in the file yet.",
         "load and unload the hive once on Windows, or keep its .LOG1 and .LOG2 beside it", where="base"),
    Rule("config-hive-in-layer", "a hive of System32/config above the base",
         {"wcifs": WARNING, "cimfs": WARNING}, "kubernetes/kubernetes#109161, #95950",
         "Containers get their registry from the base and the deltas in Hives; a changed file here has no effect.",
         "put the change into a delta below Hives", where="layer"),
    Rule("unknown-hive", "something in Hives that is no delta",
         {"wcifs": WARNING, "cimfs": WARNING}, f"containerd/continuity:fs/fstest/compare_windows.go; {_CIM_HIVES}",
         "Hives holds DefaultUser_Delta, Sam_Delta, Security_Delta, Software_Delta and System_Delta, spelt so, and "
         "nothing else.",
         "rename or remove it", where="layer"),
    Rule("delta-invalid", "a registry delta that is no hive, or damaged",
         {"wcifs": ERROR, "cimfs": ERROR}, "msuhanov/regf: Windows registry file format specification; moby/moby#44992",
         "The file below Hives cannot be loaded as a hive.", "leave the delta out, or write a valid "
         "one", where="layer"),
    Rule("delta-above-no-delta", "a registry delta above a layer that has none",
         {"cimfs": ERROR}, _CIM_HIVES,
         "CimFS merges a delta with the hive that the layer directly below left; one without that delta left none: "
         "'failed to open base hive'.",
         "change the registry in the first layer above the base, or have all five deltas in every "
         "layer", where="layer"),
    Rule("utilityvm-bcd", "UtilityVM/Files without a valid boot configuration",
         {"base": ERROR}, "microsoft/hcsshim:internal/wclayer/baselayerwriter.go; microsoft/hcsshim#853, #1688",
         "Windows prepares the utility VM when the base has UtilityVM/Files, and reads the hive "
         "UtilityVM/Files/EFI/Microsoft/Boot/BCD for that.",
         "add the BCD, or leave UtilityVM out (then there is no Hyper-V isolation)", where="base"),
    Rule("pax-record-length", "a PAX record whose length does not fit",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR, "engine": ERROR},
         "golang/go:src/archive/tar/strconv.go (parsePAXRecord); POSIX.1-2001 pax",
         "A record is 'LENGTH KEY=VALUE' and a line feed, LENGTH counting all of it. Go refuses the tar where it "
         "counts something else ('archive/tar: invalid tar header'), though some other programs read on.",
         "make the layer with a program that counts bytes, not characters"),
    Rule("layer-damaged", "a layer that cannot be read to its end",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR, "engine": ERROR}, "POSIX.1-2001 pax; RFC 1952; RFC 8878",
         "Its compression or its tar is broken, or it is not the blob its digest names.",
         "build or push the image again"),
)
