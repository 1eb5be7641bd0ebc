"""The error texts that gateways log, as records of each stack show them."""

# .NET Framework, as the classic gateway writes them. Where a text names an address, the gateway adds it.
TRUST = "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
VALIDATION = "The remote certificate is invalid according to the validation procedure."
SECURE_CHANNEL = "The request was aborted: Could not create SSL/TLS secure channel."
NO_COMMON_ALGORITHM = "The client and server cannot communicate, because they do not possess a common algorithm"
PACKET_FORMAT = "The handshake failed due to an unexpected packet format."
UNEXPECTED_EOF = "Received an unexpected EOF or 0 bytes from the transport stream."
ON_A_SEND = "The underlying connection was closed: An unexpected error occurred on a send."
CLOSED_UNEXPECTEDLY = "The underlying connection was closed: The connection was closed unexpectedly."
UNABLE_TO_CONNECT = "Unable to connect to the remote server"
REFUSED_ADDRESS = "No connection could be made because the target machine actively refused it 10.20.3.9:443"
NO_RESPONSE = (
    "A connection attempt failed because the connected party did not properly respond after a period of time, "
    "or established connection failed because connected host has failed to respond 10.20.3.8:443"
)
SOCKETS_USED = (
    "Unable to connect to the remote server ---> System.Net.Sockets.SocketException: Only one usage of each socket address "
    "(protocol/network address/port) is normally permitted 203.0.113.77:443"
)
UNREACHABLE_NETWORK = "A socket operation was attempted to an unreachable network 192.0.2.44:443"
NAME_NOT_RESOLVED = "The remote name could not be resolved: '{host}'"

# Modern .NET, as the v2 tiers and the self-hosted gateway write them.
CALLBACK = "The remote certificate was rejected by the provided RemoteCertificateValidationCallback."
CONNECTION_REFUSED = "Connection refused ({host}:443)"
ERROR_CONNECTING = "LogError connecting to {host}:443"
