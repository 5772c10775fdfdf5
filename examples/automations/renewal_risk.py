"""Track financial signals by updating invoices: Invoice Updated -> Get Invoice -> Update
Invoice.

This version of the bridge knows licenses, but no invoices: each new or changed license is
enriched with its worth a year and its renewal risk, for reports and filters in Planhat.
"""

from bridge import Bridge

WATCHED = {"value", "mrr", "arr", "renewalStatus", "renewalDate", "isOverdue", "autoRenews"}


def risk(license):
    if license["renewalStatus"] == "lost":
        return "lost"
    days = license["renewalDaysFromNow"]
    if license["isOverdue"] or (days is not None and days < 60 and not license["autoRenews"]):
        return "high"
    return "low"


bridge = Bridge("renewal-risk")
for change in bridge.changes("license"):
    # What is written here changes custom fields only, so it is not answered again.
    if change.op != "c" and not (change.op == "u" and WATCHED & set(change.changed)):
        continue
    license = change.after
    yearly = license["arr"] or 12 * (license["mrr"] or 0) or license["value"]
    bridge.execute(change.id, f"license/{change.key}", op="update", object="license",
                   target={"_id": change.key},
                   fields={"custom": {"Worth a year": yearly, "Renewal risk": risk(license)}})
