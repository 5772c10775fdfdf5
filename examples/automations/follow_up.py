"""Auto-create follow-up tasks for new customer conversations: Conversation Created -> Create
Task.

This version of the bridge writes companies, endusers, licenses and notes, but no tasks: the
follow-up is set on the company, where a playbook or a filter of Planhat finds it.
"""

from datetime import timedelta

from bridge import Bridge

bridge = Bridge("follow-up")
for change in bridge.changes("note"):
    if change.op != "c" or not change.after["companyId"]:
        continue
    note = change.after
    due = (note["date"] or note["createDate"]) + timedelta(days=2)
    bridge.execute(change.id, f"company/{note['companyId']}", op="update", object="company",
                   target={"_id": note["companyId"]},
                   fields={"custom": {"Follow up": note["subject"], "Follow up by": f"{due:%Y-%m-%d}"}})
