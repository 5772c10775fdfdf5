# The examples as their readers run them: the commands of their READMEs, in a copy
# of the folder, against a sandbox. Each language installs its libraries from its
# registry, changes a company by a command, and sees that very change; each
# automation acts on a change, and the simulated vendor shows what it did.
. .ci/lib.sh
need java default-jdk-headless
need javac default-jdk-headless
need mvn maven
need node nodejs
need npm npm
need curl curl
python3 -c 'import ensurepip, venv' 2>/dev/null || { apt_get update; apt_get install -y --no-install-recommends python3-venv; }

ex=$SCRATCH/examples
git ls-files -co --exclude-standard examples | tar -cf - -T - | tar -xf - -C "$SCRATCH"
export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:29592 SCHEMA_REGISTRY_URL=http://127.0.0.1:28581 WORKSPACE=demo
export WEBHOOK_URL=http://127.0.0.1:28582/companies
planhat=http://127.0.0.1:28580

# The commands of each README.
languages='go python java node'
declare -A install=(
	[go]='go build -o bin/ ./...'
	[python]='python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt'
	[java]='mvn -q package'
	[node]='npm ci --ignore-scripts'
)
declare -A consume=(
	[go]='go run ./consume-changes'
	[python]='.venv/bin/python consume_changes.py'
	[java]="java -cp 'target/classes:target/lib/*' com.example.planhat.ConsumeChanges"
	[node]='node consume-changes.js'
)
declare -A produce=(
	[go]='go run ./produce-command'
	[python]='.venv/bin/python produce_command.py'
	[java]="java -cp 'target/classes:target/lib/*' com.example.planhat.ProduceCommand"
	[node]='node produce-command.js'
)
automations='new_company.py follow_up.py contacts.py renewal_risk.py'

# in_background NAME FOLDER COMMAND: leaves its output in NAME.log, and a group of
# processes of its own to end.
declare -A running=()
in_background() {
	setsid bash -c "cd '$2' && $3" >"$SCRATCH/$1.log" 2>&1 </dev/null &
	running[$1]=$!
}
# end NAME: stop it and wait.
end() {
	kill -TERM -- "-${running[$1]}" 2>/dev/null || true
	wait "${running[$1]}" 2>/dev/null || true
	unset "running[$1]"
}
# A client that closes in peace would wait for a broker that has gone: no peace here.
end_all() { local name; for name in "${!running[@]}"; do kill -KILL -- "-${running[$name]}" 2>/dev/null || true; done; wait 2>/dev/null; }
at_exit end_all
done_well() { local rc=0; wait "${running[$1]}" || rc=$?; unset "running[$1]"; cat "$SCRATCH/$1.log"; return "$rc"; }

go build -o "$SCRATCH/" ./cmd/sandbox ./cmd/planhatctl
in_background sandbox "$SCRATCH" "exec ./sandbox --companies 20 --kafka-port 29592 --registry-port 28581 \
	--planhat-port 28580 --source-port 29512 --sink-port 29513"
for l in $languages; do in_background "install-$l" "$ex/$l" "${install[$l]}"; done
for l in $languages; do check "$l: its libraries install from its registry" done_well "install-$l"; done
up() { grep -q 'schema registry' "$SCRATCH/sandbox.log"; }
wait_for 60 up || { cat "$SCRATCH/sandbox.log"; die "the sandbox does not start"; }
checks_done
# The tenant's own users rest, so that nothing else touches the records below.
curl -sSf -o "$SCRATCH/life" -d '{"rate":0}' "$planhat/_sim/life"

readme_has() { # FILE COMMAND...
	local file=$1 c
	shift
	for c; do grep -qF "\$ $c" "$file" || { say "$file does not say: $c"; return 1; }; done
}
says() { grep -qE "$2" "$SCRATCH/$1.log" || { tail -n 20 "$SCRATCH/$1.log"; return 1; }; } # NAME PATTERN
comes() { wait_for 40 says "$@" || says "$@"; }
ctl() { "$SCRATCH/planhatctl" "$@" --bootstrap "$KAFKA_BOOTSTRAP_SERVERS" --registry "$SCHEMA_REGISTRY_URL" --workspace demo; }
id_of() { grep -oE '[0-9a-f]{24}' "$1" | head -n 1; }

# Each step is taken in all languages before the next, so that they wait together.
start() { in_background "consume-$1" "$ex/$1" "exec ${consume[$1]}"; }
uuid='[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
produces() { # LANGUAGE PATTERN ARGUMENTS
	(cd "$ex/$1" && timeout 40 bash -c "${produce[$1]} $3") >"$SCRATCH/produce-$1.log" 2>&1 || { cat "$SCRATCH/produce-$1.log"; return 1; }
	says "produce-$1" "$2"
}
refuses() { # LANGUAGE
	exits 1 env -C "$ex/$1" bash -c "${produce[$1]} ''" >"$SCRATCH/refused.log" 2>&1 && says refused 'REJECTED INVALID_COMMAND: .*externalId'
}
complains() { # LANGUAGE COMMAND VARIABLE VALUE: the error names the variable
	exits 1 env -C "$ex/$1" "$3=$4" timeout 60 bash -c "$2" >"$SCRATCH/complains.log" 2>&1 && says complains "check $3"
}
sent() { # FLAG...: the command is OK; prints its result and leaves it in $SCRATCH/sent
	ctl send "$@" >"$SCRATCH/sent" 2>&1
	cat "$SCRATCH/sent"
	grep -q '^OK' "$SCRATCH/sent"
}
declare -A id=()
for l in $languages; do start "$l"; done
for l in $languages; do
	check "$l: the README says how to run it" readme_has "examples/$l/README.md" "${consume[$l]}" "${produce[$l]} c-1 EMEA"
	check "$l: a command is answered" produces "$l" "^OK CREATED [0-9a-f]{24} $uuid\$" "c-$l EMEA"
	id[$l]=$(id_of "$SCRATCH/produce-$l.log")
done
for l in $languages; do check "$l: its change is seen as a create" comes "consume-$l" "^c ${id[$l]} Acme"; done
for l in $languages; do check "$l: a second command is answered" produces "$l" "^OK UPDATED ${id[$l]} $uuid\$" "c-$l 'A \"P\" ÅC'"; done
for l in $languages; do
	check "$l: its change names the custom field" comes "consume-$l" "^u ${id[$l]} Acme .*custom\\.Region 🌍=\"A \\\\\"P\\\\\" ÅC\""
	check "$l: a refused command is shown, and is exit code 1" refuses "$l"
done
for l in $languages; do check "c-$l is deleted" sent --object company --op delete --external-id "c-$l"; done
for l in $languages; do check "$l: a delete is seen" comes "consume-$l" "^d ${id[$l]} Acme"; done
check "another company appears" sent --object company --op upsert --external-id c-next --set name=Next
for l in $languages; do check "$l: what follows the tombstones is seen" comes "consume-$l" "^c $(id_of "$SCRATCH/sent") Next"; done

for l in $languages; do end "consume-$l" && mv "$SCRATCH/consume-$l.log" "$SCRATCH/consumed-$l.log" && start "$l"; done
check "another company appears" sent --object company --op upsert --external-id c-last --set name=Last
goes_on() { comes "consume-$1" "^c $(id_of "$SCRATCH/sent") Last" && ! grep -E 'Acme|Next|^r ' "$SCRATCH/consume-$1.log"; }
for l in $languages; do
	check "$l: started again, it goes on where it was" goes_on "$l"
	end "consume-$l"
done
for l in $languages; do
	check "$l: a wrong workspace is an error that says so" complains "$l" "${consume[$l]}" WORKSPACE nobody
	check "$l: a wrong registry is an error that says so" complains "$l" "${produce[$l]}" SCHEMA_REGISTRY_URL http://127.0.0.1:9
done

# The automations. A webhook's receiver writes down what it gets.
cat >"$SCRATCH/receiver.py" <<'PY'
import http.server


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(self.path, self.headers["Idempotency-Key"], body, flush=True)
        self.send_response(204)
        self.end_headers()


http.server.HTTPServer(("127.0.0.1", 28582), Receiver).serve_forever()
PY
in_background receiver "$SCRATCH" "exec python3 receiver.py"
automate() { in_background "$1" "$ex/automations" "exec ../python/.venv/bin/python $1 $([ "$1" != contacts.py ] || echo contacts.csv)"; }
vendor() { # PATH PATTERN: what the vendor answers has it
	curl -sSf -H 'Authorization: Bearer sim-token' "$planhat/$1" >"$SCRATCH/vendor" && grep -E "$2" "$SCRATCH/vendor"
}
shows() { wait_for 40 vendor "$@" || { vendor "$@" || cat "$SCRATCH/vendor"; return 1; }; }
for a in $automations; do
	check "$a: the README says how to run it" readme_has examples/automations/README.md "../python/.venv/bin/python $a"
done
check "c-1, whom contacts.csv refers to" sent --object company --op upsert --external-id c-1 --set name=Acme
for a in $automations; do automate "$a"; done

check "contacts.py: creates who is missing" shows 'endusers?email=kari@acme.example' '"position":"Head of Operations"'
check "contacts.py: ... by a command of its own" comes contacts.py '^OK CREATED enduser/kari@acme.example contacts/[0-9a-f]{64}$'
check "new_company.py: a company appears" sent --object company --op upsert --external-id c-auto --set 'name=Auto 🚀'
auto=$(id_of "$SCRATCH/sent")
check "new_company.py: the webhook gets it, with a key" comes receiver "^/companies new-company/planhat.changes.demo.company/[0-9]+/[0-9]+ .*\"_id\": \"$auto\".*\"name\": \"Auto 🚀\""
check "new_company.py: Planhat says so" shows companies/extid-c-auto '"Announced":"2'
check "follow_up.py: a note appears" sent --object note --op create --set "companyId=$auto" --set 'subject=Kickoff 🎉' --set date=2026-03-01T09:00:00.000Z
check "follow_up.py: it is to be followed up" shows "conversations/$(id_of "$SCRATCH/sent")" '"Follow up (🎉|\\ud83c\\udf89)":"2026-03-03"'
check "contacts.py: somebody edits a contact" sent --object enduser --op update --email kari@acme.example --set position=Intern
check "contacts.py: puts it right" comes contacts.py '^OK UPDATED enduser/kari@acme.example contacts/planhat.changes.demo.enduser/'
check "contacts.py: ... in Planhat" shows 'endusers?email=kari@acme.example' '"position":"Head of Operations"'
check "renewal_risk.py: a license appears" sent --object license --op upsert --external-id l-auto --set "companyId=$auto" --set _currency=EUR \
	--set fromDate=2026-01-01T00:00:00.000Z --set mrr=100 --set renewalStatus=ongoing
check "renewal_risk.py: it has its worth and risk" shows licenses/extid-l-auto '"Renewal risk":"(low|high)".*"Worth a year":1200|"Worth a year":1200.*"Renewal risk":"(low|high)"'
check "renewal_risk.py: it is lost" sent --object license --op upsert --external-id l-auto --set renewalStatus=lost
check "renewal_risk.py: its risk follows" shows licenses/extid-l-auto '"Renewal risk":"lost"'

# Killed between command and result: the change comes again, under the same id, and
# leaves the note as it was. (An update's answer does not tell whether it changed
# anything.)
curl -sSf -o "$SCRATCH/faults" -d '{"kind":"503","method":"PUT"}' "$planhat/_sim/faults"
check "follow_up.py: a note appears while Planhat takes no updates" sent --object note --op create --set "companyId=$auto" --set subject=Again --set date=2026-04-01T09:00:00.000Z
note=$(id_of "$SCRATCH/sent")
asked() { ctl tail commands -o json >"$SCRATCH/asked.log" && grep "\"follow-up/.*\"$note\"" "$SCRATCH/asked.log"; }
check "follow_up.py: sends its command" wait_for 40 asked
command=$(asked | grep -oE 'follow-up/planhat[^"]*' | head -n 1)
kill -KILL "${running[follow_up.py]}" || true
end follow_up.py
curl -sSf -o "$SCRATCH/faults" -X DELETE "$planhat/_sim/faults"
check "follow_up.py: it is killed, and the command is done" shows "conversations/$note" '"Follow up[^"]*":"2026-04-03"'
answered() { ctl tail results -o json | grep -F "\"$command\""; }
check "follow_up.py: ... and answered to nobody" wait_for 20 answered
automate follow_up.py
check "follow_up.py: started again, it asks for the same under the same id" comes follow_up.py "^OK (UPDATED|UNCHANGED) note/$note $command\$"
check "follow_up.py: ... and nothing is changed by it" shows "conversations/$note" '"Follow up[^"]*":"2026-04-03"'
for a in $automations; do end "$a"; done

# Stopped in peace, they do nothing again.
for a in $automations; do mv "$SCRATCH/$a.log" "$SCRATCH/$a.first.log" && automate "$a"; done
check "automations: another company, note and license appear" sent --object company --op upsert --external-id c-more --set name=More
more=$(id_of "$SCRATCH/sent")
check "... a note" sent --object note --op create --set "companyId=$more" --set subject=More
check "... a license" sent --object license --op upsert --external-id l-more --set "companyId=$more" --set _currency=EUR --set fromDate=2026-01-01T00:00:00.000Z --set mrr=1
check "... a contact's edit" sent --object enduser --op update --email kari@acme.example --set position=Owner
only_new() { # AUTOMATION: what it answered now, it had not answered before
	comes "$1" "^OK (UPDATED|UNCHANGED) .* [a-z-]+/planhat.changes" || return 1
	grep -oE '[a-z-]+/planhat.changes.*' "$SCRATCH/$1.log" >"$SCRATCH/now"
	! grep -F -f "$SCRATCH/now" "$SCRATCH/$1.first.log"
}
for a in $automations; do check "$a: started again, it goes on where it was" only_new "$a"; done
checks_done
