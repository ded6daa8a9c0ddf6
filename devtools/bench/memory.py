"""How much memory each program of a stack holds."""

import psutil

_PROGRAMS = {
    "web process": ("gunicorn", 150),
    "relay": ("run_outbox_relay", 120),
    "consumer": ("run_email_consumer", 120),
    "clock": ("run_order_clock", 120),
}


def report(web_port: str) -> list[str]:
    """Return a line for each program; the largest of the web processes counts."""
    lines = ["Memory (resident, the largest process of each program)"]
    for name, (word, most) in _PROGRAMS.items():
        sizes = [process.memory_info().rss for process in _processes(word, web_port)]
        if not sizes:
            raise LookupError(f"No process of {name} is running.")
        lines.append(f"  {name:<19} {max(sizes) / 2**20:7.1f} MB   aim: ≤ {most} MB")
    return lines


def _processes(word: str, web_port: str) -> list[psutil.Process]:
    """Find the stack's processes: those that have its port in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("WEB_PORT") == web_port
            if is_ours and any(word in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue  # gone meanwhile, or somebody else's
    return found
