"""What schemathesis cannot know from the document, as no schema can say it: which positions and instants this ledger
has, which cursors were given out, and that a file of events has no pages. A position beyond the newest event is right in form
and answered as docs/http.md says (503 `projection_lag` after the time that was given, 400 `beyond_head`); all of that is in
tests/it/api_refusals.rs. Cases that shall be right get positions that are there; cases that shall be wrong stay
wrong, but do not wait. No check is switched off."""

import os
import re

import schemathesis

HEAD = int(os.environ["API_HEAD"])
POSITION_MAX = 2**64 - 1


def there(value):
    """A position or an instant of this ledger, if it is one at all."""
    text = str(value)
    if text.isascii() and text.isdigit():
        return int(text) % (HEAD + 1) if HEAD < int(text) <= POSITION_MAX else value
    # Not in the future. A leap year has every day.
    return re.sub(r"^(20[2-9]|2[1-9]\d|[3-9]\d\d)\d-", "2016-", text) if isinstance(value, str) else value


@schemathesis.hook
def before_call(_context, case, _kwargs):
    query = case.query
    if not query:
        return
    if case.meta is None or case.meta.generation.mode.value == "positive":
        query.pop("cursor", None)
        if query.get("format") == "ndjson":
            query.pop("limit", None)
        for name in ("as_of", "from"):
            if name in query:
                query[name] = there(query[name])
    if "after_position" in query:
        query["after_position"] = there(query["after_position"])
