{{- define "polaris-connector.configFile" }}/etc/polaris-connector/{{ .Values.existingConfigMap.name | empty | ternary "connector.yaml" .Values.existingConfigMap.key }}{{ end }}

{{- /* Pod settings shared by the replicas and the audit, except the container. */}}
{{- define "polaris-connector.podSettings" -}}
serviceAccountName: {{ include "polaris-connector.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "hostAliases" }}
{{- with get $.Values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
volumes:
  - name: config
    configMap:
      name: {{ .Values.existingConfigMap.name | default (include "polaris-connector.fullname" .) }}
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
  {{- if .Values.secretFiles }}
  - name: secret-files
    projected:
      defaultMode: 288 # 0440
      sources:
        {{- range $variable, $from := .Values.secretFiles }}
        - {{ include "polaris-connector.projection" (dict "from" $from "path" $variable) | nindent 10 | trim }}
        {{- end }}
  {{- end }}
  {{- with .Values.caBundle }}
  - name: ca-bundle
    projected:
      sources:
        - {{ include "polaris-connector.projection" (dict "from" . "path" "ca.crt") | nindent 10 | trim }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* One key of a Secret or ConfigMap as a file. Parameters: from, path. */}}
{{- define "polaris-connector.projection" -}}
{{ .from.secret | empty | ternary "configMap" "secret" }}:
  name: {{ .from.secret | default .from.configMap }}
  items:
    - key: {{ .from.key | quote }}
      path: {{ .path }}
{{- end }}

{{- /* Image, security context, variables and files, shared by `run` and `audit`. */}}
{{- define "polaris-connector.containerSettings" -}}
image: {{ include "polaris-connector.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- if or .Values.secretFiles .Values.caBundle .Values.extraEnv }}
env:
  {{- range $variable, $from := .Values.secretFiles }}
  - name: {{ $variable }}_FILE
    value: /run/secrets/polaris-connector/{{ $variable }}
  {{- end }}
  {{- if .Values.caBundle }}
  - name: NODE_EXTRA_CA_CERTS
    value: /run/ca-bundle/ca.crt
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
volumeMounts:
  - name: config
    mountPath: /etc/polaris-connector
    readOnly: true
  - name: tmp
    mountPath: /tmp
  {{- if .Values.secretFiles }}
  - name: secret-files
    mountPath: /run/secrets/polaris-connector
    readOnly: true
  {{- end }}
  {{- if .Values.caBundle }}
  - name: ca-bundle
    mountPath: /run/ca-bundle
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
