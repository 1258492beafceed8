{{- /* Stops with what values.schema.json cannot tell. Each message names the value and the cure. */}}
{{- define "polaris-connector.validate" -}}
{{- $settings := include "polaris-connector.settings" . | fromJson -}}
{{- $isSingle := eq $settings.placement.mode "single" -}}
{{- if not .Values.config.connector -}}
{{- fail "config.connector is missing: name the connector; it becomes part of transactional ids, groups and checkpoint keys, so never change it" -}}
{{- end -}}
{{- if contains "${" .Values.config.connector -}}
{{- fail "config.connector must be written out: alerts select by it" -}}
{{- end -}}
{{- if not (kindIs "float64" $settings.http.port) -}}
{{- fail "config.http.port must be written out as a number: probes and monitors need it" -}}
{{- end -}}
{{- if eq 0 (int $settings.http.port) -}}
{{- fail "config.http.port is 0, which is another port each time: probes and monitors need one" -}}
{{- end -}}
{{- if regexMatch "^(127\\.|localhost$|::1$)" $settings.http.host -}}
{{- fail (printf "config.http.host is %s: the kubelet cannot ask there; leave it out, or write 0.0.0.0 or ::" $settings.http.host) -}}
{{- end -}}
{{- if and $isSingle (gt (int .Values.replicaCount) 1) -}}
{{- fail (printf "replicaCount is %d but config.placement.mode is single, where a second process takes the streams from the first: write replicaCount: 1, or placement.mode: group" (int .Values.replicaCount)) -}}
{{- end -}}
{{- if le (include "polaris-connector.gracePeriodSeconds" . | int) (include "polaris-connector.finishWithinSeconds" . | int) -}}
{{- fail (printf "terminationGracePeriodSeconds (%s) must be longer than config.shutdown.finishWithin (%s): the page in hand would be killed" (include "polaris-connector.gracePeriodSeconds" .) $settings.shutdown.finishWithin) -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both true, which would count everything twice: enable one" -}}
{{- end -}}
{{- range $variable, $from := .Values.secretFiles }}
{{- if not (regexMatch "^[A-Z][A-Z0-9_]*$" $variable) }}
{{- fail (printf "secretFiles.%s is no variable: write capital letters, digits and underscores" $variable) -}}
{{- end -}}
{{- if hasPrefix "AWS_" $variable }}
{{- fail (printf "secretFiles.%s: the AWS SDK reads no %s_FILE; use extraEnv with valueFrom.secretKeyRef, or serviceAccount.annotations for IRSA" $variable $variable) -}}
{{- end -}}
{{- end -}}
{{- end }}
