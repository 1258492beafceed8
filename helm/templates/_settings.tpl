{{- /* The configuration with the connector's defaults, as JSON. */}}
{{- define "polaris-connector.settings" -}}
{{ mergeOverwrite (.Files.Get "config-defaults.json" | fromJson) (deepCopy .Values.config) | toJson }}
{{- end }}

{{- /* A duration (500ms, 5s, 5m, 12h, 7d) in whole seconds, rounded up. */}}
{{- define "polaris-connector.seconds" -}}
{{- if not (regexMatch "^[0-9]+(ms|s|m|h|d)$" .) }}{{ fail (printf "%s: must be a duration, not a variable: the chart calculates with it" .) }}{{ end -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" }}{{ div (add $number 999) 1000 }}{{ else }}{{ mul $number (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) }}{{ end }}
{{- end }}

{{- /* Seconds without progress before an alert: three times the interval, at least ten minutes. */}}
{{- define "polaris-connector.patienceSeconds" -}}
{{- $patience := 600 -}}
{{- range .Values.config.streams -}}
{{- $patience = max $patience (dig "poll" "interval" "1s" . | include "polaris-connector.seconds" | mul 3) -}}
{{- end -}}
{{ $patience }}
{{- end }}

{{- /* Ports of the brokers, their token endpoint, Polaris servers, their proxies and the store (443 without an endpoint), as a JSON list. */}}
{{- define "polaris-connector.egressPorts" -}}
{{- $urls := list (dig "endpoint" "https://s3" (.Values.config.checkpoint | default dict)) -}}
{{- range .Values.config.streams }}{{ with dig "polaris" "url" "" . }}{{ $urls = append $urls . }}{{ end }}{{ end -}}
{{- with dig "sasl" "oauth" "tokenEndpoint" "" (.Values.config.kafka | default dict) }}{{ $urls = append $urls . }}{{ end -}}
{{- $ports := .Values.networkPolicy.egressPorts -}}
{{- $brokers := dig "brokers" list (.Values.config.kafka | default dict) -}}
{{- if kindIs "slice" $brokers }}{{ range $brokers }}{{ with regexFind "[0-9]+$" . }}{{ $ports = append $ports (int .) }}{{ end }}{{ end }}{{ end -}}
{{- if not $ports }}{{ fail "networkPolicy.egressPorts is empty and config.kafka.brokers contains no port: add the ports of the brokers to one of them" }}{{ end -}}
{{- range $urls -}}
{{- $url := urlParse . -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "http" | ternary 80 443) | int) -}}
{{- end -}}
{{- range .Values.config.streams }}{{ with dig "polaris" "proxy" "" . -}}
{{- if not (or (eq . "none") (regexMatch "^\\$\\{[^}]*\\}$" .)) -}}
{{- $ports = append $ports (regexFind "[0-9]+" (regexFind ":[0-9]+/?$" .) | default (hasPrefix "https:" . | ternary 443 80) | int) -}}
{{- end }}{{ end }}{{ end -}}
{{ $ports | uniq | sortAlpha | toJson }}
{{- end }}
