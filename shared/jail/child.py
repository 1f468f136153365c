"""``python -m shared.jail.child``: run named functions on behalf of the parent, and nothing else.

Started by ``shared.jail.jail``. The functions' modules are imported first, then the door is locked.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from shared.domain.errors import InvalidInputError
from shared.jail.codes import JailCode
from shared.jail.frames import packed, receive, send
from shared.jail.limits import Limits, confine
from shared.jail.seccomp import lock_down
from shared.jail.window import Filling

_LARGEST_TASK = 1 << 24
_NOT_ALLOWED = {errno.EPERM, errno.EACCES, errno.EFBIG, errno.EMFILE}


def main() -> None:
    """Serve tasks until the parent closes its end."""
    requests, answers = _take_pipes()
    limits = Limits(**json.loads(sys.argv[1]))
    gc.disable()  # modules are no garbage: looking for some takes a sixth of a child's start
    functions = {name: _function(name) for name in sys.argv[3:]}
    gc.freeze()
    gc.enable()
    if limits.window_mb:
        window = Filling(int(sys.argv[2]), limits.window_mb << 20)
        functions = {name: partial(function, window=window) for name, function in functions.items()}
    confine(limits)
    send(answers, packed({"ready": True, "locked": lock_down()}))
    while True:
        try:
            task = json.loads(receive(partial(os.read, requests), _LARGEST_TASK))
        except EOFError:
            return
        send(answers, _answer(functions, task, limits.answer_bytes))


def _take_pipes() -> tuple[int, int]:
    """Move both pipes away from standard input and output, which printing functions may use."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return requests, answers


def _function(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), attribute)
    return function


def _answer(functions: Mapping[str, Callable[..., Any]], task: Mapping[str, Any], largest: int) -> bytes:
    answer = _outcome(functions, task)
    return answer if len(answer) <= largest else packed({"code": JailCode.ANSWER_TOO_LARGE})


def _outcome(functions: Mapping[str, Callable[..., Any]], task: Mapping[str, Any]) -> bytes:
    try:
        return packed({"answer": functions[task["function"]](**task["arguments"])})
    except InvalidInputError as error:
        return packed({"element": error.element, "reason": error.reason})
    except MemoryError:
        return packed({"code": JailCode.OUT_OF_MEMORY})
    except OSError as error:
        return packed({"code": _of(error)})
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; its text may quote what it read
        return packed({"code": JailCode.FAILED, "type": type(error).__name__})


def _of(error: OSError) -> JailCode:
    if error.errno == errno.ENOMEM:
        return JailCode.OUT_OF_MEMORY
    return JailCode.FORBIDDEN if error.errno in _NOT_ALLOWED else JailCode.FAILED


if __name__ == "__main__":
    main()
