"""Options that belong together as one parameter: a command that takes dataclasses in, one that Typer reads, option by option, out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def grouped(command: Callable[..., int]) -> Callable[..., int]:
    """The command with every field of its dataclass parameters as an option of its own, in the dataclass's order.

    A field's annotation is the option; its default is the field's, or that of the instance that is the parameter's default.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for one in inspect.signature(command).parameters.values():
        if one.name not in groups:
            parameters.append(one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name]))
            continue
        options = get_type_hints(groups[one.name], include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=getattr(one.default, field.name),
                annotation=options[field.name],
            )
            for field in fields(groups[one.name])
        ]

    @functools.wraps(command)
    def called(**words: Any) -> int:
        made = {name: group(**{f.name: words.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        return command(**made, **words)

    del called.__wrapped__  # else Typer reads the command itself
    vars(called)["__signature__"] = inspect.Signature(parameters, return_annotation=int)
    called.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": int}
    return called
