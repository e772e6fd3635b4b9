"""Files that are written whole, survive a loss of power, and are used by one program at a time.

    write_new      a new file: whole or not at all, never in the place of another
    replace        the same in the place of what is there: a reader sees the old file or the new one
    whole_file     either of them for content that comes in pieces
    write_private  a new file that only its owner reads (0600), in a folder that only they enter (0700)
    AppendOnly     a file that grows at its end, each piece durable before anything is done upon it
    Journal        what a program must never forget, in a folder that must never be there twice
    Batch          many files, flushed together
    write_shared   one content under many names, flushed once
    make_folder    a folder and those above it that are missing
    private_folder one that only its owner enters (0700), or a refusal
    Lock, holder   one program at a time; who that is
    put_in_place   a file that another program has written, in the place of what is there
    move_aside     what stands in the way, out of it and under its name
    drop           a file removed that may come back after a crash: no harm is done by it
    settle         what a crash may have left undone about a file that is there

Each of them is durable when it returns: contents were flushed before they got their name, and the folder after it.
How: the content is written to a draft, ``.NAME.unfinished``, which gets its name when it is complete. Whoever writes a
draft holds a lock on it, which the system drops when the process ends, however it ends. So a draft that is not locked
was left by a crash: the next writer of the same file removes it and begins anew. It never blocks anybody, and two
programs that write one file at once do so one after the other.

What they cannot promise: a disk that says "flushed" and is not; a file system without locks (there they refuse); and on
Windows, where a folder cannot be flushed, the name is as durable as NTFS makes it. There files have no modes either: who reads a private
one is what its folder says, which is its owner's own (``%LOCALAPPDATA%``, their home). And a file that somebody reads keeps its name, so
whoever replaces or removes it waits for them, ten seconds at most.

Everything that cannot be done raises :class:`~veche.errors.UserError` with a sentence: the disk is full, the folder is read only.
"""

from veche.durable.append import AppendOnly
from veche.durable.batch import Batch, write_shared
from veche.durable.draft import UNFINISHED, Exists
from veche.durable.files import (
    drop,
    move_aside,
    must_be_new,
    place_of,
    put_in_place,
    read_private,
    read_private_as,
    remove,
    replace,
    settle,
    whole_file,
    write_new,
    write_private,
)
from veche.durable.folders import make_folder, private_folder, remove_folder
from veche.durable.journal import Journal
from veche.durable.lock import Held, Lock, holder
from veche.durable.system import (
    FOREIGN,
    NAMED,
    PRIVATE,
    PRIVATE_FOLDER,
    PUBLIC,
    PUBLIC_FOLDER,
    cannot_write,
    sync_folder,
)

__all__ = [
    "FOREIGN", "NAMED", "PRIVATE", "PRIVATE_FOLDER", "PUBLIC", "PUBLIC_FOLDER", "UNFINISHED", "AppendOnly", "Batch", "Exists", "Held",
    "Journal", "Lock", "cannot_write", "drop", "holder", "make_folder", "move_aside", "must_be_new", "place_of", "private_folder", "put_in_place", "read_private", "read_private_as", "remove",
    "remove_folder", "replace",
    "settle", "sync_folder", "whole_file", "write_new", "write_private", "write_shared",
]  # fmt: skip
