{{- /* The configuration with the connector's own defaults, as JSON. */}}
{{- define "polaris-connector.settings" -}}
{{ mergeOverwrite (.Files.Get "config-defaults.json" | fromJson) (deepCopy .Values.config) | toJson }}
{{- end }}

{{- /* A duration of the configuration (500ms, 5s, 5m, 12h, 7d) in whole seconds, rounded up. */}}
{{- define "polaris-connector.seconds" -}}
{{- if not (regexMatch "^[0-9]+(ms|s|m|h|d)$" .) }}{{ fail (printf "%s: the chart reckons with this duration: write it out instead of a variable" .) }}{{ end -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" }}{{ div (add $number 999) 1000 }}{{ else }}{{ mul $number (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) }}{{ end }}
{{- end }}

{{- define "polaris-connector.finishWithinSeconds" -}}
{{ include "polaris-connector.seconds" (include "polaris-connector.settings" . | fromJson).shutdown.finishWithin }}
{{- end }}

{{- define "polaris-connector.gracePeriodSeconds" -}}
{{ .Values.terminationGracePeriodSeconds | default (add (include "polaris-connector.finishWithinSeconds" .) 15) }}
{{- end }}

{{- /* How long a stream may go without a sign before an alert says so: three of its longest intervals, but at least ten minutes. */}}
{{- define "polaris-connector.patienceSeconds" -}}
{{- $settings := include "polaris-connector.settings" . | fromJson -}}
{{- $intervals := list $settings.checkpoint.savePeriod -}}
{{- range $settings.streams }}{{ $intervals = append $intervals (dig "poll" "interval" "1s" .) }}{{ end -}}
{{- $patience := 600 -}}
{{- range $intervals }}{{ $patience = max $patience (include "polaris-connector.seconds" . | mul 3) }}{{ end -}}
{{ $patience }}
{{- end }}

{{- /* The ports that the configuration names, as a JSON list: brokers, Polaris servers, the store (443 without an endpoint). */}}
{{- define "polaris-connector.egressPorts" -}}
{{- $urls := list (dig "endpoint" "https://s3" (.Values.config.checkpoint | default dict)) -}}
{{- range .Values.config.streams }}{{ with dig "polaris" "url" "" . }}{{ $urls = append $urls . }}{{ end }}{{ end -}}
{{- $ports := .Values.networkPolicy.egressPorts -}}
{{- $brokers := dig "brokers" list (.Values.config.kafka | default dict) -}}
{{- if kindIs "slice" $brokers }}{{ range $brokers }}{{ with regexFind "[0-9]+$" . }}{{ $ports = append $ports (int .) }}{{ end }}{{ end }}{{ end -}}
{{- if not $ports }}{{ fail "networkPolicy.egressPorts is empty and config.kafka.brokers names no port: name those of the brokers" }}{{ end -}}
{{- range $urls -}}
{{- $url := urlParse . -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "http" | ternary 80 443) | int) -}}
{{- end -}}
{{ $ports | uniq | sortAlpha | toJson }}
{{- end }}
