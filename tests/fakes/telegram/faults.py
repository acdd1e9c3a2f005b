"""What this platform adds to the faults a test may order.

`album_partly` (only `items` of an album go out), `too_many_requests` (`retry_after_s`; `whole_bot` or only the chat),
`migrated` (`migrate_to`), and the names of `errors.NAMED`.
"""

from __future__ import annotations

from tests.fakes.faults import BREAKS, Fault
from tests.fakes.telegram.errors import NAMED, ApiError, migrated, named, too_many_requests

KINDS = (*BREAKS, "album_partly", *NAMED, "too_many_requests", "migrated", "refuse")


def error_of(fault: Fault) -> ApiError | None:
    """Return the refusal it stands for; None for a fault of the line."""
    match fault.kind:
        case "too_many_requests":
            return too_many_requests(fault.retry_after_s)
        case "migrated":
            return migrated(fault.migrate_to)
        case "refuse":
            return ApiError(fault.code, fault.description)
        case kind if kind in NAMED:
            return named(kind)
        case _:
            return None
