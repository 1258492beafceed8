{{- define "polaris-connector.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* At most 56 characters, so that `-doctor` can be appended. */}}
{{- define "polaris-connector.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{ .Values.fullnameOverride | default $full | trunc 56 | trimSuffix "-" }}
{{- end }}

{{- define "polaris-connector.namespace" -}}
{{ .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "polaris-connector.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "polaris-connector.fullname" .) "default") }}
{{- end }}

{{- /* Labels of all pods of the release, including the test pod. */}}
{{- define "polaris-connector.releaseLabels" -}}
app.kubernetes.io/name: {{ include "polaris-connector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Labels of the replicas only. A selector is immutable: do not change these labels. */}}
{{- define "polaris-connector.selectorLabels" -}}
{{ include "polaris-connector.releaseLabels" . }}
app.kubernetes.io/component: connector
{{- end }}

{{- /* Name, namespace, labels and annotations of a manifest. Parameters: root; optional for this manifest: name, namespace, labels, annotations. */}}
{{- define "polaris-connector.metadata" -}}
{{- $root := .root -}}
name: {{ .name | default (include "polaris-connector.fullname" $root) }}
namespace: {{ .namespace | default (include "polaris-connector.namespace" $root) }}
labels:
  {{- include "polaris-connector.releaseLabels" $root | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 }}
  {{- with merge (dict) (.labels | default dict) $root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) $root.Values.commonAnnotations }}
annotations:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end }}

{{- define "polaris-connector.image" -}}
{{- $image := .Values.image -}}
{{- $registry := $image.registry | default (dig "imageRegistry" "" (.Values.global | default dict)) -}}
{{- $name := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ printf "%s:%s" $name ($image.tag | default .Chart.AppVersion) }}{{ end }}
{{- end }}
