{{- define "bridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Short enough that "-source-0" and the controller's revision hash fit into a label. */ -}}
{{- define "bridge.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "bridge.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "bridge.selector" -}}
app.kubernetes.io/name: {{ include "bridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bridge.labels" -}}
{{ include "bridge.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "bridge.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "bridge.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "bridge.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* A workspace's name as it stands inside a variable's name: acme-eu -> ACME_EU. */ -}}
{{- define "bridge.variable" -}}
{{- . | upper | replace "-" "_" -}}
{{- end -}}

{{- /* Everything that would only show when a pod starts, said while it is cheap. */ -}}
{{- define "bridge.check" -}}
{{- if not (or .Values.workspaces .Values.accounts) -}}
{{- fail "workspaces: name at least one Planhat workspace with its token, e.g. --set workspaces[0].name=acme --set workspaces[0].existingSecret.name=planhat-acme, or an account of Pipedrive in accounts" -}}
{{- end -}}
{{- include "bridge.checkAccounts" . -}}
{{- if and .Values.webhook.ingress.enabled (not .Values.webhook.ingress.host) -}}
{{- fail "webhook.ingress: set host, the public name that stands in the webhook.url of the accounts" -}}
{{- end -}}
{{- $seen := dict -}}
{{- $tokens := dict -}}
{{- range .Values.workspaces -}}
{{- $variable := include "bridge.variable" .name -}}
{{- if hasKey $seen $variable -}}
{{- fail (printf "workspaces: %s and %s would share the variables PLANHAT_%s_...; rename one" (get $seen $variable) .name $variable) -}}
{{- end -}}
{{- $_ := set $seen $variable .name -}}
{{- $secret := (default dict .existingSecret).name -}}
{{- if and (not .token) (not $secret) -}}
{{- fail (printf "workspaces: %s has no token; set token, or existingSecret.name and .key" .name) -}}
{{- end -}}
{{- if and .token $secret -}}
{{- fail (printf "workspaces: %s has both token and existingSecret; keep one" .name) -}}
{{- end -}}
{{- /* One token at one address is one tenant with one budget. */ -}}
{{- $source := printf "secret %s/%s" $secret (default "token" (default dict .existingSecret).key) -}}
{{- if .token -}}
{{- $source = printf "token %s" (sha256sum .token) -}}
{{- end -}}
{{- $at := printf "%s at %s" $source (default "" .baseUrl | lower | trimSuffix "/") -}}
{{- if hasKey $tokens $at -}}
{{- fail (printf "workspaces: %s has the token of %s; give each workspace the token of its own tenant" .name (get $tokens $at)) -}}
{{- end -}}
{{- $_ := set $tokens $at .name -}}
{{- end -}}
{{- if not .Values.kafka.bootstrapServers -}}
{{- fail "kafka.bootstrapServers: set the brokers, e.g. kafka-0:9092,kafka-1:9092" -}}
{{- end -}}
{{- if not .Values.schemaRegistry.url -}}
{{- fail "schemaRegistry.url: set the registry's URL, e.g. http://schema-registry:8081" -}}
{{- end -}}
{{- with .Values.kafka.sasl -}}
{{- if has .mechanism (list "PLAIN" "SCRAM-SHA-256" "SCRAM-SHA-512") -}}
{{- if or (not .username) (not (or .password (.existingSecret).name)) -}}
{{- fail (printf "kafka.sasl: %s needs username, and password or existingSecret.name" .mechanism) -}}
{{- end -}}
{{- end -}}
{{- if eq .mechanism "OAUTHBEARER" -}}
{{- with $.Values.kafka.oauth -}}
{{- if or (not .tokenUrl) (not .clientId) (not (or .clientSecret (.existingSecret).name)) -}}
{{- fail "kafka.oauth: OAUTHBEARER needs tokenUrl, clientId, and clientSecret or existingSecret.name" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka.tls -}}
{{- if and .enabled .mutual (not .existingSecret) -}}
{{- fail "kafka.tls: mutual TLS needs existingSecret with ca.crt, tls.crt and tls.key" -}}
{{- end -}}
{{- end -}}
{{- with .Values.schemaRegistry -}}
{{- if and .username (not (or .password (.existingSecret).name)) -}}
{{- fail "schemaRegistry: username needs password or existingSecret.name" -}}
{{- end -}}
{{- if and .username .token -}}
{{- fail "schemaRegistry: keep either username and password, or token" -}}
{{- end -}}
{{- end -}}
{{- if not (include "bridge.components" . | fromJsonArray) -}}
{{- fail "source.enabled and sink.enabled are both false: nothing would be installed" -}}
{{- end -}}
{{- end -}}

{{- /* What accounts need, as bridge.check says it of workspaces. */ -}}
{{- define "bridge.checkAccounts" -}}
{{- $seen := dict -}}
{{- $tokens := dict -}}
{{- range .Values.accounts -}}
{{- $variable := include "bridge.variable" .name -}}
{{- if hasKey $seen $variable -}}
{{- fail (printf "accounts: %s and %s would share the variables PIPEDRIVE_%s_...; rename one" (get $seen $variable) .name $variable) -}}
{{- end -}}
{{- $_ := set $seen $variable .name -}}
{{- $secret := (default dict .existingSecret).name -}}
{{- if and (not .token) (not $secret) -}}
{{- fail (printf "accounts: %s has no token; set token, or existingSecret.name and .key" .name) -}}
{{- end -}}
{{- if and .token $secret -}}
{{- fail (printf "accounts: %s has both token and existingSecret; keep one" .name) -}}
{{- end -}}
{{- $source := printf "secret %s/%s" $secret (default "token" (default dict .existingSecret).key) -}}
{{- if .token -}}
{{- $source = printf "token %s" (sha256sum .token) -}}
{{- end -}}
{{- if hasKey $tokens $source -}}
{{- fail (printf "accounts: %s has the token of %s; give each account the token of its own company" .name (get $tokens $source)) -}}
{{- end -}}
{{- $_ := set $tokens $source .name -}}
{{- $name := .name -}}
{{- with .webhook -}}
{{- $secret := (default dict .existingSecret).name -}}
{{- if or (not .user) (not (or .password $secret)) -}}
{{- fail (printf "accounts: the webhook of %s needs user, and password or existingSecret.name" $name) -}}
{{- end -}}
{{- if and $secret (or .password .previousPassword) -}}
{{- fail (printf "accounts: the webhook of %s has both password and existingSecret; keep one" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What is installed: each of it a StatefulSet. JSON, as for secrets. */ -}}
{{- define "bridge.components" -}}
{{- $list := list -}}
{{- if .Values.source.enabled -}}{{- $list = append $list "source" -}}{{- end -}}
{{- if and .Values.sink.enabled .Values.workspaces -}}{{- $list = append $list "sink" -}}{{- end -}}
{{- if include "bridge.intake" . -}}{{- $list = append $list "webhook" -}}{{- end -}}
{{- toJson $list -}}
{{- end -}}

{{- /* Not empty where webhooks are taken. */ -}}
{{- define "bridge.intake" -}}
{{- $takes := false -}}
{{- range .Values.accounts -}}{{- if .webhook -}}{{- $takes = true -}}{{- end -}}{{- end -}}
{{- if and .Values.webhook.enabled $takes -}}yes{{- end -}}
{{- end -}}

{{- /*
The secrets that the services read, one entry each: the variable that names its
file, the file below /etc/planhat-bridge, the Secret and its key, the value if the
chart is to keep it, and whether it is a vendor's token, which the intake is not given. JSON, so that several templates can read one list.
*/ -}}
{{- define "bridge.secrets" -}}
{{- $own := include "bridge.fullname" . -}}
{{- $list := list -}}
{{- range .Values.workspaces -}}
{{- $ref := default dict .existingSecret -}}
{{- $list = append $list (dict "variable" (printf "PLANHAT_%s_TOKEN_FILE" (include "bridge.variable" .name)) "path" (printf "planhat/%s/token" .name) "secret" (default $own $ref.name) "key" (ternary (default "token" $ref.key) (printf "planhat-%s-token" .name) (not (empty $ref.name))) "value" .token "vendor" true) -}}
{{- end -}}
{{- range .Values.accounts -}}
{{- $ref := default dict .existingSecret -}}
{{- $name := .name -}}
{{- $variable := printf "PIPEDRIVE_%s" (include "bridge.variable" $name) -}}
{{- $list = append $list (dict "variable" (printf "%s_TOKEN_FILE" $variable) "path" (printf "pipedrive/%s/token" $name) "secret" (default $own $ref.name) "key" (ternary (default "token" $ref.key) (printf "pipedrive-%s-token" $name) (not (empty $ref.name))) "value" .token "vendor" true) -}}
{{- with .webhook -}}
{{- $ref := default dict .existingSecret -}}
{{- $list = append $list (dict "variable" (printf "%s_WEBHOOK_PASSWORD_FILE" $variable) "path" (printf "pipedrive/%s/webhook-password" $name) "secret" (default $own $ref.name) "key" (ternary (default "webhook-password" $ref.key) (printf "pipedrive-%s-webhook-password" $name) (not (empty $ref.name))) "value" .password) -}}
{{- if or .previousPassword $ref.previousKey -}}
{{- $list = append $list (dict "variable" (printf "%s_WEBHOOK_PASSWORD_PREVIOUS_FILE" $variable) "path" (printf "pipedrive/%s/webhook-password-previous" $name) "secret" (default $own $ref.name) "key" (default (printf "pipedrive-%s-webhook-password-previous" $name) $ref.previousKey) "value" .previousPassword) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka.sasl -}}
{{- if and .mechanism (or .password (.existingSecret).name) -}}
{{- $list = append $list (dict "variable" "KAFKA_SASL_PASSWORD_FILE" "path" "kafka/password" "secret" (default $own (.existingSecret).name) "key" (ternary (.existingSecret).key "kafka-password" (not (empty (.existingSecret).name))) "value" .password) -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka.oauth -}}
{{- if and (eq $.Values.kafka.sasl.mechanism "OAUTHBEARER") (or .clientSecret (.existingSecret).name) -}}
{{- $list = append $list (dict "variable" "KAFKA_OAUTH_CLIENT_SECRET_FILE" "path" "kafka/client-secret" "secret" (default $own (.existingSecret).name) "key" (ternary (.existingSecret).key "kafka-client-secret" (not (empty (.existingSecret).name))) "value" .clientSecret) -}}
{{- end -}}
{{- end -}}
{{- with .Values.schemaRegistry -}}
{{- if or .password .token (.existingSecret).name -}}
{{- $variable := ternary "SCHEMA_REGISTRY_PASSWORD_FILE" "SCHEMA_REGISTRY_TOKEN_FILE" (not (empty .username)) -}}
{{- $list = append $list (dict "variable" $variable "path" "registry/secret" "secret" (default $own (.existingSecret).name) "key" (ternary (.existingSecret).key "registry-secret" (not (empty (.existingSecret).name))) "value" (default .token .password)) -}}
{{- end -}}
{{- if .caSecret -}}
{{- $list = append $list (dict "variable" "SCHEMA_REGISTRY_CA_FILE" "path" "registry/ca.crt" "secret" .caSecret "key" "ca.crt") -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka.tls -}}
{{- if and .enabled .existingSecret -}}
{{- $list = append $list (dict "variable" "KAFKA_TLS_CA_FILE" "path" "kafka/ca.crt" "secret" .existingSecret "key" "ca.crt") -}}
{{- if .mutual -}}
{{- $list = append $list (dict "variable" "KAFKA_TLS_CERT_FILE" "path" "kafka/tls.crt" "secret" .existingSecret "key" "tls.crt") -}}
{{- $list = append $list (dict "variable" "KAFKA_TLS_KEY_FILE" "path" "kafka/tls.key" "secret" .existingSecret "key" "tls.key") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $list -}}
{{- end -}}
