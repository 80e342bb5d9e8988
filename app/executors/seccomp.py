"""The system call filter of a check, as BPF for bubblewrap and as JSON for container engines: allow, with a
list of what is refused.

What is refused (EPERM) is kernel surface a build or a test never needs: tracing other processes, mounts
and namespaces, kernel keys, eBPF, performance events, io_uring, modules, kexec, terminal injection.
`clone3` answers ENOSYS, so that libc falls back to `clone`, whose flags a filter can read.
"""

import errno
import functools
import json
import os
import tempfile
from collections.abc import Iterable

import pyseccomp

_REFUSED = """
    acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module fanotify_init
    finit_module fsconfig fsmount fsopen fspick get_kernel_syms init_module io_uring_enter
    io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
    lookup_dcookie mbind migrate_pages mount mount_setattr move_mount move_pages name_to_handle_at
    nfsservctl open_by_handle_at open_tree perf_event_open personality pidfd_getfd pivot_root
    process_madvise process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd
    reboot request_key set_mempolicy setdomainname sethostname setns settimeofday stime swapoff
    swapon sysfs syslog umount umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old
"""

_CLONE_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_AF_ALG, _AF_VSOCK, _AF_PACKET, _AF_KEY = 38, 40, 17, 15
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_LOW_32_BITS = 0xFFFFFFFF


@functools.cache
def program() -> bytes:
    """The compiled filter. Raises OSError where libseccomp cannot make one."""
    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _REFUSED.split():
        try:
            rules.add_rule(refuse, name)
        except (RuntimeError, OSError, ValueError):
            continue  # a call this architecture or this library does not know cannot be made by name
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in _CLONE_NAMESPACES:
        rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    for family in (_AF_ALG, _AF_VSOCK, _AF_PACKET, _AF_KEY):
        rules.add_rule(refuse, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    for request in (_TIOCSTI, _TIOCLINUX):
        rules.add_rule(refuse, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _LOW_32_BITS, request))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def profile() -> bytes:
    """The same filter as the profile that docker and podman read."""

    def refuse(names: Iterable[str], code: int = errno.EPERM, **argument: int | str) -> dict[str, object]:
        rule = {"names": [*names], "action": "SCMP_ACT_ERRNO", "errnoRet": code}
        return {**rule, "args": [argument]} if argument else rule

    masked = "SCMP_CMP_MASKED_EQ"
    rules = [refuse(_REFUSED.split()), refuse(["clone3"], errno.ENOSYS)]
    rules += [refuse(["clone"], index=0, value=flag, valueTwo=flag, op=masked) for flag in _CLONE_NAMESPACES]
    rules += [
        refuse(["socket"], index=0, value=family, op="SCMP_CMP_EQ")
        for family in (_AF_ALG, _AF_VSOCK, _AF_PACKET, _AF_KEY)
    ]
    rules += [
        refuse(["ioctl"], index=1, value=_LOW_32_BITS, valueTwo=request, op=masked)
        for request in (_TIOCSTI, _TIOCLINUX)
    ]
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}).encode()


def open_program() -> int:
    """A file descriptor at the start of the filter, for `bwrap --seccomp`; the caller closes it."""
    handle = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    os.write(handle, program())
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
