"""What a measurement is made on and with: the peer's Python and its surroundings, the machine, the versions."""
import os
import pathlib
import platform
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def find_peer():
    """The system's Python first: Debian's python3-torch belongs to that one."""
    for python in ("/usr/bin/python3", sys.executable):
        if os.path.exists(python) and not subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode:
            return python
    return None


def tuned(threads):
    """The peer's surroundings: memory is kept, and OpenBLAS shares the one pool of threads, which does not spin (spinning
    costs where cores are shared). tenfold is run as anyone would."""
    folder = f"/usr/lib/{platform.machine()}-linux-gnu/openblas-openmp"
    return dict(os.environ, MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="8589934592",
                MALLOC_TOP_PAD_="67108864", GOMP_SPINCOUNT="0", OMP_NUM_THREADS=str(threads),
                OPENBLAS_NUM_THREADS=str(threads),
                LD_LIBRARY_PATH=":".join(filter(None, [folder, os.environ.get("LD_LIBRARY_PATH")])))


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def first_value(path, name):
    """Of a file of "name : value" lines."""
    try:
        for line in open(path):
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return ""


def cpu_of_others():
    """Seconds of processor time that programs other than this one and its children have used since the machine started."""
    try:
        with open("/proc/stat") as stat:
            busy = sum(map(int, stat.readline().split()[1:4])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0
    own = os.times()
    return busy - (own.user + own.system + own.children_user + own.children_system)


def machine():
    memory = first_value("/proc/meminfo", "MemTotal").split()
    return dict(processor=first_value("/proc/cpuinfo", "model name") or platform.processor(), cores=len(os.sched_getaffinity(0)),
                memory_gb=round(int(memory[0]) / 2 ** 20, 1) if memory else 0,
                system=system_name(), kernel=platform.release())


def system_name():
    try:
        lines = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
        return lines.get("PRETTY_NAME", "").strip('"')
    except OSError:
        return platform.system()


def versions(peer_python, build):
    packages = output("dpkg-query", "-W", "-f", "${Version}", "libopenblas0-openmp")
    compiler = cmake_value(build, "CMAKE_CXX_COMPILER")
    dirty = "+" if output("git", "status", "--porcelain", "--", "src", "tests/bench") else ""
    found = dict(tenfold=output("git", "describe", "--always", "--tags") + dirty,
                 compiler=(output(compiler, "--version").splitlines() or [""])[0] if compiler else "", openblas=packages)
    if peer_python:
        found["pytorch"] = output(peer_python, "-c", "import torch; print(torch.__version__)")
    return {name: value for name, value in found.items() if value}


def cmake_value(build, name):
    try:
        return next((line.split("=", 1)[1].strip() for line in open(pathlib.Path(build) / "CMakeCache.txt")
                     if line.startswith(name + ":")), "")
    except OSError:
        return ""
