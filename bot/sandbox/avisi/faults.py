"""Faults on demand: what goes wrong with which requests, and how often."""

import fnmatch
from dataclasses import dataclass, field
from typing import Literal

Down = Literal["refused", "reset"]
Drop = Literal["before", "during", "after"]
Body = Literal["json", "html", "garbage", "text", "empty", "nothing"]


@dataclass(kw_only=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `method` and `path` are patterns (`*`), `times` how often it still happens (None: until cleared).
    `delay` is real seconds, before anything else. `drop` closes the connection before the work, after the work
    without an answer, or in the middle of the answer. `status` or a `body` other than JSON answers in the place of
    the API, without the work unless `work`; `nothing` is a list without items. With a delay only, the request is
    answered as usual, late.
    """

    method: str = "*"
    path: str = "*"
    times: int | None = 1
    delay: float = 0
    drop: Drop | None = None
    status: int | None = None
    body: Body = "json"
    retry_after: str | None = None
    message: str = "Something went wrong"
    details: tuple[str, ...] = ()
    work: bool = False

    @property
    def answers(self) -> bool:
        """Whether this fault answers in the place of the API."""
        return self.status is not None or self.body != "json"

    def content(self) -> tuple[str, str]:
        """Say what to answer: content type and text."""
        status = self.status or 200
        match self.body:
            case "html":
                return "text/html", f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
            case "garbage":
                return "application/json", '{"identity": "10a80a7a-1a32-4a74-'
            case "text":
                return "text/plain", "upstream connect error or disconnect/reset before headers"
            case "empty":
                return "application/json", ""
            case "nothing":
                return "application/json", "[]"
            case "json":
                return "application/json", ""


@dataclass(kw_only=True, slots=True)
class Faults:
    """Every fault that waits, first match first; `standing` is the panel's, for all requests."""

    waiting: list[Fault] = field(default_factory=list)
    down: Down | None = None
    """Whether connections are refused or reset; `SimulatedCloud.go_down` and `come_back` change it."""
    standing: Fault = field(default_factory=lambda: Fault(times=None))

    def add(self, fault: Fault) -> Fault:
        """Let this go wrong from now on."""
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.waiting.clear()
        self.standing = Fault(times=None)

    def take(self, method: str, path: str) -> Fault:
        """Find what goes wrong with this request, and count it."""
        for fault in self.waiting:
            if fnmatch.fnmatchcase(method, fault.method) and fnmatch.fnmatchcase(path, fault.path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.waiting.remove(fault)
                return fault
        return self.standing
