"""From the argument vector to files, lines and an exit code: the only place that prints."""

from __future__ import annotations

import sys
import traceback

EXIT_OK = 0
EXIT_FAILED_ON = 1
EXIT_USER = 2
EXIT_INCOMPLETE = 3
EXIT_OURS = 70
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code (see `apim-triage --help`).

    What the user can mend is one line on standard error and code 2; a fault of ours is a traceback and code 70.
    """
    from typer.exceptions import TyperException

    from analyzer.cli.app import app
    from analyzer.errors import AnalyzerError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without the characters must not cost the report
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = app(args=words or ["--help"], prog_name="apim-triage", standalone_mode=False)
    except TyperException as error:
        return _say(f"{error.format_message()} (apim-triage --help shows how)")
    except AnalyzerError as error:
        return _say(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: nothing more can be said
        return EXIT_OK
    except Exception:  # noqa: BLE001  the last resort: ours to mend
        traceback.print_exc()
        print("apim-triage: this is a fault of the program, not of your input", file=sys.stderr)
        return EXIT_OURS
    if code == EXIT_INTERRUPTED:  # what Typer makes of Ctrl-C
        print("apim-triage: interrupted; nothing was left half-written", file=sys.stderr)
    return code if isinstance(code, int) else EXIT_OK


def _say(text: str) -> int:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    print(f"apim-triage: {line}", file=sys.stderr)
    return EXIT_USER
