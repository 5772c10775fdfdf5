"""Auto-create follow-up tasks for new customer conversations: Conversation Created -> Create
Task.

This version of the bridge writes companies, endusers, licenses and notes, but no tasks: the
day of the follow-up is set on the note, where a filter of Planhat finds it.
"""

from datetime import timedelta

from bridge import Bridge

bridge = Bridge("follow-up")
for change in bridge.changes("note"):
    if change.op != "c":
        continue
    day = change.after["date"] or change.after["createDate"]
    if day is None:
        continue
    bridge.execute(change.id, f"note/{change.key}", op="update", object="note", target={"_id": change.key},
                   fields={"custom": {"Follow up 🎉": f"{day + timedelta(days=2):%Y-%m-%d}"}})
