"""Auto-create follow-up tasks for new customer conversations: Conversation Created -> Create
Task.

Each e-mail, call, chat or meeting gets a task two days later, for the user who had it. Notes
are your own words, and Planhat writes one for every task that is done: they are on a topic
of their own, planhat.changes.<workspace>.note. Tickets are followed up in your helpdesk.
"""

import json
from datetime import timedelta

from bridge import Bridge

bridge = Bridge("follow-up")
for change in bridge.changes("conversation"):
    if change.op != "c" or change.after["type"] == "ticket":
        continue
    conversation = change.after
    when = conversation["date"] or conversation["createDate"]
    if when is None or conversation["companyId"] is None:
        continue
    start = when + timedelta(days=2)
    owners = [user["id"] for user in json.loads(conversation["users"] or "[]") if user.get("isOwner")]
    # The same conversation is the same task, however often the command is sent.
    key = f"follow-up-{change.key}"
    bridge.execute(change.id, f"task/{key}", op="upsert", object="task", target={"externalId": key}, fields={
        "mainType": "task",
        "companyId": conversation["companyId"],
        "action": f"Follow up: {conversation['subject'] or conversation['type']}",
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=30)).isoformat(),
        **({"ownerId": owners[0]} if owners else {}),
    })
