"""A system call filter (Linux seccomp-bpf): no network, no programs, no writing, no reaching into other processes.

Everything else stays allowed: memory, threads, reading files. Numbers are the kernel's (``unistd_64.h`` and the generic
``unistd.h``), the layout is ``linux/filter.h`` and ``struct seccomp_data`` of ``linux/seccomp.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from dataclasses import dataclass
from struct import pack

_DENIED_X86_64 = {
    "shmget": 29, "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50,
    "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "semget": 64, "msgget": 68, "truncate": 76,
    "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88,
    "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "ptrace": 101, "setuid": 105, "setgid": 106,
    "rt_sigqueueinfo": 129, "mknod": 133, "setrlimit": 160, "chroot": 161, "mount": 165, "umount2": 166,
    "init_module": 175, "delete_module": 176, "setxattr": 188, "tkill": 200, "tgkill": 234, "mq_open": 240,
    "add_key": 248, "request_key": 249, "keyctl": 250, "mkdirat": 258, "mknodat": 259, "fchownat": 260,
    "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "unshare": 272,
    "fallocate": 285, "accept4": 288, "rt_tgsigqueueinfo": 297, "perf_event_open": 298, "prlimit64": 302,
    "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "finit_module": 313,
    "renameat2": 316, "memfd_create": 319, "bpf": 321, "execveat": 322, "userfaultfd": 323, "pidfd_send_signal": 424,
    "io_uring_setup": 425, "pidfd_open": 434, "openat2": 437, "pidfd_getfd": 438,
}  # fmt: skip
_DENIED_AARCH64 = {
    "setxattr": 5, "mknodat": 33, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38,
    "umount2": 39, "mount": 40, "truncate": 45, "ftruncate": 46, "fallocate": 47, "chroot": 51, "fchmod": 52,
    "fchmodat": 53, "fchownat": 54, "fchown": 55, "unshare": 97, "init_module": 105, "delete_module": 106,
    "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "setgid": 144, "setuid": 146,
    "setrlimit": 164, "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "socket": 198, "socketpair": 199,
    "bind": 200, "listen": 201, "accept": 202, "connect": 203, "sendto": 206, "sendmsg": 211, "add_key": 217,
    "request_key": 218, "keyctl": 219, "execve": 221, "rt_tgsigqueueinfo": 240, "perf_event_open": 241,
    "accept4": 242, "prlimit64": 261, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
    "process_vm_writev": 271, "finit_module": 273, "renameat2": 276, "memfd_create": 279, "bpf": 280,
    "execveat": 281, "userfaultfd": 282, "pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434,
    "openat2": 437, "pidfd_getfd": 438,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    """``AUDIT_ARCH_*`` of ``linux/audit.h``."""
    denied: dict[str, int]
    clone: int
    seccomp: int
    opens: tuple[tuple[int, int], ...]
    """Calls that open a file, with the position of their flags among the arguments."""


_MACHINES = {
    "x86_64": _Machine(0xC000003E, _DENIED_X86_64, clone=56, seccomp=317, opens=((2, 1), (257, 2))),
    "aarch64": _Machine(0xC00000B7, _DENIED_AARCH64, clone=220, seccomp=277, opens=((56, 2),)),
}
_CLONE3 = 435
_CLONE_THREAD = 0x10000
_X32 = 0x40000000  # the third ABI of x86_64 kernels: other numbers for the same calls
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def lock_down() -> bool:
    """Filter the system calls of this process from now on; return False where this kernel or machine cannot."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or platform.system() != "Linux":
        return False
    code = ctypes.create_string_buffer(b"".join(_instructions(machine)))
    program = _Program((len(code) - 1) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    answer = libc.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program))
    return bool(answer == 0)


def _instructions(machine: _Machine) -> list[bytes]:
    refuse = _step(_RETURN, _ERRNO | errno.EPERM)
    code = [
        _step(_LOAD, _ARCHITECTURE), _step(_JUMP_EQUAL, machine.audit, 1, 0), _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER), _step(_JUMP_GREATER_EQUAL, _X32, 0, 1), refuse,
    ]  # fmt: skip
    for number in machine.denied.values():
        code += [_step(_JUMP_EQUAL, number, 0, 1), refuse]
    # The C library falls back to clone, whose flags can be seen from here.
    code += [_step(_JUMP_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    code += _when(machine.clone, argument=0, bits=_CLONE_THREAD, then=_ALLOW, otherwise=_ERRNO | errno.EPERM)
    for number, argument in machine.opens:
        code += _when(number, argument=argument, bits=_WRITES, then=_ERRNO | errno.EPERM, otherwise=_ALLOW)
    return [*code, _step(_RETURN, _ALLOW)]


def _when(number: int, *, argument: int, bits: int, then: int, otherwise: int) -> list[bytes]:
    """Decide over one call by whether any of ``bits`` is set in one of its arguments (lower half)."""
    return [
        _step(_JUMP_EQUAL, number, 0, 4),
        _step(_LOAD, _ARGUMENTS + 8 * argument),
        _step(_JUMP_ANY_BIT, bits, 0, 1),
        _step(_RETURN, then),
        _step(_RETURN, otherwise),
    ]


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return pack("=HBBI", operation, if_true, if_false, value)
