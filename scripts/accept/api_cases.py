"""What schemathesis cannot know from the document: which positions this ledger has. A position beyond the
newest event is right in form and is answered as docs/http.md says (503 `projection_lag` after the time that was
given, 400 `beyond_head`; tests/it/api_refusals.rs), and a cursor is good only if it was given out. Cases that shall
be right get positions that are there, and no cursor; cases that shall be wrong stay wrong and stay as they are, but do
not wait. No check is switched off."""

import os

import schemathesis

HEAD = int(os.environ["API_HEAD"])
POSITION_MAX = 2**64 - 1


def there(value):
    """A position of this ledger, if it is one at all."""
    text = str(value)
    if text.isascii() and text.isdigit() and HEAD < int(text) <= POSITION_MAX:
        return int(text) % (HEAD + 1)
    return value


@schemathesis.hook
def before_call(_context, case, _kwargs):
    query = case.query
    if not query:
        return
    if case.meta is None or case.meta.generation.mode.value == "positive":
        query.pop("cursor", None)
        for name in ("as_of", "from"):
            if name in query:
                query[name] = there(query[name])
    if "after_position" in query:
        query["after_position"] = there(query["after_position"])
