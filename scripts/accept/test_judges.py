"""The drivers' judges, shown what they are there for: a driver that cannot fail proves nothing."""

import importlib.machinery
import importlib.util
import pathlib
import types
import unittest

import fleet


def driver(name: str) -> types.ModuleType:
    loader = importlib.machinery.SourceFileLoader(name, str(pathlib.Path(__file__).with_name(name)))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class Log:
    def __init__(self, name, *texts):
        self.name, self.texts = name, list(texts)

    def receipts(self):
        return self.texts


class Compare(unittest.TestCase):
    expected = {"a": ["one", "two"], "b": ["one"]}

    def wrong(self, *logs):
        return len(fleet.compare(self.expected, logs))

    def test_what_was_sent_is_what_arrived(self):
        self.assertEqual(self.wrong(Log("a", "two", "one"), Log("b", "one")), 0)

    def test_a_lost_doubled_mangled_or_misrouted_text_is_seen(self):
        self.assertEqual(self.wrong(Log("a", "one"), Log("b", "one")), 1)
        self.assertEqual(self.wrong(Log("a", "one", "two", "two"), Log("b", "one")), 1)
        self.assertEqual(self.wrong(Log("a", "one", "tw"), Log("b", "one")), 2)
        self.assertEqual(self.wrong(Log("a", "one", "two"), Log("b", "one", "two")), 1)


class Kills(unittest.TestCase):
    judge = staticmethod(driver("kills").judge_message)

    def wrong(self, kinds, state, here, elsewhere=0):
        events = [{"kind": kind} for kind in kinds.split()]
        return len(self.judge("a", "text", events, state, {"a": ["text"] * here, "b": ["text"] * elsewhere}))

    def test_honest_stories_pass(self):
        begun = "message.accepted attempt.started attempt.pasted attempt.submitting"
        self.assertEqual(self.wrong(f"{begun} attempt.observed", "observed", 1), 0)
        self.assertEqual(self.wrong(f"{begun} attempt.unknown", "unknown", 1), 0)
        self.assertEqual(self.wrong(f"{begun} attempt.unknown", "unknown", 0), 0)
        again = "message.accepted attempt.started attempt.failed attempt.started attempt.observed"
        self.assertEqual(self.wrong(again, "observed", 1), 0)

    def test_dishonest_ones_do_not(self):
        begun = "message.accepted attempt.started attempt.pasted attempt.submitting"
        again = "message.accepted attempt.started attempt.failed attempt.started attempt.observed"
        self.assertEqual(self.wrong(f"{begun} attempt.observed", "observed", 0), 1)
        self.assertEqual(self.wrong(f"{begun} attempt.observed", "observed", 1, elsewhere=1), 1)
        self.assertEqual(self.wrong(again, "observed", 2), 1)
        self.assertEqual(self.wrong(f"{begun} attempt.started attempt.observed", "observed", 1), 1)
        self.assertEqual(self.wrong(f"{begun} attempt.failed attempt.inboxed", "inboxed", 1), 1)
        self.assertEqual(self.wrong("", "observed", 1), 1)
        self.assertEqual(self.wrong("message.accepted", "accepted", 0), 1)


class Obstacles(unittest.TestCase):
    judge = staticmethod(driver("obstacles").judge_story)

    def wrong(self, *events, classes=("target_not_found",)):
        return len(self.judge([dict(event) for event in events], set(classes))[0])

    @staticmethod
    def failed(name, at="2025-01-01T00:00:02Z"):
        return {"event": "attempt.failed", "recorded_at": "2025-01-01T00:00:01Z",
                "detail": {"class": name, "detail": "words", "next": {"retry": {"at": at}}}}

    accepted = {"event": "message.accepted", "recorded_at": "2025-01-01T00:00:00Z", "detail": {}}
    started = {"event": "attempt.started", "recorded_at": "2025-01-01T00:00:02Z", "detail": {}}
    inboxed = {"event": "attempt.inboxed", "recorded_at": "2025-01-01T00:00:09Z", "detail": {}}

    def test_the_story_by_the_policy_passes(self):
        failed = self.failed("target_not_found")
        self.assertEqual(self.wrong(self.accepted, self.started, failed, self.started, failed, self.inboxed), 0)

    def test_another_class_too_few_retries_haste_or_enter_are_seen(self):
        failed, other = self.failed("target_not_found"), self.failed("focus_failed")
        late = self.failed("target_not_found", at="2025-01-01T00:00:05Z")
        self.assertEqual(self.wrong(self.accepted, self.started, failed, self.started, other, self.inboxed), 1)
        self.assertEqual(self.wrong(self.accepted, self.started, failed, self.inboxed), 1)
        self.assertEqual(self.wrong(self.accepted, self.started, late, self.started, late, self.inboxed), 1)
        enter = {"event": "attempt.submitting", "recorded_at": "2025-01-01T00:00:03Z", "detail": {}}
        self.assertEqual(self.wrong(self.accepted, self.started, failed, self.started, enter, failed, self.inboxed), 1)


if __name__ == "__main__":
    unittest.main()
