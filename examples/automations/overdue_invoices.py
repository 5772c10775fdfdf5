"""Track financial signals by updating invoices: Invoice Updated -> Get Invoice -> Update
Invoice.

Each new or changed invoice gets the number of days that it is overdue, or was when it was
paid, in the custom field Days overdue, for reports and filters on renewal risk. The number is
as of the invoice's last change: no change tells that a day has passed.
"""

import json
import time

from bridge import Bridge

FIELD = "Days overdue"


def days_overdue(invoice):
    """Planhat counts an invoice's dates in days since 1970-01-01."""
    if (due := invoice.get("dueDate")) is None:
        return 0
    if (end := invoice.get("paidDate")) is None:
        if invoice.get("status") == "paid":
            return 0  # nobody said when
        end = int(time.time()) // 86400
    return max(0, end - due)


bridge = Bridge("overdue-invoices")
for change in bridge.changes("invoice"):
    if change.op not in ("c", "u"):
        continue
    target = {"_id": change.key}
    # After an outage changes are old: what counts is what the invoice says now.
    found = bridge.execute(f"{change.id}/get", f"invoice/{change.key}", op="get", object="invoice", target=target)
    if found["status"] != "OK":
        continue  # deleted since
    invoice = json.loads(found["record"])
    days = days_overdue(invoice)
    # The update is a change, too, and is not answered by another one.
    if (invoice.get("custom") or {}).get(FIELD) != days:
        bridge.execute(change.id, f"invoice/{change.key}", op="update", object="invoice", target=target,
                       fields={"custom": {FIELD: days}})
