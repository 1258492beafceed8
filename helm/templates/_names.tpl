{{- define "polaris-connector.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* At most 46 characters, so that `-audit` fits the 52 of a CronJob. */}}
{{- define "polaris-connector.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{ .Values.fullnameOverride | default $full | trunc 46 | trimSuffix "-" }}
{{- end }}

{{- define "polaris-connector.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "polaris-connector.fullname" .) "default") }}
{{- end }}

{{- /* Labels of all pods of the release, those of the audit included. */}}
{{- define "polaris-connector.releaseLabels" -}}
app.kubernetes.io/name: {{ include "polaris-connector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Labels of the replicas only. A selector is immutable: do not change these labels. */}}
{{- define "polaris-connector.selectorLabels" -}}
{{ include "polaris-connector.releaseLabels" . }}
app.kubernetes.io/component: connector
{{- end }}

{{- /* Name, namespace, labels and annotations of a manifest. Parameters: root; optional for this manifest: name, labels, annotations. */}}
{{- define "polaris-connector.metadata" -}}
{{- $root := .root -}}
name: {{ .name | default (include "polaris-connector.fullname" $root) }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "polaris-connector.releaseLabels" $root | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 }}
  {{- with merge (dict) (.labels | default dict) $root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end }}

{{- define "polaris-connector.image" -}}
{{- $image := .Values.image -}}
{{- $name := ternary $image.repository (printf "%s/%s" $image.registry $image.repository) (empty $image.registry) -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ printf "%s:%s" $name ($image.tag | default .Chart.AppVersion) }}{{ end }}
{{- end }}

{{- /* Probes and monitors need the port: the connector's default, unless config names another one. */}}
{{- define "polaris-connector.port" -}}
{{ dig "http" "port" 8080 .Values.config }}
{{- end }}

{{- define "polaris-connector.isSingle" -}}
{{- if eq "single" (dig "placement" "mode" "group" .Values.config) }}yes{{ end -}}
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
