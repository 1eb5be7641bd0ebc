"""What can go wrong that the user can mend: one line says what, where and what to do.

AnalyzerError                exit code 2; `cli` prints the message as one line
├── UsageError               an argument is wrong or two contradict each other
├── SourceError              a source cannot be read: missing, unreadable, not a gateway log
├── EvidenceError            an evidence or report file is not what it claims to be
├── SettingsError            an --apim-config file is not what az, ARM or Bicep give
├── CertificateFileError     a --ca-file or --trust-store holds no certificate that can be read
├── DownloadError            the list of roots cannot be fetched
└── OutputError              the report cannot be written where it was asked for

A fault in one record, one connection or one certificate is not an error here: it is counted, or it is a result.
"""


class AnalyzerError(Exception):
    """The user can mend it. `str(error)` is one line: what, where, what to do."""


class UsageError(AnalyzerError):
    """An argument is wrong, or two arguments contradict each other."""


class SourceError(AnalyzerError):
    """A source cannot be read at all; what could be read of others is not lost."""


class EvidenceError(AnalyzerError):
    """An evidence or report file fails its schema, its size limit, or holds a broken certificate."""


class SettingsError(AnalyzerError):
    """A file of exported settings cannot be read, or holds nothing of API Management."""


class CertificateFileError(AnalyzerError):
    """A file of trust anchors holds nothing that parses as a certificate."""


class DownloadError(AnalyzerError):
    """The list of Microsoft's roots cannot be fetched, or what came is not that list."""


class OutputError(AnalyzerError):
    """The output folder or file cannot be written."""
