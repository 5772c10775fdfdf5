# The examples as their readers run them: the commands of their READMEs, in a copy
# of the folder, against a sandbox. Each language installs its libraries from its
# registry or the user's cache of it, changes a company by a command, and sees that
# very change; each automation acts on a change, and the simulated vendor shows what
# it did.
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
# Programs that live for seconds: compiling their code well costs more than it gains.
export JDK_JAVA_OPTIONS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'

# Maven and npm keep what they download; pip asks its registry about each library again.
export npm_config_prefer_offline=true npm_config_audit=false
wheels=${XDG_CACHE_HOME:-$HOME/.cache}/planhat-bridge/wheels-$(sha256sum <"$ex/python/requirements.txt" | cut -c 1-16)-$(python3 -c 'import sys; print(sys.implementation.cache_tag)')
export wheels
keep_wheels() { # all or none
	[ ! -d "$wheels" ] || return 0
	local part
	mkdir -p "${wheels%/*}" && part=$(mktemp -d "$wheels.XXXXXX") &&
		.venv/bin/pip download -q -r requirements.txt -d "$part" &&
		{ mv -T "$part" "$wheels" 2>/dev/null || rm -rf "$part"; }
}
export -f keep_wheels

# The commands of each README.
languages='go python java node'
declare -A install=(
	[go]='go build -o bin/ ./...'
	[python]='python3 -m venv .venv && keep_wheels && PIP_NO_INDEX=1 PIP_FIND_LINKS=$wheels .venv/bin/pip install -q -r requirements.txt'
	[java]='mvn -q package'
	[node]='npm ci --ignore-scripts'
)
declare -A consume=(
	[go]='bin/consume-changes'
	[python]='.venv/bin/python consume_changes.py'
	[java]="java -cp 'target/classes:target/lib/*' com.example.planhat.ConsumeChanges"
	[node]='node consume-changes.js'
)
declare -A produce=(
	[go]='bin/produce-command'
	[python]='.venv/bin/python produce_command.py'
	[java]="java -cp 'target/classes:target/lib/*' com.example.planhat.ProduceCommand"
	[node]='node produce-command.js'
)
automations='new_company.py follow_up.py contacts.py overdue_invoices.py'

# in_background NAME FOLDER COMMAND: leaves its output in NAME.log, and a group of
# processes of its own to end.
declare -A running=()
in_background() {
	setsid ${limit:+timeout "$limit"} bash -c "cd '$2' && $3" >"$SCRATCH/$1.log" 2>&1 </dev/null &
	running[$1]=$!
}
briefly() { limit=60 in_background "$@"; } # for what ends by itself
# end NAME: stop it and wait.
end() {
	kill -TERM -- "-${running[$1]}" 2>/dev/null || true
	wait "${running[$1]}" 2>/dev/null || true
	unset "running[$1]"
}
# A client that closes in peace would wait for a broker that has gone: no peace here.
end_all() { local name; for name in "${!running[@]}"; do kill -KILL -- "-${running[$name]}" 2>/dev/null || true; done; wait 2>/dev/null; }
at_exit end_all
# exit_code WANT NAME: wait until it ends.
exit_code() {
	local rc=0
	wait "${running[$2]}" || rc=$?
	unset "running[$2]"
	[ "$rc" = "$1" ] || { cat "$SCRATCH/$2.log"; say "exit code $rc, want $1"; return 1; }
}

for l in $languages; do in_background "install-$l" "$ex/$l" "${install[$l]}"; done
go build -ldflags=-w -o "$SCRATCH/" ./cmd/sandbox ./cmd/planhatctl
in_background sandbox "$SCRATCH" "exec ./sandbox --companies 20 --kafka-port 29592 --registry-port 28581 \
	--planhat-port 28580 --source-port 29512 --sink-port 29513 --pipedrive-port 0 --webhook-port 0"
for l in $languages; do check "$l: its libraries install" exit_code 0 "install-$l"; done
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
id_of() { grep -oE '[0-9a-f]{24}' "$1" | head -n 1 || true; }

# Each step is taken in all languages at a time.
start() { in_background "consume-$1" "$ex/$1" "exec ${consume[$1]}"; }
uuid='[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
ends() { exit_code "$1" "$2" && says "$2" "$3"; } # CODE NAME PATTERN
sent() { # FLAG...: the command is OK; prints its result and leaves it in $SCRATCH/sent
	ctl send "$@" >"$SCRATCH/sent" 2>&1
	cat "$SCRATCH/sent"
	grep -q '^OK' "$SCRATCH/sent"
}
declare -A id=()
for l in $languages; do start "$l"; briefly "produce-$l" "$ex/$l" "${produce[$l]} c-$l EMEA"; done
for l in $languages; do
	check "$l: the README says how to run it" readme_has "examples/$l/README.md" "${consume[$l]}" "${produce[$l]} c-1 EMEA"
	check "$l: a command is answered" ends 0 "produce-$l" "^OK CREATED [0-9a-f]{24} $uuid\$"
	id[$l]=$(id_of "$SCRATCH/produce-$l.log")
done
for l in $languages; do check "$l: its change is seen as a create" comes "consume-$l" "^c ${id[$l]} Acme"; done
for l in $languages; do
	briefly "again-$l" "$ex/$l" "${produce[$l]} c-$l 'A \"P\" ÅC'"
	briefly "refused-$l" "$ex/$l" "${produce[$l]} ''"
done
for l in $languages; do
	check "$l: a second command is answered" ends 0 "again-$l" "^OK UPDATED ${id[$l]} $uuid\$"
	check "$l: a refused command is shown, and is exit code 1" ends 1 "refused-$l" 'REJECTED INVALID_COMMAND: .*externalId'
done
for l in $languages; do
	check "$l: its change names the custom field" comes "consume-$l" "^u ${id[$l]} Acme .*custom\\.Region 🌍=\"A \\\\\"P\\\\\" ÅC\""
done
for l in $languages; do check "c-$l is deleted" sent --object company --op delete --external-id "c-$l"; done
for l in $languages; do check "$l: a delete is seen" comes "consume-$l" "^d ${id[$l]} Acme"; done
check "another company appears" sent --object company --op upsert --external-id c-next --set name=Next
for l in $languages; do check "$l: what follows the tombstones is seen" comes "consume-$l" "^c $(id_of "$SCRATCH/sent") Next"; done

for l in $languages; do
	end "consume-$l" && mv "$SCRATCH/consume-$l.log" "$SCRATCH/consumed-$l.log" && start "$l"
	briefly "workspace-$l" "$ex/$l" "WORKSPACE=nobody ${consume[$l]}"
	briefly "registry-$l" "$ex/$l" "SCHEMA_REGISTRY_URL=http://127.0.0.1:9 ${produce[$l]} ''"
done
check "another company appears" sent --object company --op upsert --external-id c-last --set name=Last
goes_on() { comes "consume-$1" "^c $(id_of "$SCRATCH/sent") Last" && ! grep -E 'Acme|Next|^r ' "$SCRATCH/consume-$1.log"; }
for l in $languages; do
	check "$l: started again, it goes on where it was" goes_on "$l"
	end "consume-$l"
	check "$l: a wrong workspace is an error that says so" ends 1 "workspace-$l" 'check WORKSPACE'
	check "$l: a wrong registry is an error that says so" ends 1 "registry-$l" 'check SCHEMA_REGISTRY_URL'
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
# The custom fields, by the commands of the README. The bridge looks for a new one every few seconds.
announced() { sent --object company --op update --external-id c-1 --set custom.Announced=2026-01-01T00:00:00.000Z; }
refusal='REJECTED UNKNOWN_FIELD: a company has no custom field "Announced"'
unknown() { ! announced && grep -F "$refusal" "$SCRATCH/sent" && grep -F "$refusal" examples/automations/README.md; }
create_fields() {
	sed -n "s|^\\$ \(curl .*\)http://127.0.0.1:18080/customfields$|\1 -sSf $planhat/customfields|p" examples/automations/README.md >"$SCRATCH/fields.sh"
	[ "$(wc -l <"$SCRATCH/fields.sh")" = 2 ] && bash -e "$SCRATCH/fields.sh"
}
check "a custom field that Planhat lacks is refused, as the README says" unknown
check "the README's commands create what is needed" create_fields
check "... and it is known then" wait_for 20 announced
for a in $automations; do automate "$a"; done

check "contacts.py: creates who is missing" shows 'endusers?email=kari@acme.example' '"position":"Head of Operations"'
check "contacts.py: ... by a command of its own" comes contacts.py '^OK CREATED enduser/kari@acme.example contacts/[0-9a-f]{64}$'
check "new_company.py: a company appears" sent --object company --op upsert --external-id c-auto --set 'name=Auto 🚀'
auto=$(id_of "$SCRATCH/sent")
check "new_company.py: the webhook gets it, with a key" comes receiver "^/companies new-company/planhat.changes.demo.company/[0-9]+/[0-9]+ .*\"_id\": \"$auto\".*\"name\": \"Auto 🚀\""
check "new_company.py: Planhat says so" shows companies/extid-c-auto '"Announced":"2'
check "contacts.py: somebody edits a contact" sent --object enduser --op update --email kari@acme.example --set position=Intern
check "contacts.py: puts it right" comes contacts.py '^OK UPDATED enduser/kari@acme.example contacts/planhat.changes.demo.enduser/'
check "contacts.py: ... in Planhat" shows 'endusers?email=kari@acme.example' '"position":"Head of Operations"'

check "follow_up.py: Planhat has users" vendor users _id
user=$(id_of "$SCRATCH/vendor")
meets() { # SUBJECT DATE: a conversation, by its _id in $met
	sent --object conversation --op create --set type=Meeting --set "companyId=$auto" --set "subject=$1" --set "date=$2" \
		--set "users=[{\"id\":\"$user\",\"name\":\"Sam\",\"isOwner\":true}]" && met=$(id_of "$SCRATCH/sent")
}
has() { # PATH PATTERN...: all of them
	local path=$1 pattern
	shift
	for pattern; do vendor "$path" "$pattern" || { cat "$SCRATCH/vendor"; return 1; }; done
}
asks() { curl -sSf --oauth2-bearer sim-token -X PUT --json "[{\"sourceId\":\"t-1\",\"email\":\"kari@acme.example\",\"title\":\"Help\",\"companyId\":\"$auto\"}]" "$planhat/tickets" >"$SCRATCH/ticket" && cat "$SCRATCH/ticket"; }
check "follow_up.py: a ticket appears" asks
ticket=$(id_of "$SCRATCH/ticket")
check "follow_up.py: a conversation appears" meets 'Kickoff 🎉' 2026-03-01T09:00:00.000Z
check "follow_up.py: a task appears" shows "tasks/extid-follow-up-$met" _id
check "follow_up.py: ... and has all of it" has "tasks/extid-follow-up-$met" '"action":"Follow up: Kickoff (🎉|\\ud83c\\udf89)"' \
	'"mainType":"task"' "\"companyId\":\"$auto\"" "\"ownerId\":\"$user\"" \
	'"startTime":"2026-03-03T09:00:00.000Z"' '"endTime":"2026-03-03T09:30:00.000Z"'
check "follow_up.py: ... by a command of its own" comes follow_up.py "^OK CREATED task/follow-up-$met follow-up/planhat.changes.demo.conversation/"

overdue=$(($(date +%s) / 86400 - 20000))
check "overdue_invoices.py: an invoice appears" sent --object invoice --op upsert --external-id i-auto --set "cId=$auto" --set currency=EUR \
	--set invoiceDate=19970 --set dueDate=20000 --set amountTotal=100
invoice=$(id_of "$SCRATCH/sent")
check "overdue_invoices.py: it is overdue" shows invoices/extid-i-auto "\"Days overdue\":($overdue|$((overdue + 1)))[,}]"
check "overdue_invoices.py: it is paid" sent --object invoice --op upsert --external-id i-auto --set status=paid --set paidDate=20005
check "overdue_invoices.py: it was paid late" shows invoices/extid-i-auto '"Days overdue":5[,}]'
# Its own updates are changes that it reads; they are not answered by updates.
two_updates() {
	grep "^OK .* invoice/$invoice " "$SCRATCH/overdue_invoices.py.log" >"$SCRATCH/answers"
	[ "$(grep -c '^OK UPDATED' "$SCRATCH/answers")" = 2 ] && tail -n 1 "$SCRATCH/answers" | grep '^OK READ .*/get$'
}
check "overdue_invoices.py: reads its second update" wait_for 40 two_updates

# Killed between command and result: the change comes again, under the same id, and
# there is one task.
curl -sSf -o "$SCRATCH/faults" -d '{"kind":"503","method":"PUT"}' "$planhat/_sim/faults"
check "follow_up.py: a conversation appears while Planhat takes no updates" meets Again 2026-04-01T09:00:00.000Z
asked() { ctl tail commands -o json >"$SCRATCH/asked.log" && grep "\"follow-up/.*\"follow-up-$met\"" "$SCRATCH/asked.log"; }
check "follow_up.py: sends its command" wait_for 40 asked
command=$(asked | grep -oE 'follow-up/planhat[^"]*' | head -n 1)
kill -KILL "${running[follow_up.py]}" || true
end follow_up.py
check "follow_up.py: ... and there is no task yet" exits 22 vendor "tasks/extid-follow-up-$met" .
curl -sSf -o "$SCRATCH/faults" -X DELETE "$planhat/_sim/faults"
check "follow_up.py: it is killed, and the command is done" shows "tasks/extid-follow-up-$met" '"startTime":"2026-04-03T'
answered() { ctl tail results -o json | grep -F "\"$command\""; }
check "follow_up.py: ... and answered to nobody" wait_for 20 answered
mv "$SCRATCH/follow_up.py.log" "$SCRATCH/follow_up.py.killed.log"
automate follow_up.py
check "follow_up.py: started again, it asks for the same under the same id" comes follow_up.py "^OK (UPDATED|UNCHANGED) task/follow-up-$met $command\$"
one_task() { vendor "tasks?companyId=$auto&limit=100" . && [ "$(grep -o "\"follow-up-$met\"" "$SCRATCH/vendor" | wc -l)" = 1 ]; }
check "follow_up.py: ... and there is one task" one_task
check "overdue_invoices.py: ... and there is no third" two_updates
for a in $automations; do end "$a"; done

# Stopped in peace, they do nothing again.
for a in $automations; do mv "$SCRATCH/$a.log" "$SCRATCH/$a.first.log" && automate "$a"; done
check "automations: another company, conversation and invoice appear" sent --object company --op upsert --external-id c-more --set name=More
auto=$(id_of "$SCRATCH/sent")
check "... a conversation" meets More 2026-05-01T09:00:00.000Z
check "... an invoice" sent --object invoice --op upsert --external-id i-more --set "cId=$auto" --set currency=EUR --set dueDate=20000
# Its first look at the file is done: what comes now, it learns from a change.
check "... contacts.py has looked at its file" comes contacts.py '^OK (UPDATED|UNCHANGED) enduser/kari@acme.example contacts/[0-9a-f]{64}$'
check "... a contact's edit" sent --object enduser --op update --email kari@acme.example --set position=Owner
only_new() { # AUTOMATION: what it answered now, it had not answered before
	comes "$1" "^OK (CREATED|UPDATED|UNCHANGED) .* [a-z-]+/planhat.changes" || return 1
	grep -oE '[a-z-]+/planhat.changes.*' "$SCRATCH/$1.log" >"$SCRATCH/now"
	! grep -F -f "$SCRATCH/now" "$SCRATCH/$1.first.log"
}
for a in $automations; do check "$a: started again, it goes on where it was" only_new "$a"; done
no_task() { [ -n "$ticket" ] && ! grep -h "$ticket" "$SCRATCH"/follow_up.py*.log; }
check "follow_up.py: a ticket gets no task" no_task
checks_done
