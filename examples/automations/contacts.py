"""Sync new endusers into Planhat and keep them updated: Enduser Updated -> Update Enduser.

Your source of truth is a CSV file, contacts.csv or the one named as argument, with a column
email and more columns that are fields of an enduser. Who is missing in Planhat is created,
and what is changed there against the file is set right again.
"""

import csv
import hashlib
import sys

from bridge import Bridge

with open(sys.argv[1] if len(sys.argv) > 1 else "contacts.csv", encoding="utf-8", newline="") as file:
    contacts = {row["email"]: row for row in csv.DictReader(file)}

bridge = Bridge("contacts")


def put(command_id, contact):
    bridge.execute(command_id, f"enduser/{contact['email']}", op="upsert", object="enduser",
                   target={"email": contact["email"]},
                   fields={name: value for name, value in contact.items() if name != "email"})


for contact in contacts.values():
    put("contacts/" + hashlib.sha256(repr(contact).encode()).hexdigest(), contact)

for change in bridge.changes("enduser"):
    contact = contacts.get(change.after["email"]) if change.after else None
    # The company may be named by your own id there, and is by Planhat's id here.
    if contact and any(change.after[name] != value for name, value in contact.items() if name != "companyId"):
        put(change.id, contact)
