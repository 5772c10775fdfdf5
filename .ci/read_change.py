"""Reads one change event as a stranger would: the Confluent wire format from
standard input, the schema from the registry whose URL is the first argument, the
value with Apache Avro's own reader. Prints it as JSON; exits 1 if it is no
envelope."""

import io
import json
import struct
import sys
import urllib.request

import avro.io
import avro.schema

value = sys.stdin.buffer.read()
if len(value) < 5 or value[0] != 0:
    sys.exit("not the Confluent wire format: %r" % value[:5])
(schema_id,) = struct.unpack(">I", value[1:5])
with urllib.request.urlopen("%s/schemas/ids/%d" % (sys.argv[1], schema_id), timeout=5) as answer:
    schema = avro.schema.parse(json.load(answer)["schema"])
body = io.BytesIO(value[5:])
change = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(body))
if body.read():
    sys.exit("bytes are left after the record")
for name in ("before", "after", "source", "op", "ts_ms", "changed"):
    if name not in change:
        sys.exit("no field %r in %r" % (name, sorted(change)))
if change["op"] not in ("r", "c", "u") or not (change["after"] or {}).get("_id"):
    sys.exit("no record in the change: %r" % change)
change["after"] = {k: v for k, v in change["after"].items() if v is not None}
json.dump(change, sys.stdout, default=str, indent=1)
print()
