"""Finding our control group on machines that are not this one: trees as the kernel's documentation has them.

What groups do to processes is tried on this machine by the contract suite; here is the logic of paths.
"""

import os

import pytest

from app.executors.cgroup import Cgroups, Group
from app.executors.hierarchies import hierarchies
from app.model import Resources

V2_FILES = {
    "cgroup.controllers": "cpuset cpu io memory pids\n",
    "cgroup.subtree_control": "",
    "cgroup.procs": "",
    "cgroup.type": "domain\n",
    "cgroup.kill": "",
}
SERVICE = "system.slice/portcullis.service"


class Machine:
    """A /proc/self and cgroup mounts of a made-up machine."""

    def __init__(self, root):
        self.root = root
        self.process = root / "proc"
        self.process.mkdir()
        self.mounts, self.groups = ["22 1 0:5 / / rw - ext4 /dev/vda rw"], []

    def mount(self, name, kind, *, shows="/", options="rw"):
        point = self.root / name
        point.mkdir(exist_ok=True)
        self.mounts.append(f"33 22 0:9 {shows} {point} rw,nosuid shared:4 - {kind} {kind} {options}")
        return point

    def group(self, place, files=None):
        place.mkdir(parents=True, exist_ok=True)
        for name, text in (V2_FILES if files is None else files).items():
            (place / name).write_text(text)
        return place

    def boot(self, *own):
        (self.process / "mountinfo").write_text("\n".join(self.mounts) + "\n")
        (self.process / "cgroup").write_text("\n".join(own) + "\n")
        return self.process


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_v2_alone_under_systemd(machine):
    point = machine.mount("cgroup", "cgroup2", options="rw,nsdelegate")
    own = machine.group(point / SERVICE)
    (found,) = hierarchies(machine.boot(f"0::/{SERVICE}"))
    assert (found.place, found.version) == (own, 2)
    assert found.controllers == {"memory", "pids", "cpu", "kill"}


def test_only_what_was_delegated_is_used(machine):
    point = machine.mount("cgroup", "cgroup2")
    machine.group(point / SERVICE, V2_FILES | {"cgroup.controllers": "memory pids\n"})
    (found,) = hierarchies(machine.boot(f"0::/{SERVICE}"))
    assert found.controllers == {"memory", "pids", "kill"}


def test_a_kernel_without_kill(machine):
    point = machine.mount("cgroup", "cgroup2")
    own = machine.group(point / SERVICE)
    (own / "cgroup.kill").unlink()
    (found,) = hierarchies(machine.boot(f"0::/{SERVICE}"))
    assert "kill" not in found.controllers


def test_the_root_group_has_no_kill_of_its_own_but_its_children_have(machine):
    point = machine.mount("cgroup", "cgroup2")
    machine.group(
        point, {"cgroup.controllers": "memory pids cpu\n", "cgroup.subtree_control": "memory pids cpu\n"}
    )
    (found,) = hierarchies(machine.boot("0::/"))
    assert (found.place, "kill" in found.controllers) == (point, True)


def test_once_moved_to_the_leaf_its_parent_is_meant(machine):
    point = machine.mount("cgroup", "cgroup2")
    own = machine.group(point / SERVICE)
    machine.group(own / "supervisor")
    (found,) = hierarchies(machine.boot(f"0::/{SERVICE}/supervisor"))
    assert found.place == own


@pytest.mark.parametrize(
    ("shows", "path", "inside"),
    [
        ("/", "/", "."),  # a namespace of its own: it sees itself as the root
        ("/docker/abc", "/docker/abc", "."),  # none: the mount shows its part of the host's tree
        ("/docker/abc", "/docker/abc/nested", "nested"),
        ("/docker/abc", "/docker/abcdef", "."),  # somebody else's, of a like name
        ("/docker/abc", "/elsewhere", "."),
    ],
)
def test_in_a_container(machine, shows, path, inside):
    point = machine.mount("cgroup", "cgroup2", shows=shows)
    machine.group(point)
    machine.group(point / "nested")
    (found,) = hierarchies(machine.boot(f"0::{path}"))
    assert found.place == (point / inside).resolve()


def test_a_group_that_is_not_there_is_not_used(machine):
    machine.mount("cgroup", "cgroup2")
    assert hierarchies(machine.boot("0::/../outside/of/our/namespace")) == []


def test_v1_and_hybrid_machines(machine):
    memory = machine.mount("memory", "cgroup", options="rw,memory")
    cpu = machine.mount("cpu", "cgroup", options="rw,cpu,cpuacct")
    unified = machine.mount("unified", "cgroup2")
    machine.mount("systemd", "cgroup", options="rw,xattr,name=systemd")
    for point in (memory, cpu):
        machine.group(point / "svc", {})
    machine.group(unified / "svc", V2_FILES | {"cgroup.controllers": "\n"})
    own = ("5:cpu,cpuacct:/svc", "4:memory:/svc", "1:name=systemd:/svc", "0::/svc")
    found = {each.place: each for each in hierarchies(machine.boot(*own))}
    assert {place: each.controllers for place, each in found.items()} == {
        memory / "svc": {"memory"},
        cpu / "svc": {"cpu"},
        unified / "svc": {"kill"},
    }
    assert [each.version for each in found.values()].count(2) == 1


def test_controllers_are_passed_on_to_child_groups(machine):
    point = machine.mount("cgroup", "cgroup2")
    own = machine.group(point / SERVICE)
    Cgroups("ours", machine.boot(f"0::/{SERVICE}"))
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert not (own / "supervisor").exists()  # the kernel took it at once: nobody had to move
    assert list(own.glob("ours-*")) == []


def test_controllers_that_are_passed_on_already_are_left(machine):
    point = machine.mount("cgroup", "cgroup2")
    own = machine.group(point / SERVICE, V2_FILES | {"cgroup.subtree_control": "cpu io memory pids\n"})
    Cgroups("ours", machine.boot(f"0::/{SERVICE}"))
    assert (own / "cgroup.subtree_control").read_text() == "cpu io memory pids\n"


def test_where_processes_are_in_the_way_we_move_to_a_leaf(machine):
    """No internal processes: a group passes controllers on only while it has no process of its own."""
    point = machine.mount("cgroup", "cgroup2")
    own = machine.group(point / SERVICE)
    (own / "cgroup.subtree_control").unlink()
    (own / "cgroup.subtree_control").mkdir()  # refuses to be written, as EBUSY would
    machine.group(own / "supervisor", {"cgroup.procs": ""})
    groups = Cgroups("ours", machine.boot(f"0::/{SERVICE}"))
    assert (own / "supervisor" / "cgroup.procs").read_text() == str(os.getpid())
    assert "memory" not in groups.limits  # and what does not work is not claimed


def test_what_a_v2_group_says_of_its_processes(tmp_path):
    group = Group([tmp_path])
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\noom_group_kill 0\n")
    (tmp_path / "pids.events").write_text("max 0\n")
    (tmp_path / "cgroup.procs").write_text("17\n4711\n")
    (tmp_path / "cgroup.kill").write_text("")
    assert not group.out_of_memory()
    assert not group.pids_limited()
    assert group.pids() == {17, 4711}
    (tmp_path / "memory.events").write_text("max 7\noom 1\noom_kill 3\noom_group_kill 1\n")
    (tmp_path / "pids.events").write_text("max 2\n")
    assert group.out_of_memory()
    assert group.pids_limited()
    group._kill_once()
    assert (tmp_path / "cgroup.kill").read_text() == "1"
    assert group.joins == [str(tmp_path / "cgroup.procs")]


def test_a_hierarchy_that_refuses_a_group_at_the_start_is_left_out(machine):
    machine.group(machine.mount("memory", "cgroup", options="rw,memory") / SERVICE)
    refuses = machine.group(machine.mount("pids", "cgroup", options="rw,pids") / SERVICE)
    (refuses / f"ours-try-{os.getpid()}").write_text("in the way")
    groups = Cgroups("ours", machine.boot(f"3:memory:/{SERVICE}", f"2:pids:/{SERVICE}"))
    assert [hierarchy.controllers for hierarchy in groups.hierarchies] == [{"memory"}]


def test_one_that_refuses_later_is_told(tmp_path):
    """A check would run without the limits that the probe found."""
    with pytest.raises(OSError, match="No such file"):
        Group([tmp_path / "group", tmp_path / "missing" / "group"]).create(Resources())


@pytest.mark.sandbox
def test_a_limit_that_is_not_taken_is_told():
    groups = Cgroups(f"test-{os.getpid()}")
    assert "pids" in groups.limits
    group = groups.group("one")
    try:
        with pytest.raises(OSError, match=r"took no pids\.max"):
            group.create(Resources(pids=10**12))
    finally:
        group.destroy_now()
