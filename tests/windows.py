"""Runs a module as if this were Windows, as far as Linux can pretend to be: ``windows.py veche node status ...``

What is pretended, for whatever this process does:

- our own modules have none of what Python's documentation marks "Availability: Unix" or "not Windows": see ``GONE``. To them ``os.name``
  is ``nt`` and ``sys.platform`` ``win32``. Libraries keep it: each that Veche needs says of itself that it runs on Windows;
- uvloop cannot be imported, and neither can CometBFT's program be found, which is not made for Windows;
- a file that is open is not renamed, not removed and nothing is put in its place, and a folder cannot be opened;
- names are refused that Windows refuses, and such as differ in nothing but case;
- a text that is written without saying how lines end gets those of Windows, and a text file without an encoding is an error;
- the loop has no signals and no sockets of POSIX.

Not pretended: rights (there are no modes), backslashes, a terminal without UTF-8 (PYTHONIOENCODING does it), locks that keep readers out.
That all of it is typed for Windows, mypy says (`make check`).
"""

# ruff: noqa: PTH112, PTH115, PTH208

import asyncio
import asyncio.unix_events
import builtins
import io
import os
import runpy
import shutil
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

OURS = "veche"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


GONE: dict[str, frozenset[str]] = {
    "os": _names(
        "ctermid getegid geteuid getgid getgrouplist getgroups getpgid getpgrp getpriority getresuid getresgid getuid initgroups setegid "
        "seteuid setgid setgroups setns setpgid setpriority setregid setresgid setresuid setreuid getsid setsid setuid unshare fchmod "
        "fchown fdatasync fpathconf fstatvfs lockf login_tty openpty pipe2 posix_fallocate posix_fadvise pread preadv pwrite pwritev "
        "sendfile set_blocking get_blocking splice readv writev tcgetpgrp tcsetpgrp ttyname chflags chown chroot fchdir lchflags lchmod "
        "lchown mkfifo mknod major minor makedev pathconf statvfs sync copy_file_range fwalk memfd_create eventfd pidfd_open getxattr "
        "setxattr listxattr fork forkpty killpg nice posix_spawn posix_spawnp wait wait3 wait4 waitid register_at_fork WIFEXITED "
        "WEXITSTATUS WIFSIGNALED WTERMSIG WNOHANG sched_getaffinity sched_setaffinity sched_yield confstr getloadavg sysconf uname "
        "O_DSYNC O_RSYNC O_SYNC O_NDELAY O_NONBLOCK O_NOCTTY O_CLOEXEC O_ASYNC O_DIRECT O_DIRECTORY O_NOFOLLOW O_NOATIME O_PATH "
        "O_TMPFILE O_SHLOCK O_EXLOCK F_LOCK"
    ),
    "signal": _names(
        "SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGPIPE SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGWINCH alarm pause setitimer getitimer "
        "pthread_kill pthread_sigmask sigpending sigwait sigwaitinfo sigtimedwait siginterrupt"
    ),
    "socket": _names("AF_UNIX SO_REUSEPORT MSG_DONTWAIT MSG_NOSIGNAL SO_PEERCRED CMSG_LEN send_fds recv_fds"),
    "select": _names("poll epoll kqueue devpoll"),
    "sys": _names("abiflags getdlopenflags setdlopenflags"),
    "time": _names("clock_gettime clock_gettime_ns clock_getres CLOCK_BOOTTIME CLOCK_MONOTONIC CLOCK_REALTIME tzset"),
}  # fmt: skip
MISSING = _names("fcntl pwd grp resource termios tty pty posix syslog crypt spwd readline curses nis ossaudiodev")
"""Modules of the standard library that Windows lacks."""
_INSTEAD = {"os": {"name": "nt"}, "sys": {"platform": "win32"}}
_REFUSED = frozenset('<>:"|?*\\') | {chr(code) for code in range(32)}
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


class Windows(ModuleType):
    """A module as it is there."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        self.__dict__["_real"] = real

    def __getattr__(self, name: str) -> Any:
        if name in GONE[self.__name__]:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' on Windows", name=name, obj=self)
        return _INSTEAD.get(self.__name__, {}).get(name) or getattr(self.__dict__["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_real"], name, value)


def importing(real: Callable[..., ModuleType]) -> Callable[..., ModuleType]:
    """What an import statement does there."""
    made = {name: Windows(real(name)) for name in GONE}

    def find(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:
        if name.split(".")[0] in ("uvloop", "veche_cometbft"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        package = str((globals or {}).get("__package__") or (globals or {}).get("__name__") or "")
        if package.split(".")[0] != OURS or level:
            return real(name, globals, locals, fromlist, level)
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
        return made.get(name) or real(name, globals, locals, fromlist, level)

    return find


def opening(real: Callable[..., Any]) -> Callable[..., Any]:
    """What ``open`` does there with a text that is written."""

    def wrapped(
        file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None,
        newline: str | None = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if "b" not in mode and newline is None and set(mode) & set("wax+"):
            newline = "\r\n"
        return real(file, mode, buffering, encoding, errors, newline, closefd, opener)

    return wrapped


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what the file system there refuses."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes):
            if os.path.isdir(path):
                raise PermissionError(13, "A folder is not opened on Windows", os.fsdecode(path))
            if flags & os.O_CREAT:
                _named(os.fsdecode(path))
    elif event in ("os.rename", "os.link"):
        source, target = map(os.fsdecode, arguments[:2])
        _named(target)
        if event == "os.rename":
            _unused(source)
            _unused(target)
    elif event == "os.remove":
        _unused(os.fsdecode(arguments[0]))
    elif event == "os.mkdir":
        _named(os.fsdecode(arguments[0]))
    elif event == "os.symlink":
        raise OSError(1314, "A required privilege is not held by the client")


def _named(path: str) -> None:
    """Raises OSError if nothing can have this name."""
    folder, name = os.path.split(path.rstrip("/"))
    if _REFUSED & set(name) or name.endswith((".", " ")) or name.split(".")[0].lower() in _RESERVED:
        raise OSError(22, "Windows takes no such name", path)
    with suppress(FileNotFoundError):
        if any(other != name and other.lower() == name.lower() for other in os.listdir(folder or ".")):
            raise OSError(22, "On Windows there is a file of that name, in other letters", path)


def _unused(path: str) -> None:
    """Raises PermissionError if this process has it open, or anything in it."""
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            held = os.readlink(f"/proc/self/fd/{descriptor}")
            if held == (real := os.path.realpath(path)) or held.startswith(f"{real}/"):
                raise PermissionError(13, "It is being used: Windows leaves an open file where it is", path)


def pretend() -> None:
    """From now on, and for good."""
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    loop = asyncio.unix_events._UnixSelectorEventLoop
    for name in ("add_signal_handler", "remove_signal_handler", "create_unix_server", "create_unix_connection"):
        setattr(loop, name, _lacking)
    io.open = builtins.open = opening(io.open)
    warnings.filterwarnings("error", category=EncodingWarning, module=OURS)
    builtins.__import__ = importing(builtins.__import__)
    sys.addaudithook(watch)


def _lacking(*_: object, **__: object) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    pretend()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
